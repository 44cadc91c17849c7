"""Who carries out the blows: kills at the planned moment, brings back, measures, goes on."""

import contextlib
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from proof import plan
from proof.gates import Arms
from proof.stage import POSTGRES, VALKEY, WEBS, WORKERS, Stage
from proof.values import Act, Blow, Moment, Place, Struck, Victim

_QUIET_SECONDS = 1.2
"""How long traffic flows undisturbed between two blows."""
_PATIENCE_SECONDS = 5.0
_LOCK_SECONDS = 1.4
"""How long a write is held still: the product itself gives up after two seconds."""
_FROZEN_SECONDS = 12.0
"""Longer than a worker may be silent before its work is given to another one."""
_LOOK_AHEAD = 40
_TRIES = 4
"""How often nobody may come by a place before its blow falls anywhere."""
_PLANNED = 0.9
"""The share of the stories that is dealt out to the blows."""
_SERVERS = {Victim.POSTGRES: POSTGRES, Victim.VALKEY: VALKEY}


@dataclass(slots=True)
class Director:
    """Kills and restarts; `strike` and its kin are called by the gates' threads."""

    stage: Stage
    arms: Arms
    say: Callable[[str], None]
    struck: list[Struck] = field(default_factory=list)
    missed: int = 0
    displaced: int = 0
    ended_alone: list[str] = field(default_factory=list)
    _done: "queue.Queue[tuple[Blow, str, float]]" = field(default_factory=queue.Queue)
    _failed: list[Exception] = field(default_factory=list)
    _away: dict[str, int] = field(default_factory=dict)
    _turn: int = 0

    # What the gates and the payers call.

    def strike(self, blow: Blow, caller: str) -> None:
        """Kill, or freeze until another one has taken the work over."""
        try:
            self._strike(blow, caller)
        except Exception as error:
            self._failed.append(error)
            raise

    def _strike(self, blow: Blow, caller: str) -> None:
        at = time.time()
        name = self._name(blow, caller)
        if blow.act is Act.FREEZE:
            self.stage.freeze(name)
            time.sleep(_FROZEN_SECONDS)
            self.stage.thaw(name)
        else:
            self.stage.kill(name)
        self._done.put((blow, name, at))

    def strike_before_commit(self, blow: Blow, caller: str, answer: Callable[[], None]) -> None:
        """Hold still what the answer would be written to, hand the answer over, kill, let go."""
        try:
            self._strike_before_commit(blow, caller, answer)
        except Exception as error:
            self._failed.append(error)
            raise

    def _strike_before_commit(self, blow: Blow, caller: str, answer: Callable[[], None]) -> None:
        table = "idempotency_keys" if blow.place.operation == plan.KEY_KEPT else "payments"
        name = self._name(blow, caller)
        try:
            with self._still(table) as waiting:
                answer()
                _wait_for(lambda: caller in waiting(), _LOCK_SECONDS / 2)
                at = time.time()
                self.stage.kill(name)
        except psycopg.Error:
            # The database went away by itself or did not let go: a kill at any time it is.
            at = time.time()
            self.stage.kill(name)
        self._done.put((blow, name, at))

    def may_strike(self, blow: Blow, caller: str) -> bool:
        """Say whether a blow can fall on this caller now: only where another one goes on."""
        if blow.act is Act.FREEZE and caller not in WORKERS:
            return False
        if blow.victim is Victim.WEB and caller not in WEBS:
            return False
        return blow.victim in _SERVERS or self.stage.can_spare(caller)

    def answered(self, door: str, path: str) -> None:
        """Hear that a payer holds a 2xx for a write in its hands."""
        if path.startswith("/v1/payments"):
            blow = self.arms.take(plan.ANSWER, Moment.ACTED, door)
            if blow is not None:
                self.strike(blow, door)

    # The main thread.

    def run(
        self, blows: Sequence[Blow], *, release: Callable[[int], bool], is_over: Callable[[], bool]
    ) -> None:
        """Strike every blow, the rarely reached ones later; end early when nobody pays any more.

        A place that nobody came by again and again gives its blow to any place, and so do all that
        are left when the last story has begun: as many processes die as were planned.
        """
        waiting = deque(blows)
        passed: Counter[Blow] = Counter()
        while waiting and not is_over():
            is_more_to_come = release(len(self.struck))
            self._breathe(_QUIET_SECONDS)
            head = waiting[0]
            if not is_more_to_come and head.place.moment is not Moment.ANY:
                waiting[0] = head = _anywhere(head)
                self.displaced += 1
            if head.place.operation in plan.WRITES:
                done = self._strike_write(head)
            elif head.place.moment is Moment.ANY:
                done = self._strike_anywhere(head)
            else:
                done = self._lie_in_wait(waiting)
            if not done:
                self.missed += 1
                passed[head] += 1
                waiting.popleft()
                is_given_up = passed[head] >= _TRIES
                self.displaced += is_given_up
                waiting.append(_anywhere(head) if is_given_up else head)
                continue
            self._bring_back(waiting)

    def stand_by(self, is_over: Callable[[], bool]) -> None:
        """Keep everything running until it is over."""
        while not is_over():
            self._breathe(0.2)

    def _breathe(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self.ended_alone += self.stage.revive()
            self.stage.look()
            self._welcome_back()
            if time.monotonic() >= deadline:
                return
            time.sleep(0.1)

    def _welcome_back(self) -> None:
        """Write down how long those were away that serve again."""
        for name, number in list(self._away.items()):
            if self.stage.is_up(name):
                self._note(number)
                del self._away[name]

    def _note(self, number: int) -> None:
        blow = self.struck[number]
        self.struck[number] = replace(blow, away=time.time() - blow.at)

    def _bring_back(self, waiting: "deque[Blow]") -> None:
        while self._done.empty():
            if self._failed:
                raise self._failed[0]
            self.stage.look()
            time.sleep(0.05)
        blow, name, at = self._done.get()
        waiting.remove(blow)
        self.struck.append(Struck(blow.place, name, blow.act, at, 0.0))
        self._away[name] = len(self.struck) - 1
        if blow.act is Act.KILL:
            self.stage.restart(name)
        if name in {POSTGRES, VALKEY}:
            self._note(self._away.pop(name))
        self.say(f"  {len(self.struck):>4}  {name:<10}  {blow.place}")

    def _strike_anywhere(self, blow: Blow) -> bool:
        """Kill whoever can be spared of the kind that is meant."""
        pair = WEBS if blow.victim is Victim.WEB else WORKERS
        self._turn += 1
        name = pair[self._turn % len(pair)]
        if blow.victim not in _SERVERS and not self.stage.can_spare(name):
            return False
        self.strike(blow, name)
        return True

    def _lie_in_wait(self, waiting: "deque[Blow]") -> bool:
        """Arm the next blows on the wire together; the first whose moment comes is the one."""
        near = [waiting[i] for i in range(min(_LOOK_AHEAD, len(waiting)))]
        wire = [b for b in near if b.place.operation not in plan.WRITES]
        self.arms.arm({_trigger(b): b for b in reversed(wire) if b.place.moment is not Moment.ANY})
        if self.arms.sprung.wait(_PATIENCE_SECONDS):
            return True
        return not self.arms.disarm()

    def _strike_write(self, blow: Blow) -> bool:
        """Hold a table still until a process of the right kind waits for it, and kill."""
        table, kind = plan.WRITES[blow.place.operation]
        pair = WEBS if kind is Victim.WEB else WORKERS
        if blow.victim not in _SERVERS and not self.stage.can_spare(pair[0]):
            return False
        for _ in range(4):
            with contextlib.suppress(psycopg.Error), self._still(table) as waiting:
                found = _wait_for(lambda: waiting() & set(pair), _LOCK_SECONDS)
                if found:
                    caller = min(found)
                    name = self._name(blow, caller)
                    at = time.time()
                    self.stage.kill(name)
                    self._done.put((blow, name, at))
                    return True
            time.sleep(0.2)
        return False

    @contextlib.contextmanager
    def _still(self, table: str) -> Iterator[Callable[[], set[str]]]:
        """Let nobody write to a table; yield who waits for it, by the names of the processes."""
        with (
            psycopg.connect(self.stage.auditor_url, connect_timeout=2) as connection,
            psycopg.connect(self.stage.auditor_url, connect_timeout=2, autocommit=True) as other,
        ):
            connection.execute("set lock_timeout = '1s'")
            connection.execute(f"lock table {table} in exclusive mode".encode())
            query = (
                "select distinct application_name from pg_locks join pg_stat_activity using (pid)"
                " where relation = %s::regclass and not granted"
            )

            def waiting() -> set[str]:
                return {name.partition(".")[0] for (name,) in other.execute(query, [table])}

            try:
                yield waiting
            finally:
                with contextlib.suppress(psycopg.Error):
                    connection.rollback()

    def _name(self, blow: Blow, caller: str) -> str:
        return _SERVERS.get(blow.victim, caller)


def _anywhere(blow: Blow) -> Blow:
    """Return a blow that can be struck at once, at a process of the same kind if it is known."""
    is_known = blow.victim is not Victim.CALLER
    return Blow(Place(plan.ANYWHERE, Moment.ANY), blow.victim if is_known else Victim.WORKER)


def _trigger(blow: Blow) -> Place:
    """Return where on the wire a blow begins."""
    if blow.place.operation == plan.KEY_KEPT:
        return Place(plan.CREATE, Moment.ANSWERED)
    return blow.place


def _wait_for(look: Callable[[], Any], seconds: float) -> Any:  # noqa: ANN401 - what is looked for
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.01)
    return look()


