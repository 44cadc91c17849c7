"""One command starts everything, says what failed, and leaves nothing behind.

The product is played by a stand-in of a few lines, so that these tests are about the run alone.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from config.settings import Settings
from sandbox.environment import Outside, Secrets, product_environment, with_stripe_keys
from sandbox.plan import Plan, PlanInvalid
from sandbox.servers import temporary_data_dir
from tests.ports import port_of_a_run

ROOT = Path(__file__).parents[2]
PATIENCE = 60

WSGI = '''
"""A stand-in for the product's web side."""
import os
import sys

import flask
import psycopg

app = flask.Flask(__name__)


@app.get("/readyz")
def readyz():
    return "ready"


@app.get("/about")
def about():
    with psycopg.connect(os.environ["DATABASE_URL"].replace("+psycopg", "")) as connection:
        starts = connection.execute("SELECT count(*) FROM starts").fetchone()[0]
    return {"pid": os.getpid(), "starts": starts, "environment": dict(os.environ)}


@app.cli.command("migrate")
def migrate():
    if os.path.exists("migration-fails"):
        sys.exit("no such column: 武当")
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"].replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS starts (at timestamptz)")
        connection.execute("GRANT SELECT ON starts TO wudang_app")
        connection.execute("INSERT INTO starts VALUES (now())")


@app.cli.command("greet")
def greet():
    print("hello from", os.environ["PUBLIC_URL"])
'''

WORKER = '''
"""A stand-in for the product's worker, which tells what it finds when it is stopped."""
import json
import os
import signal
import sys
import urllib.request

import psycopg


def is_up(url):
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True


