"""Sealing: each second the new rows become one signed Merkle tree that names the tree before.

A seal covers the numbers up to a horizon below which everything is decided. Whoever inserts a row
holds a lock in common until its commit (a trigger of the table takes it before the row gets its
number); the horizon is read while nobody holds it. One sealer works at a time, and what a killed
one leaves is whole: a seal is one transaction, and the anchors' file is completed from the seals.
"""

from collections.abc import Sequence
from datetime import timedelta

from prometheus_client import Gauge
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import undefer

from app.audit.errors import SealingLate
from app.audit.events import ForgeryFound
from app.audit.models import AuditEntry, AuditRetirement, AuditSeal
from app.audit.service.anchors import AnchorsFile, anchor_line, appending
from app.audit.service.leaves import is_genuine, leaf_of
from app.audit.service.merkle import leaf_hash, root_of
from app.audit.service.statements import retirement_statement, seal_content, seal_statement
from app.audit.values import BATCH, LATE, NOTHING_BEFORE, TOO_LATE, AuditDeps
from app.core.clock import now
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork

TICK_SECONDS = 1
_ROWS_LOCK = 7_302_050  # the trigger of migration `audit sealing` takes it in common
_SEALER_LOCK = 7_302_051
_PATIENCE = "250ms"
_CATCH_UP = 1_000

LAG = Gauge(
    "audit_sealing_lag_seconds",
    "Seconds since the oldest row that is not sealed was written",
    multiprocess_mode="mostrecent",
)
log = get_logger("audit")


def seal_due(uow: UnitOfWork, deps: AuditDeps) -> None:
    """Seal every row that is decided, and complete the anchors' file; several may run at once."""
    while _seal_batch(uow, deps) == BATCH:
        pass
    anchor_seals(uow, deps)
    watch_lag(uow)


def _seal_batch(uow: UnitOfWork, deps: AuditDeps) -> int:
    """Seal the next batch and return how many rows it has; 0 when another sealer was faster."""
    horizon = _horizon(uow)
    if horizon is None:
        return 0
    with uow.phase():
        before = _newest(uow)
        rows = uow.scalars(
            select(AuditEntry)
            .where(AuditEntry.number > (before.last if before else 0), AuditEntry.number <= horizon)
            .order_by(AuditEntry.number)
            .limit(BATCH)
        ).all()
    if not rows:
        return 0
    # Decided rows do not change, so nothing is held while thousands of them are hashed.
    seal = _make_seal(deps, before, rows)
    with uow.phase():
        if not uow.scalar(select(func.pg_try_advisory_xact_lock(_SEALER_LOCK))):
            return 0
        newest = _newest(uow)
        if (newest.number if newest else 0) != seal.number - 1:
            return 0
        uow.add(seal)
        if seal.forged:
            log.error("audit.forgery_found", seal=seal.number, entries=len(seal.forged))
            uow.record(ForgeryFound(seal=seal.number, entries=len(seal.forged)))
    uow.expunge_all()
    return len(rows)


def _newest(uow: UnitOfWork) -> AuditSeal | None:
    return uow.scalar(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1))


def _make_seal(deps: AuditDeps, before: AuditSeal | None, rows: Sequence[AuditEntry]) -> AuditSeal:
    leaves = [leaf_hash(leaf_of(row)) for row in rows]
    seal = AuditSeal(
        number=before.number + 1 if before else 1,
        first=rows[0].number,
        last=rows[-1].number,
        entries=len(rows),
        root=root_of(leaves),
        previous=seal_statement(before).fingerprint if before else NOTHING_BEFORE,
        forged=[row.number for row in rows if not is_genuine(deps.mac_key, row)],
        at=now(),
        leaves=b"".join(leaves),
    )
    seal.key_id, seal.signature = deps.key.id, deps.key.sign(seal_content(seal)).signature
    return seal


def _horizon(uow: UnitOfWork) -> int | None:
    """Return the highest number up to which no row can appear any more, or None: ask later."""
    try:
        with uow.phase():
            uow.execute(text(f"set local lock_timeout = '{_PATIENCE}'"))
            uow.execute(select(func.pg_advisory_xact_lock(_ROWS_LOCK)))
            return uow.scalar(select(func.max(AuditEntry.number)))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != "55P03":
            raise
        log.warning("audit.horizon_busy")
        return None


def anchor_seals(uow: UnitOfWork, deps: AuditDeps) -> None:
    """Add to the anchors' file what it does not hold yet; a new file begins at the newest seal."""
    with uow.phase():  # the disk is not waited for in a transaction
        newest = uow.scalar(select(func.max(AuditSeal.number)))
        retired = uow.scalars(select(AuditRetirement).order_by(AuditRetirement.through)).all()
    if newest is None:
        return
    try:
        with appending(deps.anchors) as file:
            _append_seals(uow, file, newest)
            known = (file.last("retirement") or {"through": 0})["through"]
            file.append(
                [anchor_line(retirement_statement(r), None) for r in retired if r.through > known]
            )
    except OSError as error:
        log.error("audit.not_anchored", error=type(error).__name__)  # noqa: TRY400 - the kind says it


def _append_seals(uow: UnitOfWork, file: AnchorsFile, newest: int) -> None:
    last = file.last("seal")
    known = newest - 1 if last is None else int(last["number"])
    while known < newest:
        with uow.phase():
            seals = uow.scalars(
                select(AuditSeal)
                .options(undefer(AuditSeal.leaves))
                .where(AuditSeal.number > known, AuditSeal.number <= known + _CATCH_UP)
                .order_by(AuditSeal.number)
            ).all()
        if not seals:
            return
        file.append([anchor_line(seal_statement(seal), seal.leaves) for seal in seals])
        known = seals[-1].number
        uow.expunge_all()


def sealing_lag(uow: UnitOfWork) -> timedelta:
    """Return how long ago the oldest row was written that is not sealed; zero when all are."""
    sealed = select(func.max(AuditSeal.last)).scalar_subquery()
    oldest = uow.scalar(
        select(AuditEntry.at)
        .where(AuditEntry.number > func.coalesce(sealed, 0))
        .order_by(AuditEntry.number)
        .limit(1)
    )
    return timedelta(0) if oldest is None else max(timedelta(0), now() - oldest)


def watch_lag(uow: UnitOfWork) -> timedelta:
    """Return the lag, show it to the operators' figures, and raise the alarm from 15 minutes on."""
    lag = sealing_lag(uow)
    LAG.set(lag.total_seconds())
    if lag > LATE:
        log.error("audit.sealing_late", seconds=int(lag.total_seconds()))
    return lag


def check_sealing(uow: UnitOfWork) -> None:
    """Raise `SealingLate` when nothing was sealed for four hours although there was what to seal.

    A trail that somebody has stopped must not be the quiet hour in which staff change things.
    """
    lag = watch_lag(uow)
    if lag > TOO_LATE:
        raise SealingLate(retry_after=60)
