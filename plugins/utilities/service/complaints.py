"""Complaints: registered by a citizen, assigned and resolved at the desk, closed or reopened.

The evidence is filled in when a complaint is registered, and does not change with the bill.
"""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.utilities.errors import ComplaintNotFound, ComplaintUnderWay
from plugins.utilities.models import Complaint
from plugins.utilities.service.accounts import lock_citizen
from plugins.utilities.service.bills import own_bill
from plugins.utilities.service.desk import enter_desk
from plugins.utilities.service.explanation import explain_bill
from plugins.utilities.service.json_values import plain_values
from plugins.utilities.service.order_views import find_order
from plugins.utilities.values import (
    BILLERS,
    ComplaintStatus,
    ComplaintView,
    NewComplaint,
    Resolution,
    order_number,
)


def register_complaint(
    house: House, uow: UnitOfWork, citizen: Citizen, wanted: NewComplaint
) -> ComplaintView:
    """Register a complaint of one of a citizen's bills or orders, with how it stands as evidence.

    Raise `BillNotFound`, `OrderNotFound`, or `ComplaintUnderWay` while an earlier one is open.
    """
    biller, number, evidence = _subject(house, uow, citizen.reference, wanted)
    lock_citizen(uow, citizen.reference)
    same = _of(citizen.reference).where(
        Complaint.bill_id == wanted.bill_id
        if wanted.bill_id
        else Complaint.order_id == wanted.order_id,
        Complaint.status != ComplaintStatus.CLOSED,
    )
    if uow.scalar(same) is not None:
        raise ComplaintUnderWay
    complaint_id = new_id()
    complaint = Complaint(
        id=complaint_id,
        status=ComplaintStatus.REGISTERED,
        citizen_reference=citizen.reference,
        letterbox=citizen.letterbox,
        biller=biller,
        bill_id=wanted.bill_id,
        order_id=wanted.order_id,
        subject_number=number,
        ground=wanted.ground,
        words_sealed=_seal(house, wanted.words, complaint_id, "words"),
        evidence=evidence,
        registered_at=now(),
    )
    uow.open_record(complaint, cause="citizen")
    uow.flush()
    return show_complaint(house, complaint)


def list_complaints(
    house: House, uow: UnitOfWork, citizen_reference: str, page: PageRequest
) -> Page[ComplaintView]:
    """Return a page of a citizen's complaints, the first registered first."""
    order = [Complaint.registered_at, Complaint.id]
    rows = fetch_page(uow, _of(citizen_reference), order, page)
    return Page([show_complaint(house, row) for row in rows.items], rows.next_cursor)


def find_complaint(
    house: House, uow: UnitOfWork, citizen_reference: str, complaint_id: UUID
) -> ComplaintView:
    """Return one of a citizen's complaints, or raise `ComplaintNotFound`."""
    return show_complaint(house, _own(uow, _of(citizen_reference), complaint_id))


def close_complaint(
    house: House, uow: UnitOfWork, citizen_reference: str, complaint_id: UUID
) -> ComplaintView:
    """Close a complaint that was resolved, for good.

    Raise `ComplaintNotFound`, or `IllegalMove` (a conflict) in any other state.
    """
    complaint = _lock(uow, _of(citizen_reference), complaint_id)
    uow.move(complaint, ComplaintStatus.CLOSED, cause="citizen")
    uow.flush()
    return show_complaint(house, complaint)


def reopen_complaint(
    house: House, uow: UnitOfWork, citizen_reference: str, complaint_id: UUID, words: str
) -> ComplaintView:
    """Reopen a complaint that was resolved, with what the citizen says to the answer.

    What was said before stays in front of it. Raise as `close_complaint` does.
    """
    complaint = _lock(uow, _of(citizen_reference), complaint_id)
    uow.move(complaint, ComplaintStatus.REOPENED, cause="citizen")
    said = f"{_unseal(house, complaint.words_sealed, complaint.id, 'words')} / {words}"
    complaint.words_sealed = _seal(house, said, complaint.id, "words")
    uow.flush()
    return show_complaint(house, complaint)


def list_desk_complaints(
    house: House,
    uow: UnitOfWork,
    client_id: UUID,
    biller_id: str,
    page: PageRequest,
    *,
    status: str | None,
) -> Page[ComplaintView]:
    """Return the complaints of a biller, the oldest first; no citizen and no account is named."""
    biller = enter_desk(uow, client_id, biller_id)
    statement = _at(biller.id)
    if status is not None:
        statement = statement.where(Complaint.status == status)
    rows = fetch_page(uow, statement, [Complaint.registered_at, Complaint.id], page)
    return Page([show_complaint(house, row) for row in rows.items], rows.next_cursor)


