"""What is asked of a citizen: once; a further time needs a superior and is counted as a defect.

Administrative Licensing Law, art. 32: everything that is to be mended is told at once.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select, update

from app.sdk import House, Invalid, UnitOfWork, new_id, now
from plugins.permits.errors import (
    SecondOfficerNeeded,
    SupplementNotFound,
    SupplementOpen,
)
from plugins.permits.models import Application, Supplement, Task
from plugins.permits.service.sealing import seal
from plugins.permits.values.tasks import Ask, Caller, SupplementStatus

_LIVE = (SupplementStatus.WANTED, SupplementStatus.ASKED)


def ask(
    house: House,
    uow: UnitOfWork,
    caller: Caller,
    application: Application,
    task: Task | None,
    wish: Ask,
) -> Supplement:
    """Write down what a department asks: the first is asked at once, a further one is wanted.

    The row of the task (or, at intake, of the application) is locked. Raise `SupplementOpen`.
    """
    same = (
        Supplement.application_id == application.id,
        Supplement.task_id == task.id if task else Supplement.task_id.is_(None),
    )
    if uow.scalar(select(Supplement.id).where(*same, Supplement.status.in_(_LIVE))) is not None:
        raise SupplementOpen
    counted = select(func.count()).where(*same, Supplement.status != SupplementStatus.DECLINED)
    number = uow.scalars(counted).one() + 1
    supplement_id = new_id()
    is_first = number == 1
    supplement = Supplement(
        id=supplement_id,
        application_id=application.id,
        task_id=task.id if task else None,
        department=caller.department,
        number=number,
        status=SupplementStatus.ASKED if is_first else SupplementStatus.WANTED,
        is_defect=not is_first,
        words_sealed=seal(house, "supplements", "words", supplement_id, wish.words),
        fields=list(wish.fields),
        materials=list(wish.materials),
        wanted_by=caller.staff_id,
        asked_at=now() if is_first else None,
    )
    uow.add(supplement)
    uow.flush()
    return supplement


def judge(
    uow: UnitOfWork,
    caller: Caller,
    application: Application,
    task: Task | None,
    supplement_id: UUID,
    *,
    allowed: bool,
) -> Supplement:
    """Allow or decline what a department wants to ask once more, as its superior.

    The row of the task or application is locked. Raise `SupplementNotFound` when nothing waits,
    and `SecondOfficerNeeded` for whoever wants it.
    """
    supplement: Supplement | None = uow.scalar(
        select(Supplement)
        .where(
            Supplement.id == supplement_id,
            Supplement.application_id == application.id,
            Supplement.task_id == task.id if task else Supplement.task_id.is_(None),
            Supplement.status == SupplementStatus.WANTED,
        )
        .with_for_update()
    )
    if supplement is None:
        raise SupplementNotFound
    if supplement.wanted_by == caller.staff_id:
        raise SecondOfficerNeeded
    supplement.allowed_by = caller.staff_id
    supplement.status = SupplementStatus.ASKED if allowed else SupplementStatus.DECLINED
    supplement.asked_at = now() if allowed else None
    uow.flush()
    return supplement


def decline_wanted(uow: UnitOfWork, application: Application) -> None:
    """Let nobody be asked any more at intake what waits for a superior: it was accepted."""
    uow.execute(
        update(Supplement)
        .where(
            Supplement.application_id == application.id,
            Supplement.task_id.is_(None),
            Supplement.status == SupplementStatus.WANTED,
        )
        .values(status=SupplementStatus.DECLINED)
    )


def check_asked(wish: Ask, fields: Collection[str], materials: Collection[str]) -> None:
    """Raise `Invalid` for fields and materials that are none of the department's business."""
    strange = [
        {"pointer": f"/{kind}", "message": f"{name} does not belong to this."}
        for kind, asked, known in (
            ("fields", wish.fields, fields),
            ("materials", wish.materials, materials),
        )
        for name in asked
        if name not in known
    ]
    if strange:
        raise Invalid(errors=strange)
