"""Objections: filed while a term runs, reviewed by an officer who did not record the case."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, now
from plugins.traffic.errors import (
    ContestNotOpen,
    NotDecidable,
    RecorderMayNotReview,
    ViolationNotFound,
)
from plugins.traffic.events import ContestDecided, ContestRead
from plugins.traffic.models import Contest, Pause, Violation
from plugins.traffic.service.deadlines import find_defence_day
from plugins.traffic.service.dues import day_of, deadlines_of, limit_fine, today
from plugins.traffic.service.mirror import settle
from plugins.traffic.service.notices import tell_of_answer
from plugins.traffic.service.officers import badge_of
from plugins.traffic.service.orders import (
    CANCELLED,
    REDUCED,
    order_change,
    order_decision,
    send_order,
)
from plugins.traffic.service.petitions import (
    lock_petition,
    open_petition,
    petitions_of,
    shared_fields,
)
from plugins.traffic.service.refresh import refresh
from plugins.traffic.service.returns import send_returns
from plugins.traffic.service.rules import find_rules
from plugins.traffic.service.violations import lock_own, own
from plugins.traffic.values import (
    OPEN_CONTEST,
    ContestKind,
    ContestStatus,
    ContestView,
    DecisionWish,
    NewContest,
    Outcome,
    PauseCause,
    Verdict,
    ViolationStatus,
)

_STATE = {
    ContestKind.DEFENCE: ViolationStatus.CONTESTED,
    ContestKind.RECONSIDERATION: ViolationStatus.RECONSIDERATION,
    ContestKind.LITIGATION: ViolationStatus.LITIGATION,
}
_DECIDED = frozenset(
    {
        ViolationStatus.PAYABLE,
        ViolationStatus.OVERDUE,
        ViolationStatus.DEFERRED,
        ViolationStatus.INSTALMENTS,
        ViolationStatus.PAID,
    }
)
WON, LESS = "contest-won", "contest-reduced"


def file_contest(
    house: House, uow: UnitOfWork, citizen: Citizen, violation_id: UUID, wanted: NewContest
) -> ContestView:
    """File an objection; a reconsideration and a court stop the clock of the surcharge.

    Raise `ContestNotOpen` when it is too late or too early, was used, or another one is pending.
    """
    refresh(house, citizen.reference)
    violation = lock_own(uow, citizen.reference, violation_id)
    if wanted.kind not in open_remedies(violation, contests_of(uow, violation)):
        raise ContestNotOpen
    contest = Contest(
        status=ContestStatus.SUBMITTED,
        violation_id=violation.id,
        kind=wanted.kind,
        offence_code=violation.offence_code,
        ground=wanted.ground,
        evidence=[dict(one) for one in wanted.evidence],
        recorder=violation.recorder,
        filed_at=now(),
    )
    open_petition(house, uow, citizen, contest, wanted.statement)
    if wanted.kind is ContestKind.DEFENCE:
        violation.answered_by = citizen.reference
    else:
        cause = PauseCause(str(wanted.kind))
        uow.add(Pause(violation_id=violation.id, cause=cause, first_day=today()))
    uow.move(violation, _STATE[wanted.kind], cause=f"{wanted.kind} filed")
    uow.flush()
    return show_contest(house, contest)


def add_evidence(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    contest_id: UUID,
    evidence: list[dict[str, object]],
) -> ContestView:
    """Add what the officer asked for. Raise `NotDecidable` when nothing was asked for."""
    contest = uow.lock(Contest, _own_contest(uow, citizen_reference, contest_id).id)
    if contest.status != ContestStatus.EVIDENCE_REQUESTED:
        raise NotDecidable
    known = {one["sha256"] for one in contest.evidence}
    contest.evidence = [*contest.evidence, *(e for e in evidence if e["sha256"] not in known)]
    uow.move(contest, ContestStatus.UNDER_REVIEW, cause="evidence added by the citizen")
    uow.flush()
    return show_contest(house, contest)


def list_contests(
    house: House, uow: UnitOfWork, citizen_reference: str, violation_id: UUID
) -> Page[ContestView]:
    """Return what a citizen has filed against a violation, the first one first."""
    violation = own(uow, citizen_reference, violation_id)
    mine = petitions_of(Contest, citizen_reference, violation.id)
    return Page([show_contest(house, one) for one in uow.scalars(mine)])


def find_contest(
    house: House, uow: UnitOfWork, citizen_reference: str, contest_id: UUID
) -> ContestView:
    """Return one of a citizen's objections, or raise `ViolationNotFound`."""
    return show_contest(house, _own_contest(uow, citizen_reference, contest_id))


