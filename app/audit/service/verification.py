"""Verifying the trail from inside the house, which also holds the key of the rows' codes.

`tools/audit_verifier.py` does the same from outside with public keys alone. Both stop at the first
fault, because what follows a changed row proves nothing any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import exists, func, select, true
from sqlalchemy.orm import aliased, undefer

from app.audit.models import AuditEntry, AuditRetirement, AuditSeal
from app.audit.service.anchors import read_anchors
from app.audit.service.leaves import is_genuine, leaf_of
from app.audit.service.merkle import leaf_hash, root_of
from app.audit.service.statements import retirement_statement, seal_statement
from app.audit.values import (
    BATCH,
    NOTHING_BEFORE,
    SHORTEST_RETENTION,
    AuditDeps,
    Fault,
    Finding,
    canonical,
)
from app.core.unit_of_work import UnitOfWork

MOST_ROWS = 20_000
_HASH = 32


@dataclass(slots=True)
class _Ground:
    """What the seals are held against: the anchors of the range, and what was retired."""

    anchors: Mapping[int, Mapping[str, Any]]
    last_anchor: int
    retired: int


def verify_trail(
    uow: UnitOfWork, deps: AuditDeps, first: int | None = None, last: int | None = None
) -> Finding:
    """Verify the seals from `first` to `last` with their rows, and say what is wrong first.

    Without `last` also the rows that are not sealed yet. It stops at 20,000 rows and then is not
    complete: go on from the seal after the last one.
    """
    start = max(1, first or 1)
    # The file first: what is anchored was sealed before, so the newest seal is not behind it.
    ground, fault = _ground(uow, deps, start, last)
    newest = uow.scalar(select(func.max(AuditSeal.number))) or 0
    end = newest if last is None else last
    seen, entries, before = start - 1, 0, _before(uow, start)
    if before is None and start > 1:
        fault = fault or Fault("seal-missing", f"seal {start - 1} is missing", start - 1)
    while fault is None and seen < min(end, newest) and entries <= MOST_ROWS:
        seal = uow.scalar(
            select(AuditSeal)
            .options(undefer(AuditSeal.leaves))
            .where(AuditSeal.number > seen)
            .order_by(AuditSeal.number)
            .limit(1)
        )
        if seal is None:
            break
        fault = _seal_fault(deps, ground, seal, before, seen + 1)
        if fault is None and seal.number > ground.retired:
            fault = _rows_fault(uow, deps, ground, seal, before.last if before else 0)
        seen, before, entries = seal.number, seal, entries + seal.entries
        uow.expunge_all()
    fault = fault or _end_fault(ground, newest, end)
    is_complete = seen >= end
    if fault is None and is_complete and last is None:
        fault = _unsealed_fault(uow, deps, ground, before.last if before else 0)
    return Finding(
        first_seal=start if seen >= start else None,
        last_seal=seen if seen >= start else None,
        seals=max(0, seen - start + 1),
        entries=entries,
        is_complete=is_complete or fault is not None,
        fault=fault,
    )


def _before(uow: UnitOfWork, start: int) -> AuditSeal | None:
    return uow.scalar(select(AuditSeal).where(AuditSeal.number == start - 1))


def _ground(
    uow: UnitOfWork, deps: AuditDeps, start: int, end: int | None
) -> tuple[_Ground, Fault | None]:
    anchors: dict[int, Mapping[str, Any]] = {}
    last_anchor = 0
    for line in read_anchors(deps.anchors):
        if line.get("kind") == "seal":
            number = int(line["number"])
            last_anchor = max(last_anchor, number)
            if start <= number and (end is None or number <= end):
                anchors.setdefault(number, line)
    retired = 0
    for row in uow.scalars(select(AuditRetirement).order_by(AuditRetirement.through)):
        if not deps.key.is_signed(retirement_statement(row)):
            detail = f"the retirement of seals up to {row.through} is not signed by our key"
            return _Ground(anchors, last_anchor, retired), Fault("retirement-forged", detail)
        if row.at - _sealed_at(uow, row.through) < SHORTEST_RETENTION:
            detail = f"seals up to {row.through} were retired before their time"
            return _Ground(anchors, last_anchor, retired), Fault("retired-too-early", detail)
        retired = row.through
    return _Ground(anchors, last_anchor, retired), None


def _sealed_at(uow: UnitOfWork, number: int) -> datetime:
    found = uow.scalar(select(AuditSeal.at).where(AuditSeal.number == number))
    return found or datetime.max.replace(tzinfo=UTC)


def _seal_fault(
    deps: AuditDeps, ground: _Ground, seal: AuditSeal, before: AuditSeal | None, expected: int
) -> Fault | None:
    statement = seal_statement(seal)
    number = seal.number
    if number != expected:
        return Fault("seal-missing", f"seal {expected} is missing", expected)
    if not deps.key.is_signed(statement):
        return Fault("seal-forged", "its signature is not one of our key", number, seal.first)
    if seal.previous != (seal_statement(before).fingerprint if before else NOTHING_BEFORE):
        return Fault("chain-broken", "it names another seal before it", number, seal.first)
    anchor = ground.anchors.get(number)
    if anchor is not None and not _is_same(anchor, statement.to_json()):
        return Fault("anchor-differs", "the anchored seal is another one", number, seal.first)
    if root_of(_hashes(seal)) != bytes(seal.root):
        return Fault("leaves-changed", "its leaves do not make its root", number, seal.first)
    return None


def _is_same(anchor: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    return canonical({k: v for k, v in anchor.items() if k != "leaves"}) == canonical(said)


def _hashes(seal: AuditSeal) -> list[bytes]:
    return [bytes(seal.leaves[at : at + _HASH]) for at in range(0, len(seal.leaves), _HASH)]


def _rows_fault(
    uow: UnitOfWork, deps: AuditDeps, ground: _Ground, seal: AuditSeal, after: int
) -> Fault | None:
    rows = uow.scalars(
        select(AuditEntry)
        .where(AuditEntry.number > after, AuditEntry.number <= seal.last)
        .order_by(AuditEntry.number)
    ).all()
    found = [leaf_hash(leaf_of(row)) for row in rows]
    sealed = _hashes(seal)
    if found != sealed:
        return _first_difference(seal, [row.number for row in rows], found, sealed)
    for row in rows:
        if not is_genuine(deps.mac_key, row):
            return Fault("entry-forged", "the house has not written it", seal.number, row.number)
    return _gap_fault(uow, (after, seal.last), seal.number, strict=ground.retired == 0)


def _first_difference(
    seal: AuditSeal, numbers: Sequence[int], found: Sequence[bytes], sealed: Sequence[bytes]
) -> Fault:
    """Name the first row that is not what was sealed: changed, missing or put in."""
    place = next(
        (i for i, pair in enumerate(zip(found, sealed, strict=False)) if pair[0] != pair[1]),
        min(len(found), len(sealed)),
    )
    here = numbers[place] if place < len(numbers) else None
    if here is None or found[place] in sealed[place + 1 :]:
        after = numbers[place - 1] if place else seal.first - 1
        detail = f"an entry after number {after} is missing"
        if here is not None and set(found) >= set(sealed):
            return Fault("entry-moved", "it stands at another place", seal.number, here)
        return Fault("entry-missing", detail, seal.number, after + 1)
    if place == len(sealed) or sealed[place] in found[place + 1 :]:
        return Fault("entry-inserted", "it was not there when it was sealed", seal.number, here)
    return Fault("entry-changed", "it is not what was sealed", seal.number, here)


def _gap_fault(
    uow: UnitOfWork, bounds: tuple[int, int], seal: int | None, *, strict: bool
) -> Fault | None:
    """Name the first row after and up to the bounds whose writer's row before it is not there.

    Once something was retired (not `strict`) a writer's oldest kept row may have followed others.
    """
    earlier, kept = aliased(AuditEntry), aliased(AuditEntry)
    has_older = exists().where(
        kept.writer == AuditEntry.writer, kept.sequence < AuditEntry.sequence
    )
    row = uow.execute(
        select(AuditEntry.number, AuditEntry.writer, AuditEntry.sequence)
        .where(
            AuditEntry.number > bounds[0],
            AuditEntry.number <= bounds[1],
            AuditEntry.sequence > 1,
            ~exists().where(
                earlier.writer == AuditEntry.writer,
                earlier.sequence == AuditEntry.sequence - 1,
            ),
            true() if strict else has_older,
        )
        .order_by(AuditEntry.number)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    detail = f"row {row.sequence - 1} of writer {row.writer} is missing"
    return Fault("writer-gap", detail, seal, row.number)


def _end_fault(ground: _Ground, newest: int, end: int) -> Fault | None:
    if ground.last_anchor > newest:
        missing = newest + 1
        return Fault("tail-missing", f"seals from {missing} on are anchored and gone", missing)
    if end > newest:
        return Fault("seal-missing", f"seal {newest + 1} is missing", newest + 1)
    return None


def _unsealed_fault(uow: UnitOfWork, deps: AuditDeps, ground: _Ground, after: int) -> Fault | None:
    rows = uow.scalars(
        select(AuditEntry).where(AuditEntry.number > after).order_by(AuditEntry.number).limit(BATCH)
    ).all()
    for row in rows:
        if not is_genuine(deps.mac_key, row):
            return Fault("entry-forged", "the house has not written it", None, row.number)
    if not rows:
        return None
    return _gap_fault(uow, (after, rows[-1].number), None, strict=ground.retired == 0)
