"""The fairness sheet of a fine: what is due, what an objection may change, and what is still open.

It tells figures and days, never what to do. Nothing here knows a database or a clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from plugins.traffic.service.dated import Basis
from plugins.traffic.service.deadlines import Deadlines, reckon_deadlines
from plugins.traffic.service.rules import Rules
from plugins.traffic.service.similar import SimilarOutcomes
from plugins.traffic.service.surcharge import Halt, Pause, find_full_day, reckon_surcharge
from plugins.traffic.service.terms import last_day

_REVIEWS = (Halt.RECONSIDERATION, Halt.LITIGATION)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the fine in fen, until when it is in time, and when it was paid."""

    amount: int
    pay_by: date
    paid_on: date | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A decision as it stands: received on a day, in one part or several, under which reviews.

    Without `parts` all of it is payable within the law's term and unpaid.
    """

    fine: int
    received_on: date
    procedure: str
    parts: tuple[Part, ...] = ()
    surcharge_paid: int = 0
    pauses: tuple[Pause, ...] = ()

    def __post_init__(self) -> None:
        if self.fine <= 0 or self.surcharge_paid < 0:
            raise ValueError("a fine is positive, and what was paid is not negative")
        if self.parts and sum(part.amount for part in self.parts) != self.fine:
            raise ValueError("the parts are not the fine")


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be paid, in fen."""

    fine: int
    surcharge: int

    @property
    def total(self) -> int:
        """Return both together."""
        return self.fine + self.surcharge


class Ending(StrEnum):
    """How an objection may end."""

    UPHELD = "upheld"
    REDUCED = "reduced"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would be due on the day of an answer, and what would go back to the citizen."""

    ending: Ending
    fine: int
    due: Due
    back: int


@dataclass(frozen=True, slots=True)
class Prospect:
    """What an objection made today may come to, if the answer takes all the time it may.

    `unopposed` is what would be due on that day without any objection, and unpaid.
    """

    review: Halt
    answer_by: date
    unopposed: Due
    outcomes: tuple[Outcome, ...]


class RemedyState(StrEnum):
    """Whether a remedy can be used: now, once another has ended, no more."""

    OPEN = "open"
    RUNNING = "running"
    LATER = "later"
    USED = "used"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Remedy:
    """A way to have a decision looked at; `until` is its last day, None when it cannot be said."""

    kind: Halt
    state: RemedyState
    until: date | None
    days_left: int
    stops_surcharge: bool
    basis: Basis
    source: str


@dataclass(frozen=True, slots=True)
class FairnessSheet:
    """What a citizen should know before paying or objecting, at the end of a day of the city.

    `tomorrow` is what one more day adds; `full_on` the day on which the surcharge stops growing by
    itself. `stopped_by` is what stops the clock today, `stops` what can. `paid` is what has been
    paid, `back` what of it was too much. `similar` is how others' objections ended.
    """

    on: date
    due: Due
    paid: int
    back: int
    most: int
    tomorrow: int
    full_on: date | None
    stopped_by: tuple[Halt, ...]
    stops: tuple[Halt, ...]
    deadlines: Deadlines
    remedies: tuple[Remedy, ...]
    prospect: Prospect | None
    surcharge_source: str
    similar: tuple[SimilarOutcomes, ...] = ()


def make_sheet(
    standing: Standing, on: date, rules: Rules, *, reduced_to: int | None = None
) -> FairnessSheet:
    """Return the sheet of a decision on a day not before it was received.

    `reduced_to` is the fine of the example of a reduction; half the fine unless it is said. Raise
    `ValueError` when it is more than the fine: nobody fares worse for an objection (Administrative
    Penalty Law, art. 45).
    """
    lowered = standing.fine // 2 if reduced_to is None else reduced_to
    if not 0 <= lowered <= standing.fine or on < standing.received_on:
        raise ValueError("a reduction lowers the fine, and a sheet is of a decision received")
    case = _Case.of(standing, rules)
    due, back = case.settle(standing.fine, on)
    later, _ = case.settle(standing.fine, on + timedelta(days=1))
    rule = rules.surcharge(standing.received_on)
    remedies = _remedies(case, on)
    return FairnessSheet(
        on=on,
        due=due,
        paid=case.paid,
        back=back,
        most=standing.fine + sum(rule.most_on(part.amount) for part in case.parts),
        tomorrow=max(0, later.total - due.total),
        full_on=case.full_day() if due.total else None,
        stopped_by=tuple(
            sorted(
                {
                    pause.kind
                    for pause in standing.pauses
                    if pause.kind in rule.stopped_by
                    and pause.begins <= on <= (pause.ends or date.max)
                }
            )
        ),
        stops=tuple(sorted(rule.stopped_by)),
        deadlines=case.deadlines,
        remedies=remedies,
        prospect=_prospect(case, remedies, on, lowered),
        surcharge_source=rule.source,
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """A standing with all that follows from it and the rules."""

    standing: Standing
    rules: Rules
    deadlines: Deadlines
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, standing: Standing, rules: Rules) -> "_Case":
        answered = max(
            (
                pause.ends
                for pause in standing.pauses
                if pause.kind is Halt.RECONSIDERATION and pause.ends is not None
            ),
            default=None,
        )
        deadlines = reckon_deadlines(
            standing.received_on, standing.procedure, rules, answered_on=answered
        )
        whole = (Part(standing.fine, deadlines.pay_by, None),)
        return cls(standing, rules, deadlines, standing.parts or whole)

    @property
    def paid(self) -> int:
        """Return what has been paid, fine and surcharge."""
        fines = sum(part.amount for part in self.parts if part.paid_on is not None)
        return fines + self.standing.surcharge_paid

    def settle(self, fine: int, on: date, more: Pause | None = None) -> tuple[Due, int]:
        """Return what is due, and what was paid too much, if the fine is so much.

        A lower fine leaves the first parts as they are and takes from the last ones.
        """
        pauses = self.standing.pauses if more is None else (*self.standing.pauses, more)
        rule = self.rules.surcharge(self.standing.received_on)
        amounts = _laid(fine, [part.amount for part in self.parts])
        added = sum(
            reckon_surcharge(amount, part.pay_by, min(on, part.paid_on or on), rule, pauses).amount
            for amount, part in zip(amounts, self.parts, strict=True)
        )
        open_fine = fine - (self.paid - self.standing.surcharge_paid)
        total = fine + added - self.paid
        if total <= 0:
            return Due(0, 0), -total
        of_fine = min(max(0, open_fine), total)
        return Due(of_fine, total - of_fine), 0

    def full_day(self) -> date | None:
        """Return the day on which no unpaid part's surcharge grows any more."""
        rule = self.rules.surcharge(self.standing.received_on)
        days = [
            find_full_day(part.amount, part.pay_by, rule, self.standing.pauses)
            for part in self.parts
            if part.paid_on is None and part.amount > 0
        ]
        known = [day for day in days if day is not None]
        return max(known) if known and len(known) == len(days) else None


