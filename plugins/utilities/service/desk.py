"""The desk of a biller: what its own system may do in its own name, and for no other biller.

Nothing is written here by anybody whom staff has not admitted for just this biller.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import DomainError, House, NotFound, UnitOfWork, new_id, now
from plugins.utilities.errors import (
    AlreadyPaid,
    BillNotFound,
    BillNotOpen,
    FileNumberReused,
    NothingAmended,
    OtherDepartmentsBiller,
    PartlyPaid,
    PaymentUnderWay,
)
from plugins.utilities.events import BillChanged, BillsUploaded, DeskClientAdmitted, DeskRefused
from plugins.utilities.models import Bill, BillChange, DeskClient, Order, Posting, UploadedFile
from plugins.utilities.service.bill_file import read_desk_file
from plugins.utilities.service.mirror import keep_editions, keep_filed
from plugins.utilities.values import (
    Amendment,
    BillChangeView,
    Biller,
    BillStatus,
    ChangeKind,
    ChangeReason,
    DeskClientView,
    DeskFile,
    PostingState,
    TakenFile,
    Withdrawal,
    find_biller,
)

_UNDER_WAY = (PostingState.UNSENT, PostingState.SENT, PostingState.UNCLEAR)


def admit_client(
    uow: UnitOfWork, department: str | None, biller_id: str, client_id: UUID
) -> DeskClientView:
    """Let a client speak for a biller; once more changes nothing.

    A member of staff with a department does so for its biller only.
    """
    biller = _staffs_biller(department, biller_id)
    uow.execute(
        insert(DeskClient)
        .values(biller=biller.id, client_id=client_id, admitted_by=uow.actor, admitted_at=now())
        .on_conflict_do_nothing()
    )
    uow.record(DeskClientAdmitted(biller=biller.id, client_id=client_id, admitted=True))
    return _client(uow.get_one(DeskClient, (biller.id, client_id)))


def dismiss_client(
    uow: UnitOfWork, department: str | None, biller_id: str, client_id: UUID
) -> None:
    """Let a client speak for a biller no longer, or raise `NotFound`."""
    biller = _staffs_biller(department, biller_id)
    mine = (DeskClient.biller == biller.id, DeskClient.client_id == client_id)
    if uow.scalar(delete(DeskClient).where(*mine).returning(DeskClient.client_id)) is None:
        raise NotFound
    uow.record(DeskClientAdmitted(biller=biller.id, client_id=client_id, admitted=False))


def list_clients(uow: UnitOfWork, department: str | None, biller_id: str) -> list[DeskClientView]:
    """Return who may speak for a biller."""
    biller = _staffs_biller(department, biller_id)
    rows = select(DeskClient).where(DeskClient.biller == biller.id)
    return [_client(row) for row in uow.scalars(rows.order_by(DeskClient.admitted_at))]


def enter_desk(uow: UnitOfWork, client_id: UUID, biller_id: str) -> Biller:
    """Return the biller that a client speaks for.

    Raise `NotFound` alike for one that there is not and for another client's, and tell the trail.
    """
    if uow.get(DeskClient, (biller_id, client_id)) is None:
        refuse_at_desk(uow, client_id, biller_id, NotFound())
    return find_biller(biller_id)


def upload_bills(
    house: House, uow: UnitOfWork, client_id: UUID, biller_id: str, raw: bytes
) -> TakenFile:
    """Store the open bills of a file: all or nothing, and once under its number.

    The same bytes again change nothing and say so. Raise `BillFileInvalid` with lines and columns,
    or `FileNumberReused` for other bytes under a number that came before. However many bills there
    are, a handful of statements store them.
    """
    biller = enter_desk(uow, client_id, biller_id)
    file = read_desk_file(raw, biller.id)
    digest, moment = sha256(raw).digest(), now()
    is_new = _claim(uow, client_id, biller, file, digest, moment)
    row = uow.scalars(
        select(UploadedFile)
        .where(UploadedFile.biller == biller.id, UploadedFile.number == file.number)
        .execution_options(populate_existing=True)
    ).one()
    if row.digest != digest:
        raise FileNumberReused(taken_at=row.taken_at.isoformat())
    if is_new:
        row.created, row.updated, row.unchanged = keep_filed(
            uow, house, file.bills, imported_at=moment
        )
        uow.flush()
        uow.record(BillsUploaded(biller=biller.id, file_id=row.id, lines=row.lines))
    return _taken(row, is_new=is_new)


def amend_bill(
    uow: UnitOfWork, client_id: UUID, biller_id: str, wanted: Amendment
) -> BillChangeView:
    """Change what an open bill asks for or when, and keep what stood there and why.

    Raise `BillNotFound`, `AlreadyPaid`, `PartlyPaid`, `BillNotOpen`, `PaymentUnderWay` or
    `NothingAmended`.
    """
    biller = enter_desk(uow, client_id, biller_id)
    bill = _lock_open(uow, client_id, biller, wanted.bill_number)
    before = (bill.amount, bill.due_date)
    after = (
        bill.amount if wanted.amount is None else wanted.amount,
        wanted.due_date or bill.due_date,
    )
    if after == before:
        raise NothingAmended
    change = _write_down(uow, client_id, bill, ChangeKind.AMENDED, wanted.reason, after)
    bill.amount, bill.due_date = after
    bill.seen_at = change.changed_at
    bill.edition += 1
    bill.amended_for = wanted.reason
    if bill.amount != change.amount_before:
        bill.detail = {}  # its lines explain another amount
    uow.flush()
    keep_editions(uow, [bill.id])
    return _changed(change, bill)


def withdraw_open_bill(
    uow: UnitOfWork, client_id: UUID, biller_id: str, wanted: Withdrawal
) -> BillChangeView:
    """Take an open bill back, so that nobody owes it any more.

    Raise `BillNotFound`, `AlreadyPaid`, `PartlyPaid`, `BillNotOpen` or `PaymentUnderWay`.
    """
    biller = enter_desk(uow, client_id, biller_id)
    bill = _lock_open(uow, client_id, biller, wanted.bill_number)
    same = (bill.amount, bill.due_date)
    change = _write_down(uow, client_id, bill, ChangeKind.WITHDRAWN, wanted.reason, same)
    bill.status = BillStatus.WITHDRAWN
    bill.seen_at = change.changed_at
    uow.flush()
    return _changed(change, bill)


def _staffs_biller(department: str | None, biller_id: str) -> Biller:
    biller = find_biller(biller_id)
    if department not in (None, biller.department):
        raise OtherDepartmentsBiller
    return biller


def refuse_at_desk(
    uow: UnitOfWork, client_id: UUID, biller_id: str, error: DomainError
) -> NoReturn:
    """Raise a refusal that whoever tries names, numbers or keys leaves in the trail."""
    name = biller_id if len(biller_id) <= 64 else "?"  # noqa: PLR2004 - a slug is no longer
    uow.record(DeskRefused(result="refused", biller=name, client_id=client_id, code=error.code))
    raise error


def _claim(
    uow: UnitOfWork,
    client_id: UUID,
    biller: Biller,
    file: DeskFile,
    digest: bytes,
    moment: datetime,
) -> bool:
    """Say whether this number is new; a second upload at the same time waits for the first here."""
    values: Mapping[str, Any] = {
        "id": new_id(),
        "biller": biller.id,
        "number": file.number,
        "digest": digest,
        "day": file.day,
        "lines": len(file.bills),
        "total": file.total,
        "client_id": client_id,
        "taken_at": moment,
    }
    claim = insert(UploadedFile).values(**values).on_conflict_do_nothing()
    return uow.scalar(claim.returning(UploadedFile.id)) is not None


def _lock_open(uow: UnitOfWork, client_id: UUID, biller: Biller, bill_number: str) -> Bill:
    mine = (Bill.biller == biller.id, Bill.biller_reference == bill_number)
    bill: Bill | None = uow.scalar(select(Bill).where(*mine).with_for_update())
    if bill is None:
        refuse_at_desk(uow, client_id, biller.id, BillNotFound())
    if bill.status == BillStatus.PAID:
        raise AlreadyPaid
    if bill.status == BillStatus.PARTIALLY_PAID:
        raise PartlyPaid
    if bill.status != BillStatus.OPEN:
        raise BillNotOpen
    in_order = Order.parts.contains([{"bill": bill_number}])
    under_way = (
        select(Posting.key)
        .outerjoin(Order, Order.id == Posting.order_id)
        .where(
            Posting.biller == biller.id,
            or_(Posting.biller_reference == bill_number, in_order),
            Posting.state.in_(_UNDER_WAY),
        )
    )
    if uow.scalar(under_way.limit(1)) is not None:
        raise PaymentUnderWay
    return bill


def _write_down(
    uow: UnitOfWork,
    client_id: UUID,
    bill: Bill,
    kind: ChangeKind,
    reason: ChangeReason,
    after: tuple[int, Any],
) -> BillChange:
    change = BillChange(
        id=new_id(),
        biller=bill.biller,
        biller_reference=bill.biller_reference,
        kind=kind,
        reason=reason,
        amount_before=bill.amount,
        amount=after[0],
        due_date_before=bill.due_date,
        due_date=after[1],
        client_id=client_id,
        changed_at=now(),
    )
    uow.add(change)
    uow.record(BillChanged(biller=bill.biller, bill_id=bill.id, kind=str(kind), reason=str(reason)))
    return change


def _client(row: DeskClient) -> DeskClientView:
    return DeskClientView(row.client_id, row.admitted_at)


def _taken(row: UploadedFile, *, is_new: bool) -> TakenFile:
    return TakenFile(
        id=row.id,
        biller=row.biller,
        number=row.number,
        day=row.day,
        lines=row.lines,
        total=row.total,
        created=row.created or 0,
        updated=row.updated or 0,
        unchanged=row.unchanged or 0,
        taken_at=row.taken_at,
        is_new=is_new,
    )


def _changed(change: BillChange, bill: Bill) -> BillChangeView:
    return BillChangeView(
        id=change.id,
        bill_number=change.biller_reference,
        kind=change.kind,
        reason=change.reason,
        amount_before=change.amount_before,
        amount=change.amount,
        due_date_before=change.due_date_before,
        due_date=change.due_date,
        status=bill.status,
        changed_at=change.changed_at,
    )
