"""What citizens are told of the violations of what they have linked.

The house tells the same kind of news about the same subject once, however many workers bring it;
so nothing is kept here of what was said.
"""

from datetime import date, datetime

from sqlalchemy import ColumnElement, CompoundSelect, exists, or_, select, union

from app.sdk import House, UnitOfWork
from plugins.traffic.models import (
    Contest,
    Due,
    Licence,
    Relief,
    Return,
    Vehicle,
    Violation,
)
from plugins.traffic.service.deadlines import find_defence_day
from plugins.traffic.service.dues import day_of, dues_of
from plugins.traffic.service.linking import mask_plate
from plugins.traffic.service.rules import find_rules
from plugins.traffic.values import DueStatus, ViolationStatus

_RESULTS = {
    "upheld": ("维持原决定", "it stands as it was"),
    "reduced": ("减轻处罚", "it becomes less"),
    "cancelled": ("撤销或不予处罚", "nothing is left of it"),
    "granted": ("已同意", "granted"),
    "refused": ("未同意", "not granted"),
}


def tell_of_new(house: House, uow: UnitOfWork, violation: Violation, at: datetime) -> None:
    """Tell whoever was watching before a moment that there is a new violation."""
    if violation.status != ViolationStatus.NOTIFIED or violation.notified_at is None:
        return
    _tell(
        house,
        uow,
        violation,
        "violation-new",
        str(violation.id),
        before=at,
        title_zh=violation.title["zh"],
        title_en=violation.title["en"],
        defend_by=find_defence_day(day_of(violation.notified_at), find_rules()),
    )


def tell_of_decision(house: House, uow: UnitOfWork, violation: Violation, at: datetime) -> None:
    """Tell whoever was watching before a moment that a violation was decided on."""
    number = violation.decision_no
    assert number is not None
    unpaid = [due for due in dues_of(uow, violation) if due.status == DueStatus.OPEN]
    if unpaid:
        _tell(
            house,
            uow,
            violation,
            "decision-made",
            number,
            before=at,
            decision_no=number,
            amount=violation.fine,
            pay_by=unpaid[0].pay_by,
        )
    elif violation.status == ViolationStatus.CLOSED:
        kind = "decision-without-fine"
        _tell(house, uow, violation, kind, number, before=at, decision_no=number)


def tell_of_due(
    house: House,
    uow: UnitOfWork,
    violation: Violation,
    due: Due,
    kind: str,
    **params: str | int | date,
) -> None:
    """Remind of something to pay; a later last day is another reminder."""
    subject = f"{due.reference}:{due.pay_by}"
    _tell(
        house,
        uow,
        violation,
        kind,
        subject,
        before=None,
        reference=due.reference,
        amount=due.fine,
        **params,
    )


def tell_of_return(house: House, uow: UnitOfWork, violation: Violation, back: Return) -> None:
    """Tell that money of a fine goes back to whoever paid it."""
    subject, reference, amount = str(back.id), back.reference, back.amount
    _tell(house, uow, violation, "money-returned", subject, reference=reference, amount=amount)


def tell_of_answer(house: House, uow: UnitOfWork, petition: Contest | Relief) -> None:
    """Tell whoever handed a petition in that it was decided, and how."""
    if petition.letterbox:
        zh, en = _RESULTS[petition.status]
        kind = "contest-decided" if isinstance(petition, Contest) else "relief-decided"
        house.tell(uow, petition.letterbox, kind, str(petition.id), result_zh=zh, result_en=en)


def _tell(
    house: House,
    uow: UnitOfWork,
    violation: Violation,
    kind: str,
    subject: str,
    *,
    before: datetime | None = None,
    **params: str | int | date,
) -> None:
    letterboxes = uow.scalars(_watching(violation, before)).all()
    if not letterboxes:
        return
    plate = house.vault.unseal(violation.plate_sealed, place=f"violations|plate|{violation.id}")
    for letterbox in letterboxes:
        house.tell(uow, letterbox, kind, subject, plate=mask_plate(plate), **params)


def is_watched() -> ColumnElement[bool]:
    """Return the condition that somebody is told of a violation."""
    return or_(
        exists().where(Vehicle.plate_index == Violation.plate_index, Vehicle.letterbox != ""),
        exists().where(Licence.number_index == Violation.licence_index, Licence.letterbox != ""),
    )


def _watching(violation: Violation, before: datetime | None) -> CompoundSelect[str]:
    """Return where those are told who have the vehicle, or the licence of its driver.

    What the first look at a vehicle brings is no news: its citizen is looking at it.
    """
    vehicles = select(Vehicle.letterbox).where(
        Vehicle.plate_index == violation.plate_index, Vehicle.letterbox != ""
    )
    licences = select(Licence.letterbox).where(
        Licence.number_index == violation.licence_index, Licence.letterbox != ""
    )
    if before is not None:
        vehicles = vehicles.where(Vehicle.watched_since < before)
        licences = licences.where(Licence.watched_since < before)
    return union(vehicles, licences)
