"""Exporting the trail for those who verify it elsewhere (`tools/audit_verifier.py`)."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from app.audit.models import AuditEntry, AuditRetirement, AuditSeal
from app.audit.service.leaves import VERSION, leaf_form
from app.audit.service.statements import retirement_statement, seal_statement
from app.core.unit_of_work import UnitOfWork

_STEP = 1_000


def export_trail(uow: UnitOfWork) -> Iterator[Mapping[str, Any]]:
    """Return the lines of an export: its head, retirements, seals, then entries by number."""
    yield {"kind": "export", "v": VERSION}
    for retirement in uow.scalars(select(AuditRetirement).order_by(AuditRetirement.through)):
        yield retirement_statement(retirement).to_json()
    newest = 0
    while seals := uow.scalars(
        select(AuditSeal).where(AuditSeal.number > newest).order_by(AuditSeal.number).limit(_STEP)
    ).all():
        for seal in seals:
            yield seal_statement(seal).to_json()
        newest = seals[-1].number
        uow.expunge_all()
    yield from _entries(uow)


def _entries(uow: UnitOfWork) -> Iterator[Mapping[str, Any]]:
    newest = 0
    while rows := uow.scalars(
        select(AuditEntry)
        .where(AuditEntry.number > newest)
        .order_by(AuditEntry.number)
        .limit(_STEP)
    ).all():
        for row in rows:
            yield entry_line(row)
        newest = rows[-1].number
        uow.expunge_all()


def entry_line(row: AuditEntry) -> dict[str, Any]:
    """Return an entry as it is exported: its leaf, and what opens the commitment in it."""
    opened = {"actor": row.actor, "address": row.address, "salt": bytes(row.salt).hex()}
    return {"kind": "entry", "leaf": leaf_form(row), **opened}