class Turns:
    """Lets payers begin their stories as the blows go on, so that each blow meets many of them."""

    def __init__(self, stories: int, blows: int, *, ahead: int) -> None:
        self._stories = stories
        # A reserve is for the times when nobody comes by.
        self._each = stories * _PLANNED / max(1, blows)
        self._ahead = ahead
        self._free = threading.Semaphore(0)
        self._is_open = threading.Event()
        self._let_go = 0
        self._lock = threading.Lock()
        self._extra = 0
        self._struck = -1
        self.taken = 0

    def next(self) -> None:
        """Wait for one's turn."""
        while not self._is_open.is_set() and not self._free.acquire(timeout=0.5):
            pass
        with self._lock:
            self.taken += 1

    def release(self, struck: int) -> bool:
        """Let so many begin as belong to the blows so far, and one more each time nobody came.

        Return whether any has not begun yet.
        """
        with self._lock:
            wanted = int((struck + 1) * self._each) + self._ahead + self._extra
            self._extra += struck == self._struck
            self._struck = struck
            for _ in range(max(0, wanted - self._let_go)):
                self._free.release()
            self._let_go = max(wanted, self._let_go)
            return self._let_go < self._stories

    def release_all(self) -> None:
        """Let everybody go on."""
        self._is_open.set()
