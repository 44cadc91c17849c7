"""One proof from its plan to its report."""

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from proof.auditor import Auditor, Probe, connect, count_open, read_settling, read_timeline
from proof.citizens import Session, Town, make_stranger
from proof.client import send_json
from proof.director import Director, Turns
from proof.faults import FAULTS, Fault, patch
from proof.gates import Arms
from proof.history import History
from proof.model import judge
from proof.payers import Ledger, Payers
from proof.plan import write_plan
from proof.report import Report, measure
from proof.stage import Stage, copy_product, raise_stage
from proof.values import SERVICES, Blow, Plan, Story, Violation
from sandbox.processes import make_directory
from sandbox.servers import temporary_data_dir

_TIMELINES = 4
_HOUSEHOLD = 20
"""Stories of one household: as many as fit into the life of its access tokens."""


@dataclass(frozen=True, slots=True)
class Order:
    """How long a proof is to be."""

    seed: int
    payments: int
    kills: int
    payers: int = 10
    fault: str | None = None
    pace: str = "fast"
    lifetime: int = 60
    keep: Path | None = None
    quiet_seconds: float = 240.0

    @classmethod
    def short(cls, seed: int, fault: str | None = None, keep: Path | None = None) -> "Order":
        """Return the short form: of each kind of blow a few, within two minutes or so."""
        return cls(seed, 60, 12, payers=4, fault=fault, lifetime=25, keep=keep)


class _Hands:
    """Gives the gates a director before there is one: each needs the other to begin."""

    director: Director

    def may_strike(self, blow: Blow, caller: str) -> bool:
        """See Director."""
        return self.director.may_strike(blow, caller)

    def strike(self, blow: Blow, caller: str) -> None:
        """See Director."""
        self.director.strike(blow, caller)

    def strike_before_commit(self, blow: Blow, caller: str, answer: Callable[[], None]) -> None:
        """See Director."""
        self.director.strike_before_commit(blow, caller, answer)


