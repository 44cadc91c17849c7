"""Retention: whole sealed batches older than the limit go, and the chain stays verifiable.

Only the owner's role can do this; the application's can remove nothing from the trail.
"""

from sqlalchemy import delete, func, select, text

from app.audit.events import TrailRetired
from app.audit.models import AuditEntry, AuditRetirement, AuditSeal
from app.audit.service.statements import retirement_content
from app.audit.values import SHORTEST_RETENTION, AuditDeps
from app.core.clock import now
from app.core.unit_of_work import UnitOfWork

_STEP = 5_000


def retire_entries(uow: UnitOfWork, deps: AuditDeps) -> int:
    """Remove the entries of all seals older than the retention and return how many.

    What is retired is signed and written before anything is removed, so a run that was killed is
    finished by the next one. Raise `ValueError` for a retention below 180 days.
    """
    if deps.retention < SHORTEST_RETENTION:
        raise ValueError(f"the trail is kept for {SHORTEST_RETENTION.days} days at least")
    moment = now()
    with uow.phase():
        known = uow.scalar(select(func.max(AuditRetirement.through))) or 0
        # Old ones before the first that is young: the clock may have been set back in between.
        young = select(func.min(AuditSeal.number)).where(AuditSeal.at >= moment - deps.retention)
        newest = select(func.max(AuditSeal.number))
        through = uow.scalar(
            select(func.coalesce(young.scalar_subquery(), newest.scalar_subquery() + 1, 1) - 1)
        )
        if through is not None and through > known:
            known = through
            retirement = AuditRetirement(through=through, at=moment)
            signed = deps.key.sign(retirement_content(retirement))
            retirement.key_id, retirement.signature = deps.key.id, signed.signature
            uow.add(retirement)
    removed = _remove(uow, known)
    if removed:
        uow.record(TrailRetired(through=known, entries=removed))
    return removed


def _remove(uow: UnitOfWork, through: int) -> int:
    removed = 0
    while True:
        with uow.phase():
            last = uow.scalar(select(AuditSeal.last).where(AuditSeal.number == through)) or 0
            # The trigger that keeps the rows lets the owner past for this transaction.
            uow.execute(text("set local wudang.retiring = 'on'"))
            some = select(AuditEntry.number).where(AuditEntry.number <= last).limit(_STEP)
            gone = uow.scalars(
                delete(AuditEntry).where(AuditEntry.number.in_(some)).returning(AuditEntry.number)
            ).all()
        removed += len(gone)
        if len(gone) < _STEP:
            return removed