def assign_complaint(
    house: House, uow: UnitOfWork, client_id: UUID, biller_id: str, complaint_id: UUID, unit: str
) -> ComplaintView:
    """Say which unit of the biller sees to a complaint; while it does, another one may take over.

    Raise `ComplaintNotFound`, or `IllegalMove` when there is nothing to see to.
    """
    biller = enter_desk(uow, client_id, biller_id)
    complaint = _lock(uow, _at(biller.id), complaint_id)
    if complaint.status != ComplaintStatus.ASSIGNED:
        uow.move(complaint, ComplaintStatus.ASSIGNED, cause="biller")
    complaint.unit = unit
    uow.flush()
    return show_complaint(house, complaint)


def resolve_complaint(
    house: House,
    uow: UnitOfWork,
    client_id: UUID,
    biller_id: str,
    complaint_id: UUID,
    resolution: Resolution,
) -> ComplaintView:
    """Answer a complaint that a unit sees to, and tell its citizen that there is an answer.

    Raise as `assign_complaint` does.
    """
    biller = enter_desk(uow, client_id, biller_id)
    complaint = _lock(uow, _at(biller.id), complaint_id)
    uow.move(complaint, ComplaintStatus.RESOLVED, cause="biller")
    complaint.outcome = resolution.outcome
    complaint.answer_sealed = _seal(house, resolution.answer, complaint.id, "answer")
    complaint.answered_at = now()
    uow.flush()
    house.tell(
        uow,
        complaint.letterbox,
        "complaint-answered",
        f"{complaint.id}-{complaint.version}",
        biller_zh=biller.title["zh"],
        biller_en=biller.title["en"],
    )
    return show_complaint(house, complaint)


def show_complaint(house: House, complaint: Complaint) -> ComplaintView:
    """Return a complaint as its citizen and its biller see it."""
    answer = complaint.answer_sealed
    return ComplaintView(
        id=complaint.id,
        biller=complaint.biller,
        bill_id=complaint.bill_id,
        order_id=complaint.order_id,
        subject_number=complaint.subject_number,
        ground=complaint.ground,
        words=_unseal(house, complaint.words_sealed, complaint.id, "words"),
        evidence=complaint.evidence,
        status=complaint.status,
        unit=complaint.unit,
        outcome=complaint.outcome,
        answer=None if answer is None else _unseal(house, answer, complaint.id, "answer"),
        registered_at=complaint.registered_at,
        answered_at=complaint.answered_at,
    )


def list_all_complaints(
    house: House, uow: UnitOfWork, citizen_reference: str
) -> list[ComplaintView]:
    """Return every complaint of a citizen."""
    return [show_complaint(house, row) for row in uow.scalars(_of(citizen_reference))]


def _subject(
    house: House, uow: UnitOfWork, citizen_reference: str, wanted: NewComplaint
) -> tuple[str, str, dict[str, Any]]:
    """Return biller, the biller's number and the evidence of what is complained of."""
    if wanted.bill_id is not None:
        bill = own_bill(uow, citizen_reference, wanted.bill_id, BILLERS)
        explained = explain_bill(uow, citizen_reference, bill.id)
        return bill.biller, bill.biller_reference, plain_values(asdict(explained))
    assert wanted.order_id is not None
    order = find_order(house, uow, citizen_reference, wanted.order_id, list(BILLERS))
    shown = plain_values(asdict(order))
    # A meter's token is money, and nobody's evidence.
    evidence = {name: shown[name] for name in shown.keys() - {"token", "account_number_masked"}}
    return order.biller, order_number(order.id), evidence


def _of(citizen_reference: str) -> Select[Complaint]:
    """Return the statement of a citizen's complaints: whose they are stands in its WHERE."""
    return select(Complaint).where(Complaint.citizen_reference == citizen_reference)


def _at(biller: str) -> Select[Complaint]:
    """Return the statement of a biller's complaints; one whose citizen was erased is nobody's."""
    return select(Complaint).where(
        Complaint.biller == biller, Complaint.citizen_reference.is_not(None)
    )


def _own(uow: UnitOfWork, whose: Select[Complaint], complaint_id: UUID) -> Complaint:
    complaint: Complaint | None = uow.scalar(whose.where(Complaint.id == complaint_id))
    if complaint is None:
        raise ComplaintNotFound
    return complaint


def _lock(uow: UnitOfWork, whose: Select[Complaint], complaint_id: UUID) -> Complaint:
    return _own(uow, whose.with_for_update(), complaint_id)


def _seal(house: House, plain: str, complaint_id: UUID, name: str) -> bytes:
    return house.vault.seal(plain, place=f"complaints|{name}|{complaint_id}")


def _unseal(house: House, sealed: bytes | None, complaint_id: UUID, name: str) -> str:
    assert sealed is not None
    return house.vault.unseal(sealed, place=f"complaints|{name}|{complaint_id}")