def list_waiting(
    house: House, uow: UnitOfWork, page: PageRequest, status: str | None
) -> Page[ContestView]:
    """Return a page of the objections that officers have before them, the oldest first."""
    wanted = [status] if status else sorted(OPEN_CONTEST)
    statement = select(Contest).where(Contest.status.in_(wanted))
    rows = fetch_page(uow, statement, [Contest.id], page)
    return Page([show_contest(house, one, with_text=False) for one in rows.items], rows.next_cursor)


def read_contest(house: House, uow: UnitOfWork, officer: UUID, contest_id: UUID) -> ContestView:
    """Return an objection with its text to an officer; the trail knows who read it."""
    contest = uow.get(Contest, contest_id)
    if contest is None:
        raise ViolationNotFound
    uow.record(ContestRead(contest_id=contest.id, officer=officer))
    return show_contest(house, contest)


def take_contest(house: House, uow: UnitOfWork, officer: UUID, contest_id: UUID) -> ContestView:
    """Take an objection for review.

    Raise `OfficerUnknown`, `RecorderMayNotReview`, or `NotDecidable` when it was taken already.
    """
    badge = badge_of(uow, officer)
    contest = _lock(uow, contest_id)
    if badge == contest.recorder:
        raise RecorderMayNotReview
    if contest.status != ContestStatus.SUBMITTED:
        raise NotDecidable
    contest.reviewer, contest.reviewer_badge = officer, badge
    uow.move(contest, ContestStatus.UNDER_REVIEW, cause="taken by an officer")
    uow.flush()
    return show_contest(house, contest)


def ask_for_evidence(
    house: House, uow: UnitOfWork, officer: UUID, contest_id: UUID, reason: str
) -> ContestView:
    """Ask the citizen for evidence; the reviewer's `reason` says which."""
    contest = _lock(uow, contest_id)
    _check_mine(contest, officer)
    contest.reason = reason
    uow.move(contest, ContestStatus.EVIDENCE_REQUESTED, cause="evidence asked for")
    uow.flush()
    return show_contest(house, contest)


def decide_contest(
    house: House, uow: UnitOfWork, officer: UUID, contest_id: UUID, verdict: Verdict
) -> ContestView:
    """Decide on an objection that this officer reviews.

    A defence leads to the decision; a reconsideration or a court changes it, starts the clock
    again, and what was paid too much goes back by itself. Raise `NotDecidable`.
    """
    with uow.phase():
        violation, contest = lock_petition(uow, Contest, contest_id)
        _check_mine(contest, officer)
        _check_reduction(violation, contest, verdict)
        contest.decided_at = now()
        contest.reason = verdict.reason
        contest.reduced_to = verdict.reduced_to
        uow.move(contest, verdict.outcome, cause="decided by an officer")
        uow.record(
            ContestDecided(contest_id=contest.id, officer=officer, outcome=str(verdict.outcome))
        )
        key = _enforce(uow, violation, contest, verdict)
        tell_of_answer(house, uow, contest)
        violation.seen_at = now()
    if key is not None:
        send_order(house, key)
    send_returns(house, contest.violation_id)
    with house.unit_of_work() as after:
        return show_contest(house, after.get_one(Contest, contest_id))


def contests_of(uow: UnitOfWork, violation: Violation) -> Sequence[Contest]:
    """Return every objection to a violation, whoever filed it."""
    return contests_by_violation(uow, [violation.id])[violation.id]


def contests_by_violation(uow: UnitOfWork, ids: Iterable[UUID]) -> Mapping[UUID, Sequence[Contest]]:
    """Return what `contests_of` does for each of many violations, in one statement."""
    found: dict[UUID, list[Contest]] = {violation_id: [] for violation_id in ids}
    for contest in uow.scalars(select(Contest).where(Contest.violation_id.in_(found))):
        found[contest.violation_id].append(contest)
    return found


def open_remedies(violation: Violation, contests: Sequence[Contest]) -> Mapping[ContestKind, date]:
    """Return what can be filed against a violation today, each with its last day."""
    if any(contest.status in OPEN_CONTEST for contest in contests):
        return {}
    used = {ContestKind(contest.kind): contest for contest in contests}
    until: dict[ContestKind, date | None] = {}
    if violation.status == ViolationStatus.NOTIFIED and violation.notified_at is not None:
        notified_on = day_of(violation.notified_at)
        until[ContestKind.DEFENCE] = find_defence_day(notified_on, find_rules())
    if violation.status in _DECIDED:
        review = used.get(ContestKind.RECONSIDERATION)
        answered = None if review is None or not review.decided_at else day_of(review.decided_at)
        terms = deadlines_of(violation, answered)
        if ContestKind.LITIGATION not in used:
            until[ContestKind.RECONSIDERATION] = terms.reconsider_by
        until[ContestKind.LITIGATION] = terms.litigate_by
    return {
        kind: last
        for kind, last in until.items()
        if kind not in used and last is not None and today() <= last
    }