def stop(*_):
    web = is_up(os.environ["PUBLIC_URL"] + "/readyz")
    city = is_up(os.environ["UTILITIES_BILLER_URL"])
    psycopg.connect(os.environ["DATABASE_URL"].replace("+psycopg", "")).close()
    print(json.dumps({"web": web, "city": city, "database": True}), flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
while True:
    signal.pause()
'''


# Stands for `make`, which waits for the run.
PARENT = """
import subprocess
import sys

subprocess.run([sys.executable, "-m", "sandbox.run", "--with-parent"], check=False)
"""


class Run:
    """One `python -m sandbox.run` around the stand-in."""

    def __init__(self, tree: Path, data_dir: Path, port: int) -> None:
        self.tree = tree
        self.data_dir = data_dir
        self.port = port
        self.environment = {
            **{name: value for name, value in os.environ.items() if "STRIPE" not in name},
            "PORT": str(port),
            "DATA_DIR": str(data_dir),
        }
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.run"],
            cwd=self.tree,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self.process

    def await_welcome(self) -> str:
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if "curl" in line:
                return said
        pytest.fail(f"ended before it was ready:\n{said}")

    def about(self) -> dict[str, Any]:
        answer = urllib3.request("GET", f"http://127.0.0.1:{self.port}/about", timeout=20)
        assert answer.status == 200
        found: dict[str, Any] = answer.json()
        return found

    def end(self) -> tuple[int, str]:
        said, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(with_signal)
        return self.end()


def parents() -> dict[int, int]:
    """Return the parent of every living process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                found[int(entry.name)] = int(parent)
    return found


def descendants(pid: int) -> set[int]:
    tree = parents()
    found = {pid}
    while more := {child for child, parent in tree.items() if parent in found} - found:
        found |= more
    return found - {pid}


def command_of(pid: int) -> str:
    """Return a process's words, or none: those that come and go may have gone by now."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def commands_under(pid: int) -> str:
    return " ".join(command_of(child) for child in descendants(pid))


def the_one(pids: set[int], *words: str) -> int:
    """Return the process of these words whose parent is not one of them too."""
    matching = {pid for pid in pids if all(word in command_of(pid) for word in words)}
    tree = parents()
    (found,) = {pid for pid in matching if tree.get(pid, pid) not in matching}
    return found


def await_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    with temporary_data_dir() as folder:
        shutil.copytree(
            ROOT / "sandbox", folder / "sandbox", ignore=shutil.ignore_patterns("__pycache__")
        )
        (folder / "app").mkdir()
        (folder / "app" / "__init__.py").write_text('"""A stand-in."""\n')
        (folder / "app" / "worker.py").write_text(WORKER)
        (folder / "wsgi.py").write_text(WSGI)
        yield folder


@pytest.fixture
def run(tree: Path) -> Iterator[Run]:
    with temporary_data_dir() as data_dir:
        started = Run(tree, data_dir / "data", port_of_a_run())
        yield started
        started.process.kill()
        started.process.communicate()
        (tree / "migration-fails").unlink(missing_ok=True)


def test_it_starts_says_where_stops_in_order_and_starts_again(run: Run) -> None:
    said = run.await_welcome()
    for word in ("make demo", "curl", f"http://127.0.0.1:{run.port}", str(run.data_dir)):
        assert word in said
    first = run.about()
    environment = first["environment"]
    assert environment["PROFILE"] == "sandbox"
    pairs = ",".join(f"127.0.0.1:{run.port + offset}" for offset in (11, 10, 12, 20))
    assert environment["EGRESS_LOOPBACK"] == pairs
    assert environment["WECHAT_PAY_API_BASE"] == f"http://127.0.0.1:{run.port + 12}/wechat"
    assert urllib3.request("GET", environment["UTILITIES_BILLER_URL"], timeout=20).status == 200
    for name in ("secrets.json", "environment.json", "wallets.json"):
        assert (run.data_dir / name).stat().st_mode & 0o777 == 0o600
    pids = descendants(run.process.pid)
    status, last_words = run.stop(signal.SIGINT)
    assert (status, last_words.strip()) == (0, "Stopping.\nWudang stopped.")
    assert pids & parents().keys() == set()
    found = json.loads((run.data_dir / "logs" / "worker.log").read_text())
    assert found == {"web": False, "city": True, "database": True}
    assert not (run.data_dir / "environment.json").exists()

    run.start()
    run.await_welcome()
    second = run.about()
    assert (first["starts"], second["starts"]) == (1, 2)
    for name in ("TOKEN_SIGNING_KEY", "PEPPER_KEY", "STRIPE_API_KEY", "ALIPAY_PUBLIC_KEY"):
        assert second["environment"][name] == environment[name]
    assert run.stop(signal.SIGTERM)[0] == 0


def test_a_killed_run_leaves_nothing_and_can_start_again_at_once(run: Run) -> None:
    run.await_welcome()
    pids = descendants(run.process.pid)
    names = " ".join(command_of(pid) for pid in pids)
    for word in ("postgres", "valkey", "sandbox.city", "sandbox.stripe", "granian", "app.worker"):
        assert word in names
    run.process.kill()
    run.end()
    run.start()
    run.await_welcome()
    assert run.about()["starts"] == 2
    await_until(lambda: not pids & parents().keys())
    assert run.stop()[0] == 0


def test_a_run_with_a_parent_ends_with_it(run: Run) -> None:
    run.await_welcome()
    assert run.stop()[0] == 0
    parent = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", PARENT], cwd=run.tree, env=run.environment, stdout=subprocess.PIPE
    )
    kept = run.data_dir / "environment.json"
    await_until(lambda: kept.exists() and "app.worker" in commands_under(parent.pid))
    pids = descendants(parent.pid)
    parent.kill()
    parent.communicate()
    await_until(lambda: not pids & parents().keys())
    assert not kept.exists()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("app.worker",), "worker"),
        (("granian",), "web"),
        (("sandbox.city",), "city"),
        (("sandbox.wallets",), "wallets"),
        (("postgres", "-D"), "PostgreSQL"),
    ],
)
def test_a_part_that_dies_is_named_and_the_rest_stopped(
    run: Run, words: tuple[str, ...], name: str
) -> None:
    run.await_welcome()
    pids = descendants(run.process.pid)
    os.kill(the_one(pids, *words), signal.SIGKILL)
    status, said = run.end()
    assert status == 1
    assert f"Wudang stopped: {name} " in said
    await_until(lambda: not pids & parents().keys())


def test_a_failed_migration_shows_its_last_words(run: Run) -> None:
    run.await_welcome()
    assert run.stop()[0] == 0
    (run.tree / "migration-fails").touch()
    run.start()
    status, said = run.end()
    assert status == 1
    assert "migrate ended with status 1" in said
    assert "no such column: 武当" in said


def test_two_runs_do_not_share_a_directory_or_a_port(run: Run) -> None:
    run.await_welcome()
    second = Run(run.tree, run.data_dir, port_of_a_run())
    status, said = second.end()
    assert status == 1
    assert "another run uses" in said
    assert run.about()["starts"] == 1
    commanded = subprocess.run(
        [sys.executable, "-m", "sandbox.within", "flask", "--app", "wsgi", "greet"],
        cwd=run.tree,
        env=run.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert commanded.stdout == f"hello from http://127.0.0.1:{run.port}\n"
    assert run.stop()[0] == 0


def within(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "sandbox.within", *arguments],
        cwd=tree,
        env={**os.environ, "DATA_DIR": str(tree / "no-run")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_needs_a_run_unless_it_is_alone(tree: Path) -> None:
    refused = within(tree, "flask", "--app", "wsgi", "greet")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "make run" in refused.stderr
    alone = within(tree, "--alone", "flask", "--app", "wsgi", "greet")
    assert (alone.returncode, alone.stdout) == (0, "hello from http://127.0.0.1:8000\n")


@pytest.mark.parametrize(
    "given",
    [
        {"PORT": "eight"},
        {"PORT": "0"},
        {"PORT": "65530"},
        {"DATABASE_URL": "postgresql+psycopg://a@b/c"},
        {"DATABASE_OWNER_URL": "postgresql+psycopg://a@b/c"},
        {"STRIPE_API_KEY": "sk_test_1"},
    ],
)
def test_variables_that_do_not_fit_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(PlanInvalid):
        Plan.from_env(given)


@pytest.mark.parametrize(
    ("given", "database", "cache", "stripe"),
    [
        ({}, True, True, True),
        ({"REDIS_URL": "redis://r"}, True, False, True),
        ({"DATABASE_URL": "p", "DATABASE_OWNER_URL": "q"}, False, True, True),
        ({"STRIPE_API_KEY": "sk_test_1", "STRIPE_PUBLISHABLE_KEY": "pk_test_1"}, True, True, False),
        ({"STRIPE_API_BASE": "http://127.0.0.1:1"}, True, True, False),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_own", "REDIS_URL": ""}, True, True, True),
    ],
)
def test_what_the_environment_gives_is_not_started(
    given: dict[str, str], *, database: bool, cache: bool, stripe: bool
) -> None:
    plan = Plan.from_env(given)
    assert (plan.starts_database, plan.starts_cache, plan.starts_stripe) == (
        database,
        cache,
        stripe,
    )
    others = [8000, 8011, 8012]
    assert sorted(plan.ports.values()) == sorted([*others, 8010] if stripe else others)


def test_an_account_with_the_real_wallets_leaves_the_sandbox_ones_out() -> None:
    plan = Plan.from_env({"WECHAT_PAY_APP_ID": "wx1"})
    assert not plan.starts_wallets
    assert sorted(plan.ports.values()) == [8000, 8010, 8011]


def test_a_real_stripe_key_never_meets_the_sandbox_webhook_secret() -> None:
    kept = Secrets.fresh()
    real = {"STRIPE_API_KEY": "sk_test_real", "STRIPE_PUBLISHABLE_KEY": "pk_test_real"}
    mixed = with_stripe_keys(kept, real)
    assert (mixed.stripe_api_key, mixed.stripe_publishable_key) == ("sk_test_real", "pk_test_real")
    assert mixed.stripe_webhook_secret is None
    assert mixed.pepper_key == kept.pepper_key
    assert with_stripe_keys(kept, {}) == kept
    own = with_stripe_keys(kept, {"STRIPE_WEBHOOK_SECRET": "whsec_own"})
    assert own.stripe_webhook_secret == "whsec_own"


def test_stripe_itself_gets_no_base_and_no_way_through_loopback(tmp_path: Path) -> None:
    outside = Outside(
        database_url="postgresql+psycopg://a@b/c",
        database_owner_url="postgresql+psycopg://o@b/c",
        redis_url="redis://r",
        city_url="http://127.0.0.1:8011",
        stripe_url=None,
    )
    secrets = with_stripe_keys(
        Secrets.fresh(),
        {"STRIPE_API_KEY": "sk_test_real", "STRIPE_PUBLISHABLE_KEY": "pk_test_real"},
    )
    environment = product_environment(
        outside=outside, secrets=secrets, port=8000, data_dir=tmp_path
    )
    settings = Settings.from_env(environment)
    assert settings.stripe.api_base == "https://api.stripe.com"
    assert settings.stripe.webhook_secret is None
    assert settings.keys.token_signing.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert settings.web.public_url == "http://127.0.0.1:8000"
    assert environment["EGRESS_LOOPBACK"] == "127.0.0.1:8011,127.0.0.1:8020"
    assert {"STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRET"} & environment.keys() == set()


def test_secrets_are_made_once_and_are_what_the_product_takes(tmp_path: Path) -> None:
    made = Secrets.kept_in(tmp_path / "secrets.json")
    assert Secrets.kept_in(tmp_path / "secrets.json") == made
    assert Secrets.fresh() != made
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    for key in (made.key_encryption_key, made.blind_index_key, made.pepper_key):
        assert len(base64.b64decode(key, validate=True)) == 32
    assert "\n" not in made.token_signing_key
    pem = made.token_signing_key.replace("\\n", "\n").encode()
    signing = load_pem_private_key(pem, password=None)
    assert isinstance(signing, EllipticCurvePrivateKey)
    assert signing.curve.name == "secp256r1"


def test_a_folder_of_an_older_version_gets_what_is_new_and_keeps_what_it_has(
    tmp_path: Path,
) -> None:
    path = tmp_path / "secrets.json"
    made = Secrets.kept_in(path)
    older = json.loads(path.read_text())
    del older["audit_signing_key"]
    path.write_text(json.dumps(older))
    now = Secrets.kept_in(path)
    assert now.audit_signing_key != made.audit_signing_key
    assert replace(now, audit_signing_key=made.audit_signing_key) == made
    assert Secrets.kept_in(path) == now
    assert path.stat().st_mode & 0o777 == 0o600
