"""The programs of a run: real processes on loopback that can be killed and started again."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from proof.client import send
from proof.gates import Arms, Striker, open_gate
from sandbox.environment import Outside, Secrets, product_environment
from sandbox.processes import LOOPBACK, free_port, open_log, start_child, stop_child
from sandbox.run import web_command
from sandbox.servers import Postgres, Valkey, start_postgres, start_valkey

ROOT = Path(__file__).resolve().parents[1]
WEBS, WORKERS = ("web-1", "web-2"), ("worker-1", "worker-2")
"""Two of each, as in any house that outlives one of them; the other goes on meanwhile."""
POSTGRES, VALKEY = "postgresql", "valkey"
_PRODUCT = ("app", "plugins", "config", "wsgi.py")
_OK = 200
_READY_SECONDS = 120.0
_WEBHOOK_RETRIES = "1,2,4,8,8,8,8,16,16,16,30,30,30"


class StageFailed(RuntimeError):
    """A program does not come up; the message says which and where its log is."""


@dataclass(slots=True)
class Program:
    """A program of ours, started again as often as it was killed."""

    name: str
    command: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    log: Path
    death_signal: signal.Signals = signal.SIGKILL
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        """Start it; from the main thread only."""
        self.starts += 1
        path = self.log.with_name(f"{self.log.stem}-{self.starts}.log")
        with open_log(path) as log:
            self.process = start_child(
                self.command,
                death_signal=self.death_signal,
                log=log,
                cwd=self.cwd,
                # By this name the auditor sees who waits for a lock, and which start of it.
                environment={**self.environment, "PGAPPNAME": self.database_name},
            )

    @property
    def database_name(self) -> str:
        """Return the name under which PostgreSQL knows this start of it."""
        return f"{self.name}.{self.starts}"

    @property
    def is_running(self) -> bool:
        """Say whether it runs."""
        return self.process is not None and self.process.poll() is None

    def send_group(self, number: signal.Signals) -> None:
        """Send a signal to it and all it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """Stop it for good."""
        if self.process is not None:
            self.send_group(signal.SIGCONT)
            stop_child(self.process, steps=[(signal.SIGTERM, 8.0)])
            self.send_group(signal.SIGKILL)