def is_contestable(violation: Violation, contests: Sequence[Contest]) -> bool:
    """Say whether a penalty can still be objected to, or is being: then nobody takes it alone."""
    in_review = (ViolationStatus.RECONSIDERATION, ViolationStatus.LITIGATION)
    return violation.status in in_review or bool(open_remedies(violation, contests))


def show_contest(house: House, contest: Contest, *, with_text: bool = True) -> ContestView:
    """Return an objection; its text stands in it where the reader may have it."""
    return ContestView(
        **shared_fields(house, contest, with_text=with_text),
        ground=contest.ground,
        evidence=contest.evidence,
        filed_at=contest.filed_at,
        reduced_to=contest.reduced_to,
    )


def _wish(verdict: Verdict) -> DecisionWish:
    if verdict.outcome is ContestStatus.CANCELLED:
        return DecisionWish(Outcome.EXEMPT, 0, 0, "defence-accepted")
    if verdict.outcome is ContestStatus.REDUCED:
        return DecisionWish(Outcome.PENALTY, verdict.reduced_to, None, "defence-heard")
    return DecisionWish(Outcome.PENALTY, None, None, "defence-dismissed")


def _enforce(
    uow: UnitOfWork, violation: Violation, contest: Contest, verdict: Verdict
) -> UUID | None:
    """Let a verdict take effect; return what the police are to be told."""
    if contest.kind == ContestKind.DEFENCE:
        return order_decision(uow, violation, _wish(verdict))
    _end_pause(uow, violation, PauseCause(contest.kind))
    key = None
    if verdict.outcome is ContestStatus.CANCELLED:
        key = order_change(uow, violation, CANCELLED, contest.kind)
        limit_fine(uow, violation, 0, WON)
        violation.points = 0
        uow.move(violation, ViolationStatus.CANCELLED, cause=f"{contest.kind} won")
        return key
    if verdict.reduced_to is not None:
        key = order_change(uow, violation, REDUCED, contest.kind, verdict.reduced_to)
    # Also of a fine that stands, days that were not to be counted may have been paid for.
    limit_fine(uow, violation, verdict.reduced_to or violation.fine, f"{LESS}-{contest.kind}")
    uow.flush()
    settle(uow, violation, cause=f"{contest.kind} decided")
    return key


def _end_pause(uow: UnitOfWork, violation: Violation, cause: PauseCause) -> None:
    open_pause = select(Pause).where(
        Pause.violation_id == violation.id, Pause.cause == cause, Pause.last_day.is_(None)
    )
    pause = uow.scalars(open_pause.with_for_update()).one()
    pause.last_day = today()
    uow.flush()


def _check_reduction(violation: Violation, contest: Contest, verdict: Verdict) -> None:
    """Raise `NotDecidable` unless a reduction, and nothing else, names a smaller fine."""
    is_reduction = verdict.outcome is ContestStatus.REDUCED
    if is_reduction != (verdict.reduced_to is not None):
        raise NotDecidable
    if contest.kind != ContestKind.DEFENCE and is_reduction:
        assert verdict.reduced_to is not None
        if verdict.reduced_to >= violation.fine:
            raise NotDecidable("The fine is not higher than this.")


def _own_contest(uow: UnitOfWork, citizen_reference: str, contest_id: UUID) -> Contest:
    mine = (Contest.id == contest_id, Contest.citizen_reference == citizen_reference)
    contest: Contest | None = uow.scalar(select(Contest).where(*mine))
    if contest is None:
        raise ViolationNotFound
    return contest


def _lock(uow: UnitOfWork, contest_id: UUID) -> Contest:
    if uow.get(Contest, contest_id) is None:
        raise ViolationNotFound
    return uow.lock(Contest, contest_id)


def _check_mine(contest: Contest, officer: UUID) -> None:
    """Raise `NotDecidable` unless this officer reviews it now."""
    if contest.reviewer != officer or contest.status != ContestStatus.UNDER_REVIEW:
        raise NotDecidable
