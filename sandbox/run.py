"""What `make run` does: the servers, the sandbox world, the product; until it is told to stop.

With `--with-parent` it also stops when whoever started it is gone: a make that was killed.
"""

import contextlib
import fcntl
import functools
import http.client
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from sandbox.environment import (
    WEB_THREADS,
    Outside,
    Secrets,
    product_environment,
    with_stripe_keys,
    write_private,
)
from sandbox.plan import Plan, PlanInvalid
from sandbox.processes import LOOPBACK, ServerError, make_directory, stop_with_parent
from sandbox.servers import start_postgres, start_valkey
from sandbox.supervisor import RunFailed, StopRequested, Supervisor
from sandbox.wallets.keys import WalletKeys

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT_FILE = "environment.json"

_WITH_PARENT = "--with-parent"
_WEB_WORKERS = 2
# Longer than any request may take, shorter than the wait for the ports of a killed run.
_DRAIN_SECONDS = 15
_READY_SECONDS = 120.0
_SECOND_SECONDS = 10.0
_PORT_SECONDS = 25.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run until SIGINT or SIGTERM and return 0; return 1 when a part fails, saying which."""
    if _WITH_PARENT in sys.argv[1:]:
        stop_with_parent()
    try:
        plan = Plan.from_env(os.environ)
        make_directory(plan.data_dir, owner=None, mode=0o711)
        with _only_run_in(plan.data_dir):
            _run(plan)
    except (PlanInvalid, RunFailed, ServerError, OSError) as failed:
        print(f"\nWudang stopped: {failed}", file=sys.stderr, flush=True)
        return 1
    except StopRequested:
        print("Wudang stopped.", flush=True)
    return 0


def _run(plan: Plan) -> None:
    supervisor = Supervisor(logs=plan.data_dir / "logs", cwd=ROOT)
    for stop_signal in _STOP_SIGNALS:
        signal.signal(stop_signal, supervisor.request_stop)
    with contextlib.ExitStack() as house:
        _await_ports(plan, supervisor)
        print("Starting; the first time takes a little longer.", flush=True)
        environment = _start_outside(plan, supervisor, house)
        kept = plan.data_dir / ENVIRONMENT_FILE
        write_private(kept, json.dumps(environment, indent=1))
        house.callback(kept.unlink, missing_ok=True)
        _start_product(plan, supervisor, {**os.environ, **environment})
        print(_welcome(plan), flush=True)
        try:
            supervisor.watch_forever()
        finally:
            print("\nStopping.", flush=True)


def _start_outside(
    plan: Plan, supervisor: Supervisor, house: contextlib.ExitStack
) -> dict[str, str]:
    """Start what the environment does not give and return the product's environment."""
    secrets = with_stripe_keys(Secrets.kept_in(plan.data_dir / "secrets.json"), plan.given)
    database_url = plan.given.get("DATABASE_URL", "")
    owner_url = plan.given.get("DATABASE_OWNER_URL", "")
    redis_url = plan.given.get("REDIS_URL", "")
    if plan.starts_database:
        database = house.enter_context(start_postgres(plan.data_dir / "postgres"))
        supervisor.watch("PostgreSQL", database.is_running)
        database_url, owner_url = database.app_url, database.owner_url
    if plan.starts_cache:
        cache = house.enter_context(start_valkey(plan.data_dir / "valkey"))
        supervisor.watch("Valkey", cache.is_running)
        redis_url = cache.url
    house.callback(supervisor.stop_all)
    stripe_url = plan.given.get("STRIPE_API_BASE")
    if plan.starts_stripe:
        stripe_url = f"http://{LOOPBACK}:{plan.stripe_port}"
        _start_stripe(plan, supervisor, secrets)
    wallets_url, wallets = None, {}
    if plan.starts_wallets:
        wallets_url = f"http://{LOOPBACK}:{plan.wallets_port}"
        wallets = _start_wallets(plan, supervisor).merchant_environment(wallets_url)
    _start_city(plan, supervisor)
    return product_environment(
        outside=Outside(
            database_url=database_url,
            database_owner_url=owner_url,
            redis_url=redis_url,
            city_url=f"http://{LOOPBACK}:{plan.city_port}",
            stripe_url=stripe_url,
            wallets_url=wallets_url,
            wallets=wallets,
        ),
        secrets=secrets,
        port=plan.port,
        data_dir=plan.data_dir,
    )


def _start_stripe(plan: Plan, supervisor: Supervisor, secrets: Secrets) -> None:
    arguments = {
        "--port": str(plan.stripe_port),
        "--data-dir": str(plan.data_dir / "stripe"),
        "--api-key": secrets.stripe_api_key,
        "--publishable-key": secrets.stripe_publishable_key,
        "--webhook-secret": secrets.stripe_webhook_secret or "",
        "--webhook-url": f"http://{LOOPBACK}:{plan.port}/v1/payments/webhooks/stripe",
    }
    command = [sys.executable, "-m", "sandbox.stripe"]
    for name, value in arguments.items():
        command += [name, value]
    supervisor.start("stripe", command, environment=os.environ)


