"""Reading the trail: auditors see all of it, a citizen what happened to them, with proofs."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import undefer

from app.audit.models import AuditEntry, AuditSeal
from app.audit.service.catalogue import titles
from app.audit.service.leaves import leaf_of
from app.audit.service.merkle import leaf_hash, path_to
from app.audit.service.statements import seal_statement
from app.audit.values import ActivityLine, EntryFilter, Proof
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork

_HASH = 32


def list_entries(uow: UnitOfWork, wanted: EntryFilter, page: PageRequest) -> Page[AuditEntry]:
    """Return entries for an auditor, newest first."""
    statement = select(AuditEntry)
    for column, value in (
        (AuditEntry.event, wanted.event),
        (AuditEntry.actor, wanted.actor),
        (AuditEntry.subject_id, wanted.subject),
        (AuditEntry.result, wanted.result),
    ):
        if value is not None:
            statement = statement.where(column == value)
    statement = _within(statement, wanted)
    return fetch_page(uow, statement, [AuditEntry.number], page, descending=True)


def _within(statement: Select[AuditEntry], wanted: EntryFilter) -> Select[AuditEntry]:
    if wanted.since is not None:
        statement = statement.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEntry.at < wanted.until)
    return statement


def list_seals(uow: UnitOfWork, page: PageRequest) -> Page[Mapping[str, Any]]:
    """Return the seals as they were signed, newest first."""
    found = fetch_page(uow, select(AuditSeal), [AuditSeal.number], page, descending=True)
    return Page([seal_statement(seal).to_json() for seal in found.items], found.next_cursor)


def list_activity(uow: UnitOfWork, citizen_id: UUID, page: PageRequest) -> Page[ActivityLine]:
    """Return what happened to a citizen, newest first; whatever is sealed comes with its proof."""
    statement = select(AuditEntry).where(AuditEntry.subject_id == citizen_id)
    found = fetch_page(uow, statement, [AuditEntry.number], page, descending=True)
    names = titles()
    seals = _seals_of(uow, found.items)
    lines = [
        _line(entry, citizen_id, names.get(entry.event), seals.get(entry.number))
        for entry in found.items
    ]
    return Page(lines, found.next_cursor)


def _seals_of(uow: UnitOfWork, entries: Sequence[AuditEntry]) -> dict[int, AuditSeal]:
    """Return the seal over each entry that is sealed."""
    found: dict[int, AuditSeal] = {}
    seal: AuditSeal | None = None
    for entry in entries:
        if seal is None or not seal.first <= entry.number <= seal.last:
            seal = uow.scalar(
                select(AuditSeal)
                .options(undefer(AuditSeal.leaves))
                .where(AuditSeal.first <= entry.number, AuditSeal.last >= entry.number)
                .order_by(AuditSeal.first.desc())
                .limit(1)
            )
        if seal is not None:
            found[entry.number] = seal
    return found


def _line(
    entry: AuditEntry,
    citizen_id: UUID,
    names: tuple[str, str] | None,
    seal: AuditSeal | None,
) -> ActivityLine:
    is_own = entry.actor == f"citizen:{citizen_id}"
    title_zh, title_en = names or (entry.event, entry.event)
    return ActivityLine(
        id=entry.id,
        at=entry.at,
        event=entry.event,
        title_zh=title_zh,
        title_en=title_en,
        result=entry.result,
        by="you" if is_own else _who(entry),
        # Somebody else's address is not the citizen's to see; the leaf holds it under a hash.
        address=entry.address if is_own else None,
        details=entry.details,
        proof=proof_of(entry, seal) if seal is not None else None,
    )


def _who(entry: AuditEntry) -> str:
    """Return what a citizen is told of who acted: never which person (`Principal.actor`)."""
    if " for " in entry.actor:
        return "delegate"
    if " via " in entry.actor:
        return "app"
    return "other-citizen" if entry.actor_kind == "citizen" else entry.actor_kind


def proof_of(entry: AuditEntry, seal: AuditSeal) -> Proof | None:
    """Return the proof that an entry lies under a seal; none when it is not what was sealed."""
    leaves = [bytes(seal.leaves[at : at + _HASH]) for at in range(0, len(seal.leaves), _HASH)]
    content = leaf_of(entry)
    try:
        index = leaves.index(leaf_hash(content))
    except ValueError:
        return None
    return Proof(
        leaf=content.decode(),
        index=index,
        size=len(leaves),
        path=[sister.hex() for sister in path_to(index, leaves)],
        seal=seal_statement(seal).to_json(),
    )
