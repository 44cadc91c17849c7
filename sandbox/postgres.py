"""An embedded PostgreSQL on loopback with the product's two roles, started by our own launcher."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psycopg

from sandbox.postgres_binaries import find_binaries
from sandbox.postgres_roles import APPLICATION, DATABASE, OWNER, make_roles_and_database
from sandbox.processes import (
    LOOPBACK,
    ON_LINUX,
    ServerError,
    SystemUser,
    free_port,
    make_directory,
    open_log,
    require_reachable,
    start_child,
    stop_child,
    unprivileged_user,
)

_SUPERUSER = "postgres"
_ATTEMPTS = 4
# A crashed cluster replays its log first; the longest wait is for that.
_START_SECONDS = 120.0
_PREDECESSOR_SECONDS = 20.0
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
}
_SETTINGS_OF_TESTS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running PostgreSQL; stops when the `with` block ends or its owner dies.

    `owner_url` may make schemas and databases (migrations, tests from a template); `app_url` is
    the role of the running product, which can make nothing and reads what it was granted.
    """

    owner_url: str = field(repr=False)
    app_url: str = field(repr=False)
    pid: int
    _process: subprocess.Popen[bytes] = field(repr=False)

    def is_running(self) -> bool:
        """Say whether the server has not ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop the server and wait for its end; harmless when it has ended."""
        stop_child(self._process, steps=[(signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass(frozen=True, slots=True)
class _Cluster:
    home: Path
    binaries: Path
    user: SystemUser | None
    passwords: dict[str, str]
    durable: bool

    @property
    def data(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"


def start_postgres(data_dir: Path, *, port: int = 0, durable: bool = True) -> Postgres:
    """Start PostgreSQL on loopback and return once database and roles are ready.

    The first start makes the cluster in `data_dir`; later ones reuse it and its passwords, also
    after a crash. Port 0 takes a free one. `durable=False` trades safety against power loss for
    speed: for tests. Call it from the main thread; as root the server runs as `nobody`.
    Raises ServerError when it cannot run here, saying why.
    """
    user = unprivileged_user()
    make_directory(data_dir, owner=None, mode=0o711)
    home = data_dir.resolve()
    require_reachable(home / "cluster", user)
    passwords = _passwords(home)
    cluster = _Cluster(home, find_binaries(user), user, passwords, durable)
    if not cluster.data.exists():
        _initialise(cluster)
    _await_predecessor(cluster.data)
    for attempt in range(_ATTEMPTS):
        chosen = port or free_port()
        process = _launch(cluster, chosen)
        if _is_ready(cluster, process, chosen):
            break
        stop_child(process, steps=[])
        # What a killed server left (its last backends, its port) goes away within moments.
        time.sleep(0.5 * (attempt + 1))
    else:
        raise ServerError(f"PostgreSQL did not start; see {cluster.log}")
    try:
        with _connect(cluster, chosen) as connection:
            make_roles_and_database(connection, passwords)
    except BaseException:
        stop_child(process, steps=[(signal.SIGINT, 30.0)])
        raise
    return Postgres(
        owner_url=_url(OWNER, passwords, chosen),
        app_url=_url(APPLICATION, passwords, chosen),
        pid=process.pid,
        _process=process,
    )


def _passwords(home: Path) -> dict[str, str]:
    path = home / "postgres-passwords.json"
    if path.exists():
        kept: dict[str, str] = json.loads(path.read_text())
        return kept
    if (home / "cluster").exists():
        raise ServerError(f"{path} is gone, and with it the way into the database beside it")
    made = {role: secrets.token_urlsafe(32) for role in (_SUPERUSER, OWNER, APPLICATION)}
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(made))
    fresh.replace(path)
    return made


def _initialise(cluster: _Cluster) -> None:
    """Make the cluster under another name first, so that a half-made one is never started."""
    unfinished = cluster.home / "cluster.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    make_directory(unfinished, owner=cluster.user, mode=0o700)
    secret = cluster.home / "initial-password"
    secret.touch(mode=0o600)
    secret.write_text(cluster.passwords[_SUPERUSER])
    if cluster.user is not None:
        os.chown(secret, cluster.user.uid, cluster.user.gid)
    arguments: list[str | Path] = [
        cluster.binaries / "initdb",
        f"--pgdata={unfinished}",
        f"--username={_SUPERUSER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        # Order by code point, but know what a letter is: with a C character type, trigrams and
        # text search see no Chinese at all.
        "--lc-collate=C",
        f"--lc-ctype={_character_type()}",
        "--lc-messages=C",
        "--data-checksums",
    ]
    if not cluster.durable:
        arguments.append("--no-sync")
    try:
        with open_log(cluster.log) as log:
            process = start_child(
                arguments,
                death_signal=signal.SIGKILL,
                log=log,
                user=cluster.user,
                cwd=Path("/"),
            )
            if process.wait() != 0:
                raise ServerError(f"initdb failed; see {cluster.log}")
    finally:
        secret.unlink()
    unfinished.rename(cluster.data)


def _character_type() -> str:
    return "C.UTF-8" if ON_LINUX else "en_US.UTF-8"


def _await_predecessor(data: Path) -> None:
    """Wait until a server whose owner was killed has left this cluster.

    Raises ServerError when it stays: then somebody else uses the directory.
    """
    lock = data / "postmaster.pid"
    deadline = time.monotonic() + _PREDECESSOR_SECONDS
    while lock.exists():
        pid = _pid_in(lock)
        if not _serves(pid, data):
            # Its number may by now belong to another program, which PostgreSQL would mistake
            # for a living server.
            lock.unlink(missing_ok=True)
            return
        if time.monotonic() > deadline:
            raise ServerError(f"{data.parent} is in use by the PostgreSQL with process id {pid}")
        time.sleep(0.05)


def _pid_in(lock: Path) -> int:
    try:
        return int(lock.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _serves(pid: int, data: Path) -> bool:
    """Tell whether this process is a server of this cluster: a server works inside it."""
    if pid <= 0:
        return False
    if ON_LINUX:
        try:
            return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _launch(cluster: _Cluster, port: int) -> subprocess.Popen[bytes]:
    settings = _SETTINGS | ({} if cluster.durable else _SETTINGS_OF_TESTS)
    arguments: list[str | Path] = [
        cluster.binaries / "postgres",
        "-D",
        cluster.data,
        "-p",
        str(port),
    ]
    for name, value in settings.items():
        arguments += ["-c", f"{name}={value}"]
    with open_log(cluster.log) as log:
        return start_child(
            arguments,
            death_signal=signal.SIGINT,
            log=log,
            user=cluster.user,
            cwd=Path("/"),
        )


def _is_ready(cluster: _Cluster, process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            _connect(cluster, port).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            # Somebody else's server may hold the port while ours is still failing on it.
            return _pid_in(cluster.data / "postmaster.pid") == process.pid
    return False


def _connect(cluster: _Cluster, port: int) -> psycopg.Connection:
    return psycopg.connect(
        host=LOOPBACK,
        port=port,
        dbname="postgres",
        user=_SUPERUSER,
        password=cluster.passwords[_SUPERUSER],
        connect_timeout=10,
        autocommit=True,
    )


def _url(role: str, passwords: dict[str, str], port: int) -> str:
    return f"postgresql+psycopg://{role}:{passwords[role]}@{LOOPBACK}:{port}/{DATABASE}"