def _laid(fine: int, parts: Iterable[int]) -> list[int]:
    """Lay a fine on parts that are at least as much, in their order."""
    laid, left = [], fine
    for part in parts:
        laid.append(min(part, left))
        left -= laid[-1]
    return laid


def _remedies(case: _Case, on: date) -> tuple[Remedy, ...]:
    received = case.standing.received_on
    after = _last(case, Halt.RECONSIDERATION)
    answered = after is not None and after.ends is not None
    court = "litigation-after-reconsideration" if answered else "litigation"
    stopped_by = case.rules.surcharge(received).stopped_by
    found = []
    for kind, name, until in (
        (Halt.RECONSIDERATION, "reconsideration", case.deadlines.reconsider_by),
        (Halt.LITIGATION, court, case.deadlines.litigate_by),
    ):
        term = case.rules.term(name, received)
        state = _state(case, kind, until, on)
        found.append(
            Remedy(
                kind=kind,
                state=state,
                # The term of one that comes later begins with the answer to the one before.
                until=None if state is RemedyState.LATER else until,
                days_left=(until - on).days if until and state is RemedyState.OPEN else 0,
                stops_surcharge=kind in stopped_by,
                basis=term.basis,
                source=term.source,
            )
        )
    return tuple(found)


def _state(case: _Case, kind: Halt, until: date | None, on: date) -> RemedyState:
    used, other = _last(case, kind), _running(case, on)
    if used is not None:
        return RemedyState.RUNNING if other is kind else RemedyState.USED
    if kind is Halt.LITIGATION and (until is None or other is Halt.RECONSIDERATION):
        return _court_later(case, other, on)
    # A court that has the case, or had it, leaves nothing to reconsider.
    if kind is Halt.RECONSIDERATION and _last(case, Halt.LITIGATION) is not None:
        return RemedyState.OVER
    return RemedyState.OPEN if until is not None and on <= until else RemedyState.OVER


def _court_later(case: _Case, running: Halt | None, on: date) -> RemedyState:
    """Return LATER while a reconsideration runs or may still begin, else OVER."""
    is_possible = running is Halt.RECONSIDERATION or on <= case.deadlines.reconsider_by
    return RemedyState.LATER if is_possible else RemedyState.OVER


def _last(case: _Case, kind: Halt) -> Pause | None:
    pauses = [pause for pause in case.standing.pauses if pause.kind is kind]
    return max(pauses, key=lambda pause: pause.begins, default=None)


def _running(case: _Case, on: date) -> Halt | None:
    """Return the review that is going on."""
    for kind in _REVIEWS:
        last = _last(case, kind)
        # With its answer a review is over, although that day is not counted either.
        if last is not None and (last.ends is None or on < last.ends):
            return kind
    return None


def _prospect(case: _Case, remedies: tuple[Remedy, ...], on: date, lowered: int) -> Prospect | None:
    """Return what the review that goes on, or the first that can be asked for, may come to."""
    running = next((r.kind for r in remedies if r.state is RemedyState.RUNNING), None)
    usable = next((r.kind for r in remedies if r.state is RemedyState.OPEN), None)
    review = running or usable
    if review is None:
        return None
    last = _last(case, review)
    handed_in = on if last is None else last.begins
    answer = case.rules.term(f"{review}-answer", handed_in)
    answer_by = max(on, last_day(answer, handed_in, case.rules.days_off))
    review_time = Pause(review, handed_in, answer_by)
    fine = case.standing.fine
    outcomes = []
    for ending, amount in (
        (Ending.UPHELD, fine),
        (Ending.REDUCED, lowered),
        (Ending.CANCELLED, 0),
    ):
        due, back = case.settle(amount, answer_by, review_time)
        outcomes.append(Outcome(ending, amount, due, back))
    unopposed, _ = case.settle(fine, answer_by)
    return Prospect(review, answer_by, unopposed, tuple(outcomes))