def prove(order: Order, say: Callable[[str], None]) -> Report:
    """Run a proof and return what it found; raise when the run itself cannot go on."""
    fault = FAULTS[order.fault] if order.fault else None
    plan = write_plan(
        order.seed,
        payments=order.payments,
        kills=order.kills,
        first=fault.first if fault else (),
    )
    with _folder(order.keep) as folder:
        tree = copy_product(folder)
        if fault is not None:
            patch(tree, fault)
        hands = _Hands()
        arms = Arms(hands.may_strike)
        stage = Stage(folder, tree, order.pace, order.lifetime, arms, hands)
        hands.director = Director(stage, arms, say)
        with raise_stage(stage, lambda stage: _plant(stage, fault)):
            return _perform(order, plan, stage, hands.director, say)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Give a directory for everything the run writes; one that is to be kept must be new."""
    if keep is not None:
        make_directory(keep, owner=None, mode=0o711)
        yield keep.resolve()
        return
    with temporary_data_dir() as folder:
        yield folder


def _plant(stage: Stage, fault: Fault | None) -> None:
    with connect(stage.auditor_url) as connection:
        for statement in fault.statements if fault else ():
            connection.execute(statement.encode())


def _perform(
    order: Order, plan: Plan, stage: Stage, director: Director, say: Callable[[str], None]
) -> Report:
    began = time.monotonic()
    history = History(stage.door, director.answered)
    town = Town(history, stage.city_url)
    turns = Turns(len(plan.stories), len(plan.blows), ahead=order.payers)
    ledger = Ledger()
    payers = Payers(
        town,
        stage.stripe_url,
        stage.secrets.stripe_publishable_key,
        ledger,
        turns.next,
        make_stranger(town),
        _hire(stage),
    )
    probe = Probe(stage.auditor_url)
    probe.start()
    say(f"{len(plan.stories)} stories, {len(plan.blows)} blows, seed {plan.seed}")
    with ThreadPoolExecutor(order.payers) as pool:
        lives = [
            pool.submit(payers.live, number, stories)
            for number, stories in enumerate(_households(plan.stories, order.payers))
        ]
        try:
            _act(director, plan, turns, lives)
        except BaseException:
            history.is_stopped = True
            raise
        finally:
            turns.release_all()
    for life in lives:
        life.result()
    say(f"{len(director.struck)} kills, {len(history.calls)} calls; waiting for quiet")
    _calm(stage)
    _await_quiet(order, stage, director)
    payers.clear_the_desk()
    _ask_again(payers, director, order)
    _await_quiet(order, stage, director)
    probe.stop()
    auditor = Auditor(
        stage.auditor_url, stage.stripe_url, stage.secrets.stripe_api_key, stage.city_url
    )
    evidence = auditor.gather(bills=ledger.bills, calls=history.calls, probes=probe.seen)
    charges = auditor.charges()
    paid_at = {
        intent["metadata"]["payment"]: charges[intent["id"]]
        for intent in evidence.intents
        if intent["id"] in charges
    }
    violations = judge(evidence)
    return Report(
        seed=order.seed,
        fault=order.fault,
        seconds=time.monotonic() - began,
        evidence=evidence,
        struck=director.struck,
        missed=director.missed,
        displaced=director.displaced,
        ended_alone=director.ended_alone,
        unanswered_probes=probe.unanswered,
        settling=measure(director.struck, read_settling(stage.auditor_url), paid_at),
        violations=violations,
        timelines=_timelines(stage, violations),
    )


def _timelines(stage: Stage, violations: Sequence[Violation]) -> dict[str, list[str]]:
    """Return what the product has written down about the first subjects of violations."""
    found: dict[str, list[str]] = {}
    for violation in violations:
        subject = violation.subject.split()[1] if " " in violation.subject else ""
        lines = read_timeline(stage.auditor_url, subject)
        if lines and len(found) < _TIMELINES:
            found[subject] = lines
    return found


def _hire(stage: Stage) -> Session:
    """Return somebody at the desk who may let refunds go."""
    made = json.loads(stage.flask("staff", "create", "--role", "finance", "--json"))
    return Session("desk", "", token=made["access_token"])


def _households(stories: Sequence[Story], payers: int) -> list[Sequence[Story]]:
    size = min(_HOUSEHOLD, -(-len(stories) // payers))
    return [stories[at : at + size] for at in range(0, len(stories), size)]


def _act(
    director: Director,
    plan: Plan,
    turns: Turns,
    lives: Sequence["Future[None]"],
) -> None:
    def is_over() -> bool:
        return all(life.done() for life in lives)

    # Nobody is killed before there is somebody who pays: that would be another proof.
    turns.release(0)
    director.stand_by(lambda: turns.taken > 0 or is_over())

    director.run(plan.blows, release=turns.release, is_over=is_over)
    turns.release_all()
    director.stand_by(is_over)


def _calm(stage: Stage) -> None:
    """Let the outside behave from now on, and deliver what it had kept."""
    send_json(stage.stripe_url, "DELETE", "/sandbox/faults")
    send_json(stage.stripe_url, "PUT", "/sandbox/webhooks/behaviour", {"mode": "normal"})
    for biller in SERVICES.values():
        send_json(stage.city_url, "PUT", f"/billers/{biller}/behaviour", {"mode": "ok"})


def _await_quiet(order: Order, stage: Stage, director: Director) -> None:
    """Wait until nothing is under way, or until waiting longer is no use; the model says which."""
    deadline = time.monotonic() + order.quiet_seconds
    while time.monotonic() < deadline:
        director.stand_by(lambda: True)
        try:
            if count_open(stage.auditor_url) == 0:
                return
        except psycopg.Error:
            pass
        stage.revive()
        time.sleep(0.5)


def _ask_again(payers: Payers, director: Director, order: Order) -> None:
    """Ask every key once more, and look a last time at every payment."""
    calls: list[Callable[[], None]] = [
        *(partial(payers.ask_again, asked) for asked in payers.ledger.asked),
        *(partial(payers.look_again, *payment) for payment in payers.ledger.payments),
    ]
    with ThreadPoolExecutor(order.payers) as pool:
        futures = [pool.submit(call) for call in calls]
        director.stand_by(lambda: all(future.done() for future in futures))
        for future in futures:
            future.result()


def fresh_seed() -> int:
    """Return a seed that nobody chose."""
    return secrets.randbelow(10**9)