def _start_wallets(plan: Plan, supervisor: Supervisor) -> WalletKeys:
    file = plan.data_dir / "wallets.json"
    keys = WalletKeys.kept_in(file)
    command = [sys.executable, "-m", "sandbox.wallets", "--port", str(plan.wallets_port)]
    command += ["--data-dir", str(plan.data_dir / "wallets"), "--keys-file", str(file)]
    supervisor.start("wallets", command, environment=os.environ)
    return keys


def _start_city(plan: Plan, supervisor: Supervisor) -> None:
    command = [sys.executable, "-m", "sandbox.city", "--port", str(plan.city_port)]
    command += ["--data-dir", str(plan.data_dir / "city")]
    supervisor.start("city", command, environment=os.environ)


def _start_product(plan: Plan, supervisor: Supervisor, environment: dict[str, str]) -> None:
    supervisor.run(
        "migrate",
        [sys.executable, "-m", "flask", "--app", "wsgi", "migrate"],
        environment=environment,
    )
    # Figures of processes that are gone would be added up with those of the new ones.
    figures = plan.data_dir / "figures"
    shutil.rmtree(figures, ignore_errors=True)
    make_directory(figures, owner=None, mode=0o700)
    environment = {**environment, "PROMETHEUS_MULTIPROC_DIR": str(figures)}
    supervisor.start(
        "worker",
        [sys.executable, "-m", "app.worker"],
        environment=environment,
        patience=_DRAIN_SECONDS,
    )
    web = supervisor.start(
        "web",
        web_command(plan.port),
        environment=environment,
        # Not a kill: only a granian that is asked to stop takes its own workers with it.
        death_signal=signal.SIGTERM,
        patience=_DRAIN_SECONDS + 5,
    )
    supervisor.wait_until(lambda: _is_ready(plan.port), why="web", seconds=_READY_SECONDS)
    # A web process that is still loading does not hear that it should stop, and is only killed
    # after the drain time. All have loaded once the log says so, unless its words change.
    with contextlib.suppress(RunFailed):
        supervisor.wait_until(
            lambda: web.log.read_bytes().count(b"Started worker-") >= _WEB_WORKERS,
            why="the second web process",
            seconds=_SECOND_SECONDS,
        )


def web_command(port: int) -> list[str]:
    """Return the command line of the web server, on loopback."""
    options = {
        "--interface": "wsgi",
        "--host": LOOPBACK,
        "--port": str(port),
        "--workers": str(_WEB_WORKERS),
        "--blocking-threads": str(WEB_THREADS),
        "--workers-kill-timeout": str(_DRAIN_SECONDS),
    }
    command = [sys.executable, "-m", "granian"]
    for name, value in options.items():
        command += [name, value]
    return [*command, "--no-ws", "wsgi:app"]


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _await_ports(plan: Plan, supervisor: Supervisor) -> None:
    """Wait until the ports are free: a run that was killed just now leaves them in moments."""
    for name, port in plan.ports.items():
        try:
            supervisor.wait_until(
                functools.partial(is_free, port), why=f"port {port}", seconds=_PORT_SECONDS
            )
        except RunFailed:
            raise RunFailed(f"port {port} ({name}) is in use; choose another PORT") from None


def is_free(port: int) -> bool:
    """Say whether nobody listens on a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _only_run_in(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for this process; the system lets go of it however we end."""
    with (data_dir / "run.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFailed(
                f"another run uses {data_dir}; stop it, or choose another DATA_DIR and PORT"
            ) from None
        yield


def _welcome(plan: Plan) -> str:
    web = f"http://{LOOPBACK}:{plan.port}"
    stripe = (
        f"http://{LOOPBACK}:{plan.stripe_port}"
        if plan.starts_stripe
        else plan.given.get("STRIPE_API_BASE", "Stripe itself")
    )
    wallets = (
        f"http://{LOOPBACK}:{plan.wallets_port}   (serve with ALIPAY_GATEWAY=alipay, …)"
        if plan.starts_wallets
        else "Alipay and WeChat Pay themselves"
    )
    return f"""
Wudang is running. Ctrl-C stops everything.

  service         {web}   (documentation: {web}/docs)
  sandbox Stripe  {stripe}
  sandbox wallets {wallets}
  sandbox city    http://{LOOPBACK}:{plan.city_port}   (described in sandbox/README.md)
  data and logs   {plan.data_dir}

Two things to try in another terminal:

  make demo
  curl '{web}/v1/services?q=shuifei'
"""


if __name__ == "__main__":
    sys.exit(main())