@dataclass(slots=True)
class Stage:
    """Everything that runs."""

    folder: Path
    tree: Path
    pace: str
    lifetime: int
    arms: Arms
    striker: Striker
    secrets: Secrets = field(default_factory=Secrets.fresh)
    doors: dict[str, str] = field(default_factory=dict)
    stripe_url: str = ""
    city_url: str = ""
    auditor_url: str = field(default="", repr=False)
    programs: dict[str, Program] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    _postgres: Postgres | None = None
    _valkey: Valkey | None = None
    _up: set[str] = field(default_factory=set)
    _frozen: set[str] = field(default_factory=set)
    _killed: set[str] = field(default_factory=set)
    _turn: int = 0

    def kill(self, name: str) -> None:
        """Kill a process with all its own, without a warning; returns when they are dead."""
        if name == POSTGRES:
            assert self._postgres is not None
            _kill_tree(self._postgres.pid)
            return
        if name == VALKEY:
            assert self._valkey is not None
            os.kill(self._valkey.pid, signal.SIGKILL)
            return
        program = self.programs[name]
        self._killed.add(name)
        self._up.discard(name)
        program.send_group(signal.SIGKILL)
        if program.process is not None:
            program.process.wait()

    def freeze(self, name: str) -> None:
        """Let a process stand still."""
        self._up.discard(name)
        self._frozen.add(name)
        self.programs[name].send_group(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        self._frozen.discard(name)
        self.programs[name].send_group(signal.SIGCONT)

    def restart(self, name: str) -> None:
        """Start again what was killed; from the main thread only.

        Servers serve when this returns; of the others, `look` says when they do.
        """
        if name == POSTGRES:
            assert self._postgres is not None
            port = urlsplit(self._postgres.owner_url).port or 0
            self._postgres.stop()
            self._postgres = start_postgres(self.folder / "postgres", port=port)
        elif name == VALKEY:
            assert self._valkey is not None
            parts = urlsplit(self._valkey.url)
            self._valkey.stop()
            self._valkey = start_valkey(
                self.folder / "valkey", port=parts.port or 0, password=parts.password
            )
        else:
            self.programs[name].start()
            self._killed.discard(name)

    def revive(self) -> list[str]:
        """Start again whatever has ended by itself, as a supervisor would; return the names."""
        ended = [
            name
            for name, program in self.programs.items()
            if name not in self._killed and not program.is_running
        ]
        for name in ended:
            self._up.discard(name)
            self.programs[name].start()
        return ended

    def is_up(self, name: str) -> bool:
        """Say whether a process serves, as far as is known."""
        return name in self._up

    def can_spare(self, name: str) -> bool:
        """Say whether another process does the same work meanwhile; servers have no other."""
        for pair in (WEBS, WORKERS):
            if name in pair:
                return all(other in self._up for other in pair)
        return True

    def look(self) -> None:
        """Find out which processes have come back."""
        missing = [name for name in self.programs if name not in self._up]
        at_work = self._at_work() if missing else set()
        for name in missing:
            program = self.programs[name]
            if name in self._frozen | self._killed or not program.is_running:
                continue
            answer = send(self.doors[name], "GET", "/readyz", seconds=5.0) if name in WEBS else None
            if program.database_name in at_work and (
                name in WORKERS or (answer and answer.status == _OK)
            ):
                self._up.add(name)

    def _at_work(self) -> set[str]:
        """Return the names of the processes that PostgreSQL knows."""
        query = "select distinct application_name from pg_stat_activity"
        try:
            with psycopg.connect(self.auditor_url, connect_timeout=2) as connection:
                return {name for (name,) in connection.execute(query)}
        except psycopg.Error:
            return set()

    def door(self) -> tuple[str, str]:
        """Return a web process that serves, and its address: one, then the other."""
        self._turn += 1
        names = [name for name in WEBS if name in self._up] or list(WEBS)
        name = names[self._turn % len(names)]
        return name, self.doors[name]

    def await_all(self) -> None:
        """Wait until everything serves."""
        deadline = time.monotonic() + _READY_SECONDS
        while not self.programs.keys() <= self._up:
            self.look()
            if time.monotonic() > deadline:
                missing = sorted(self.programs.keys() - self._up)
                raise StageFailed(f"{missing} do not serve; see {self.folder / 'logs'}")
            time.sleep(0.1)

    def flask(self, *command: str) -> str:
        """Run a command of the product and return what it prints."""
        done = subprocess.run(  # noqa: S603 - the product's own command
            [sys.executable, "-m", "flask", "--app", "wsgi", *command],
            cwd=self.tree,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StageFailed(f"flask {' '.join(command)}: {done.stderr[-2000:]}")
        return done.stdout

    def stop_servers(self) -> None:
        """Stop the servers; the last thing."""
        for server in (self._valkey, self._postgres):
            if server is not None:
                server.stop()

    def start_servers(self) -> None:
        """Start PostgreSQL, as durable as in a real house, and Valkey."""
        self._postgres = start_postgres(self.folder / "postgres")
        self._valkey = start_valkey(self.folder / "valkey")
        # The cluster's own superuser: an auditor sees everything, and who waits for whom.
        kept = json.loads((self.folder / "postgres" / "postgres-passwords.json").read_text())
        parts = urlsplit(self._postgres.owner_url)
        self.auditor_url = (
            f"postgresql://postgres:{kept['postgres']}@{LOOPBACK}:{parts.port}{parts.path}"
        )

    @property
    def addresses(self) -> tuple[str, str, str]:
        """Return the addresses of the servers: the service's role, the owner, Valkey."""
        assert self._postgres is not None
        assert self._valkey is not None
        return self._postgres.app_url, self._postgres.owner_url, self._valkey.url


def copy_product(folder: Path) -> Path:
    """Return a copy of the product's tree as it is now.

    Whoever goes on working in the tree does not change what is started again in an hour, and
    faults are planted here.
    """
    tree = folder / "tree"
    tree.mkdir()
    for name in _PRODUCT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name)
        else:
            shutil.copy2(source, tree / name)
    return tree


@contextlib.contextmanager
def raise_stage(stage: Stage, plant: Callable[[Stage], None]) -> Iterator[Stage]:
    """Start everything; `plant` is called on the migrated database before anybody serves."""
    logs = stage.folder / "logs"
    logs.mkdir(mode=0o700)
    with contextlib.ExitStack() as house:
        house.callback(stage.stop_servers)
        stage.start_servers()
        ports = {name: free_port() for name in WEBS}
        stage.doors.update({name: f"http://{LOOPBACK}:{port}" for name, port in ports.items()})
        _start_outside(stage, house, logs)
        _make_product(stage, house, logs, ports)
        stage.flask("migrate")
        plant(stage)
        for program in stage.programs.values():
            house.callback(program.stop)
            program.start()
        stage.await_all()
        yield stage


def _start_outside(stage: Stage, house: contextlib.ExitStack, logs: Path) -> None:
    webhook_gate = house.enter_context(
        open_gate(stage.door, arms=stage.arms, striker=stage.striker)
    )
    stripe_port, city_port = free_port(), free_port()
    stage.stripe_url = f"http://{LOOPBACK}:{stripe_port}"
    stage.city_url = f"http://{LOOPBACK}:{city_port}"
    keys = stage.secrets
    stripe = [sys.executable, "-m", "sandbox.stripe", "--port", str(stripe_port)]
    stripe += ["--data-dir", str(stage.folder / "stripe"), "--api-key", keys.stripe_api_key]
    stripe += ["--publishable-key", keys.stripe_publishable_key]
    stripe += ["--webhook-secret", keys.stripe_webhook_secret or ""]
    stripe += ["--webhook-url", f"{webhook_gate.url}/v1/payments/webhooks/stripe"]
    stripe += ["--webhook-retries", _WEBHOOK_RETRIES, "--refund-seconds", "1"]
    city = [sys.executable, "-m", "sandbox.city", "--port", str(city_port)]
    city += ["--data-dir", str(stage.folder / "city")]
    for name, command, url in (
        ("stripe", stripe, stage.stripe_url),
        ("city", city, stage.city_url),
    ):
        program = Program(name, command, ROOT, os.environ, logs / f"{name}.log")
        house.callback(program.stop)
        program.start()
        _await_answer(url)


def _await_answer(url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while send(url, "GET", "/livez", seconds=2.0) is None:
        if time.monotonic() > deadline:
            raise StageFailed(f"{url} does not answer")
        time.sleep(0.05)


def _make_product(
    stage: Stage, house: contextlib.ExitStack, logs: Path, ports: Mapping[str, int]
) -> None:
    app_url, owner_url, redis_url = stage.addresses
    commands = {name: _one_process(web_command(port)) for name, port in ports.items()}
    commands |= {name: [sys.executable, "-m", "app.worker"] for name in WORKERS}
    port = ports[WEBS[0]]
    for name, command in commands.items():
        gates = [
            house.enter_context(
                open_gate(partial(_to, name, target), arms=stage.arms, striker=stage.striker)
            )
            for target in (stage.stripe_url, stage.city_url)
        ]
        outside = Outside(
            database_url=app_url,
            database_owner_url=owner_url,
            redis_url=redis_url,
            stripe_url=gates[0].url,
            city_url=gates[1].url,
        )
        given = {key: value for key, value in os.environ.items() if "STRIPE" not in key}
        # Who was killed is back sooner when its modules are compiled; most come so with the copy.
        given.pop("PYTHONDONTWRITEBYTECODE", None)
        environment = {
            **given,
            **product_environment(
                outside=outside, secrets=stage.secrets, port=port, data_dir=stage.folder
            ),
            "PACE": stage.pace,
            "PAYMENT_LIFETIME_SECONDS": str(stage.lifetime),
            "STEP_UP_ABOVE_FEN": "10000000",
            "STEP_UP_DAILY_FEN": "1000000000",
            "CODE_RESEND_SECONDS": "1",
        }
        stage.environment = environment
        stage.programs[name] = Program(
            name,
            command,
            stage.tree,
            environment,
            logs / f"{name}.log",
            death_signal=signal.SIGTERM if name in WEBS else signal.SIGKILL,
        )


def _to(name: str, target: str) -> tuple[str, str]:
    return name, target


def _one_process(command: list[str]) -> list[str]:
    """Return a web server's command with one process: two servers are two processes already."""
    at = command.index("--workers") + 1
    return [*command[:at], "1", *command[at + 1 :]]


def _kill_tree(pid: int) -> None:
    """Kill a server and its children, which lead groups of their own."""
    children = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and _parent_of(entry) == pid
    ]
    for victim in (pid, *children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


def _parent_of(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0
