"""The embedded servers start again, refuse what they must and die with their owner."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg import sql

from sandbox.processes import (
    ServerError,
    SystemUser,
    require_reachable,
    unprivileged_user,
)
from sandbox.servers import (
    Postgres,
    start_postgres,
    start_valkey,
    temporary_data_dir,
)
from tests.ports import port_of_a_run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with temporary_data_dir() as path:
        yield path


@pytest.fixture(scope="module")
def database(home: Path) -> Iterator[Postgres]:
    with start_postgres(home / "shared", durable=False) as running:
        yield running


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def is_alive(pid: int) -> bool:
    """A zombie is dead: it only waits for its parent to notice."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def await_end_of(pids: list[int]) -> None:
    deadline = time.monotonic() + 30
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still running: {[p for p in pids if is_alive(p)]}"
        time.sleep(0.02)


def test_the_server_runs_unprivileged_and_listens_on_loopback_only(
    database: Postgres, home: Path
) -> None:
    assert is_alive(database.pid)
    assert Path(f"/proc/{database.pid}").stat().st_uid != 0
    passwords = json.loads((home / "shared" / "postgres-passwords.json").read_text())
    with psycopg.connect(
        database.owner_url.replace("+psycopg", ""), user="postgres", password=passwords["postgres"]
    ) as connection:
        settings = {
            name: connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
            for name in (
                "listen_addresses",
                "unix_socket_directories",
                "server_encoding",
                "timezone",
                "max_connections",
                "password_encryption",
            )
        }
    assert settings == {
        "listen_addresses": ("127.0.0.1",),
        "unix_socket_directories": ("",),
        "server_encoding": ("UTF8",),
        "timezone": ("UTC",),
        "max_connections": ("200",),
        "password_encryption": ("scram-sha-256",),
    }


def test_chinese_has_trigrams_in_the_database_and_in_copies_of_it(database: Postgres) -> None:
    with connect(database.owner_url) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        connection.execute("CREATE DATABASE copy_of_it TEMPLATE wudang")
    with connect(database.owner_url.removesuffix("wudang") + "copy_of_it") as connection:
        row = connection.execute("SELECT show_trgm('武当山风景区')").fetchone()
    assert row is not None
    assert len(row[0]) == 7


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "SET ROLE wudang_owner",
        "SET ROLE postgres",
        "SELECT * FROM owned",
    ],
)
def test_the_application_role_may_do_only_what_it_is_granted(
    database: Postgres, statement: str
) -> None:
    with connect(database.owner_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS owned (id int)")
    with connect(database.app_url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("wudang_app",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_wrong_password_is_refused(database: Postgres) -> None:
    password = database.app_url.split(":")[2].partition("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(database.app_url.replace(password, "wrong"))


def test_the_passwords_are_readable_by_their_owner_only(database: Postgres, home: Path) -> None:
    kept = home / "shared" / "postgres-passwords.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (home / "shared" / "cluster").stat().st_mode & 0o777 == 0o700
    assert not (home / "shared" / "initial-password").exists()


def test_a_second_start_keeps_data_and_passwords(home: Path) -> None:
    with start_postgres(home / "twice") as first, connect(first.owner_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert not is_alive(first.pid)
    port = port_of_a_run()
    with start_postgres(home / "twice", port=port) as second:
        assert second.owner_url.rpartition(":")[0] == first.owner_url.rpartition(":")[0]
        assert second.owner_url.endswith(f"@127.0.0.1:{port}/wudang")
        with connect(second.owner_url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_the_server_recovers_after_it_was_killed(home: Path) -> None:
    with start_postgres(home / "killed") as first:
        with connect(first.owner_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(first.pid, signal.SIGKILL)
        await_end_of([first.pid])
        assert (home / "killed" / "cluster" / "postmaster.pid").exists()
    # The number in the stale file now belongs to a living process that is no server.
    lock = home / "killed" / "cluster" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:], ""]))
    with (
        start_postgres(home / "killed") as second,
        connect(second.owner_url) as connection,
    ):
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_directory_in_use_is_refused(
    database: Postgres, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.postgres._PREDECESSOR_SECONDS", 0.2)
    with pytest.raises(ServerError, match=f"in use by .* {database.pid}"):
        start_postgres(home / "shared", durable=False)
    assert is_alive(database.pid)


def test_a_half_made_cluster_is_made_again(home: Path) -> None:
    (home / "half" / "cluster.new").mkdir(parents=True)
    (home / "half" / "cluster.new" / "PG_VERSION").write_text("18\n")
    with (
        start_postgres(home / "half", durable=False) as running,
        connect(running.app_url) as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_taken_port_is_refused(home: Path, database: Postgres) -> None:
    port = int(database.app_url.rpartition(":")[2].partition("/")[0])
    with pytest.raises(ServerError, match="did not start"):
        start_valkey(home / "taken", port=port)


def test_a_closed_parent_directory_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    nobody = SystemUser(uid=closed.stat().st_uid + 65534, gid=closed.stat().st_gid + 65534)
    with pytest.raises(ServerError, match="closed to the unprivileged user"):
        require_reachable(closed / "data", nobody)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a user to drop to")
def test_root_drops_to_a_user_that_exists_already() -> None:
    user = unprivileged_user()
    assert user is not None
    assert user.uid != 0


def test_valkey_wants_its_password_and_keeps_nothing(home: Path) -> None:
    with start_valkey(home / "valkey") as running:
        with redis.Redis.from_url(running.url, decode_responses=True) as client:
            client.set("greeting", "武当")
            assert client.get("greeting") == "武当"
            assert client.config_get("bind") == {"bind": "127.0.0.1"}
            assert client.config_get("save") == {"save": ""}
        without = "redis://" + running.url.partition("@")[2]
        with (
            redis.Redis.from_url(without) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.get("greeting")
        assert running.url not in Path(f"/proc/{running.pid}/cmdline").read_text()
    assert not is_alive(running.pid)
    running.stop()
    assert sorted(path.name for path in (home / "valkey").iterdir()) == ["valkey.log"]


def test_a_killed_owner_leaves_no_server(home: Path) -> None:
    script = f"""
        import time
        from pathlib import Path
        from sandbox.servers import start_postgres, start_valkey

        home = Path({str(home / "owned")!r})
        database = start_postgres(home / "postgres", durable=False)
        cache = start_valkey(home / "valkey")
        print(database.pid, cache.pid, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 2
        assert all(is_alive(pid) for pid in pids)
        owner.kill()
    await_end_of(pids)
    with start_postgres(home / "owned" / "postgres", durable=False) as again:
        assert is_alive(again.pid)


def test_a_child_is_refused_outside_the_main_thread() -> None:
    script = """
        import signal, threading
        from sandbox.processes import ServerError, start_child

        def start():
            try:
                start_child(["true"], death_signal=signal.SIGTERM)
            except ServerError as refused:
                print(refused)

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
    """
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "main thread" in done.stdout
