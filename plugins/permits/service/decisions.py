"""Proposals of clerks and decisions of deciders; and what silence decides."""

from uuid import UUID

from sqlalchemy import select, update

from app.sdk import House, UnitOfWork, new_id
from plugins.permits.errors import MeetingNeeded, SecondOfficerNeeded, VerdictIncomplete
from plugins.permits.events import PermitTaskDecided
from plugins.permits.models import Application, Decision, Seat, Supplement, Task
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.materials import keep_seen
from plugins.permits.service.meetings import has_agreed
from plugins.permits.service.moves import decide_finally, move_task
from plugins.permits.service.sealing import seal
from plugins.permits.service.seats import take_place
from plugins.permits.service.tasks import (
    check_free,
    check_held,
    check_state,
    show_task,
    take_both,
    template_of,
)
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import (
    GRANTED,
    Caller,
    Stage,
    SupplementStatus,
    TaskReason,
    TaskStatus,
    TaskView,
    Verdict,
)


def propose(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int, verdict: Verdict
) -> TaskView:
    """Propose a decision of a task that one has reviewed; deciders have it then.

    Raise `VerdictIncomplete`, and `MeetingNeeded` for an approval on which not all have agreed.
    """
    take_place(uow, caller, SeatRole.CLERK)
    application, task = take_both(uow, caller, task_id, version)
    check_held(task, caller)
    check_state(task, TaskStatus.IN_REVIEW)
    _check(uow, application, task, verdict)
    line = _line(house, task, caller, Stage.PROPOSED, verdict)
    uow.add(line)
    uow.flush()
    keep_seen(uow, application, template_of(application, task), line.id)
    # What waits for a superior would ask in a task that is decided.
    uow.execute(
        update(Supplement)
        .where(Supplement.task_id == task.id, Supplement.status == SupplementStatus.WANTED)
        .values(status=SupplementStatus.DECLINED)
    )
    move_task(uow, task, TaskStatus.PROPOSED, "proposed")
    uow.flush()
    return show_task(house, uow, task, caller)


def send_back(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int, reason: str
) -> TaskView:
    """Send a proposal back for another review, as a decider; whoever claims it reviews it."""
    take_place(uow, caller, SeatRole.DECIDER)
    _, task = take_both(uow, caller, task_id, version)
    check_free(task, caller)
    check_state(task, TaskStatus.PROPOSED)
    move_task(uow, task, TaskStatus.IN_REVIEW, reason)
    task.holder = task.lease_until = None
    uow.flush()
    return show_task(house, uow, task, caller)


def decide(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, version: int, verdict: Verdict
) -> TaskView:
    """Decide a task for which there is a proposal, for good.

    Raise `SecondOfficerNeeded` for whoever proposed it, unless their seat lets them decide alone;
    `VerdictIncomplete`, `MeetingNeeded`, `TaskHeld`, `PermitVersionStale`, `IllegalMove`.
    """
    seat = take_place(uow, caller, SeatRole.DECIDER)
    application, task = take_both(uow, caller, task_id, version)
    check_free(task, caller)
    task.check_move(verdict.outcome)
    _check_second(uow, task, caller, seat)
    _check(uow, application, task, verdict)
    bundle = find_bundle(application.bundle, application.bundle_version)
    line = _line(house, task, caller, Stage.FINAL, verdict)
    decide_finally(house, uow, application, task, bundle, line, "decided")
    keep_seen(uow, application, template_of(application, task), line.id)
    uow.record(
        PermitTaskDecided(task_id=task.id, officer=caller.staff_id, outcome=str(verdict.outcome))
    )
    uow.flush()
    return show_task(house, uow, task, caller)


def deem_task(
    house: House, uow: UnitOfWork, application: Application, task: Task, outcome: TaskStatus
) -> None:
    """Let silence decide a task, as its template says; both rows are locked.

    `outcome` is `deemed_approved` or `deemed_refused`. Raise `IllegalMove` where it is too late.
    """
    bundle = find_bundle(application.bundle, application.bundle_version)
    line = Decision(task_id=task.id, stage=Stage.FINAL, outcome=outcome, reason=TaskReason.SILENCE)
    decide_finally(house, uow, application, task, bundle, line, "deemed")
    keep_seen(uow, application, template_of(application, task), line.id)


def _check(uow: UnitOfWork, application: Application, task: Task, verdict: Verdict) -> None:
    is_refusal = verdict.outcome is TaskStatus.REFUSED
    if is_refusal != (verdict.reason is not None) or (is_refusal and not verdict.words):
        raise VerdictIncomplete("A refusal, and nothing else, gives a reason and words.")
    is_conditional = verdict.outcome is TaskStatus.APPROVED_WITH_CONDITIONS
    if is_conditional != (verdict.conditions is not None):
        raise VerdictIncomplete("An approval with conditions, and nothing else, names them.")
    template = template_of(application, task)
    if verdict.outcome in GRANTED and not has_agreed(uow, task, template):
        raise MeetingNeeded


def _check_second(uow: UnitOfWork, task: Task, caller: Caller, seat: Seat) -> None:
    proposer = uow.scalar(
        select(Decision.officer)
        .where(Decision.task_id == task.id, Decision.stage == Stage.PROPOSED)
        .order_by(Decision.made_at.desc(), Decision.id.desc())
        .limit(1)
    )
    if proposer == caller.staff_id and not seat.decides_alone:
        raise SecondOfficerNeeded


def _line(house: House, task: Task, caller: Caller, stage: Stage, verdict: Verdict) -> Decision:
    row = new_id()
    return Decision(
        id=row,
        task_id=task.id,
        stage=stage,
        outcome=verdict.outcome,
        reason=verdict.reason,
        officer=caller.staff_id,
        words_sealed=seal(house, "decisions", "words", row, verdict.words),
        conditions_sealed=seal(house, "decisions", "conditions", row, verdict.conditions),
    )
