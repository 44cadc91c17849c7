"""Importing a biller's file: all of it or nothing, and the same file once."""

from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import House, UnitOfWork, new_id, now
from plugins.utilities.errors import OtherDepartmentsBiller
from plugins.utilities.models import BillFile
from plugins.utilities.service.bill_file import read_bill_file
from plugins.utilities.service.mirror import keep_filed
from plugins.utilities.values import ImportedFile, find_biller


def import_bill_file(
    house: House, uow: UnitOfWork, department: str | None, biller_id: str, raw: bytes
) -> ImportedFile:
    """Store the open bills of a file; the same bytes again change nothing and say so.

    A member of staff with a department imports for its biller only. Raise `BillFileInvalid`.
    """
    biller = find_biller(biller_id)
    if department not in (None, biller.department):
        raise OtherDepartmentsBiller
    bills = read_bill_file(raw, biller.id)
    digest = sha256(raw).digest()
    is_new = _claim(uow, biller.id, digest, len(bills))
    statement = select(BillFile).where(BillFile.biller == biller.id, BillFile.digest == digest)
    file = uow.scalars(statement).one()
    if is_new:
        counts = keep_filed(uow, house, bills, imported_at=file.imported_at)
        file.created, file.updated, file.unchanged = counts
        uow.flush()
    return ImportedFile(
        id=file.id,
        biller=file.biller,
        lines=file.lines,
        created=file.created,
        updated=file.updated,
        unchanged=file.unchanged,
        imported_at=file.imported_at,
        is_new=is_new,
    )


def _claim(uow: UnitOfWork, biller: str, digest: bytes, lines: int) -> bool:
    """Say whether this file is new; a second import at the same time waits for the first here."""
    statement = (
        insert(BillFile)
        .values(
            id=new_id(),
            biller=biller,
            digest=digest,
            lines=lines,
            created=0,
            updated=0,
            unchanged=0,
            imported_by=uow.actor,
            imported_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(BillFile.id)
    )
    return uow.scalar(statement) is not None
