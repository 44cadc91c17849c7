"""The desk: differences listed, taken, explained and reviewed by two, exported."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from app.core.clock import now
from app.core.crypto import Keyring, seal, unseal
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.reconciliation.errors import (
    DifferenceNotFound,
    NotExplained,
    NotYourDifference,
    OwnerUnknown,
    SecondPersonNeeded,
)
from app.reconciliation.events import (
    DifferenceExplained,
    DifferencesExported,
    SecondPersonRefused,
)
from app.reconciliation.models import Difference
from app.reconciliation.service.deps import ReconciliationDeps
from app.reconciliation.values import (
    AGES,
    KINDS,
    DifferenceFilter,
    DifferenceStatus,
    DifferenceView,
    Resolution,
)

EXPORTED = 50_000
"""How many differences one export has at most."""
_COLUMNS = (
    "id", "source", "day", "kind", "status", "subject", "theirs_amount", "our_amount", "currency",
    "line_id", "payment_id", "age", "found_at", "owner", "resolution", "closed_at",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def list_differences(
    uow: UnitOfWork, deps: ReconciliationDeps, wanted: DifferenceFilter, page: PageRequest
) -> Page[DifferenceView]:
    """Return differences, newest first."""
    keys = (Difference.found_at, Difference.id)
    found = fetch_page(uow, _selected(wanted), keys, page, descending=True)
    return Page([view_difference(deps.keyring, row) for row in found.items], found.next_cursor)


def read_difference(
    uow: UnitOfWork, deps: ReconciliationDeps, difference_id: UUID
) -> DifferenceView:
    """Return a difference, or raise `DifferenceNotFound`."""
    difference = uow.get(Difference, difference_id)
    if difference is None:
        raise DifferenceNotFound
    return view_difference(deps.keyring, difference)


def export_differences(
    uow: UnitOfWork, deps: ReconciliationDeps, wanted: DifferenceFilter
) -> bytes:
    """Return differences as CSV that no spreadsheet takes for a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    count = 0
    for row in uow.scalars(_selected(wanted).order_by(Difference.found_at.desc()).limit(EXPORTED)):
        view = view_difference(deps.keyring, row)
        writer.writerow([_cell(getattr(view, name)) for name in _COLUMNS])
        count += 1
    uow.record(DifferencesExported(count=count))
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> str | int:
    """Return a value as a cell: a number as it is, a text with what would make it a formula off."""
    if value is None:
        return ""
    if isinstance(value, int):
        return value
    plain = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{plain}" if plain.startswith(_FORMULA) else plain


def _selected(wanted: DifferenceFilter) -> Select[Difference]:
    statement = select(Difference)
    for name in ("source", "kind", "status", "day"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(getattr(Difference, name) == value)
    if wanted.owner is not None:
        statement = statement.where(Difference.owner_id == wanted.owner)
    if wanted.age is not None:
        least, below = AGES[wanted.age]
        statement = statement.where(Difference.found_at <= now() - timedelta(days=least))
        if below is not None:
            statement = statement.where(Difference.found_at > now() - timedelta(days=below))
    return statement


def assign_difference(
    uow: UnitOfWork,
    deps: ReconciliationDeps,
    difference_id: UUID,
    owner: UUID,
) -> DifferenceView:
    """Give an open difference to whoever sees to it. Raise `OwnerUnknown`, `DifferenceNotFound`."""
    if not deps.may_own(uow, owner):
        raise OwnerUnknown
    difference = locked_difference(uow, difference_id)
    if difference.status == DifferenceStatus.ASSIGNED and difference.owner_id == owner:
        return view_difference(deps.keyring, difference)
    if difference.status == DifferenceStatus.ASSIGNED:
        uow.move(difference, DifferenceStatus.OPEN, cause="handed-over")
    difference.owner_id = owner
    uow.move(difference, DifferenceStatus.ASSIGNED, cause="assigned", owner=str(owner))
    return view_difference(deps.keyring, difference)


def explain_difference(
    uow: UnitOfWork, deps: ReconciliationDeps, who: UUID, difference_id: UUID, reason: str
) -> DifferenceView:
    """Say why a difference is none; a second person closes it. Raise `NotYourDifference`."""
    difference = own_difference(uow, who, difference_id)
    difference.reason_sealed = seal_reason(deps.keyring, "differences", difference.id, reason)
    difference.explained_by = who
    difference.resolution = Resolution.EXPLAINED
    uow.move(difference, DifferenceStatus.EXPLAINED, cause="explained")
    uow.record(DifferenceExplained(difference_id=difference.id))
    return view_difference(deps.keyring, difference)


def review_explanation(
    uow: UnitOfWork, deps: ReconciliationDeps, who: UUID, difference_id: UUID, *, accept: bool
) -> DifferenceView:
    """Close an explained difference, or open it again; another person than who explained it.

    Raise `SecondPersonNeeded`.
    """
    difference = locked_difference(uow, difference_id)
    if difference.status != DifferenceStatus.EXPLAINED:
        raise NotExplained
    if difference.explained_by == who:
        uow.record(SecondPersonRefused(difference_id=difference.id, result="refused"))
        raise SecondPersonNeeded
    if accept:
        difference.closed_by, difference.closed_at = who, now()
        uow.move(difference, DifferenceStatus.CLOSED, cause="second-person")
    else:
        difference.resolution = None
        uow.move(difference, DifferenceStatus.OPEN, cause="second-person")
    return view_difference(deps.keyring, difference)


def locked_difference(uow: UnitOfWork, difference_id: UUID) -> Difference:
    """Return a difference with its row locked, or raise `DifferenceNotFound`."""
    wanted = select(Difference).where(Difference.id == difference_id).with_for_update()
    difference = uow.scalar(wanted.execution_options(populate_existing=True))
    if difference is None:
        raise DifferenceNotFound
    return difference


def own_difference(uow: UnitOfWork, who: UUID, difference_id: UUID) -> Difference:
    """Return the caller's own assigned difference, locked, or raise `NotYourDifference`."""
    difference = locked_difference(uow, difference_id)
    if difference.status != DifferenceStatus.ASSIGNED or difference.owner_id != who:
        raise NotYourDifference
    return difference


def seal_reason(keyring: Keyring, table: str, record_id: UUID, reason: str) -> bytes:
    """Return a reason sealed for its row: people write what they should not."""
    context = f"{table}|reason|{record_id}"
    return seal(keyring.class_key(table), reason.encode(), context=context)


def open_reason(keyring: Keyring, table: str, record_id: UUID, sealed: bytes | None) -> str | None:
    """Return a sealed reason."""
    if sealed is None:
        return None
    context = f"{table}|reason|{record_id}"
    return unseal(keyring.class_key(table), sealed, context=context).decode()


def view_difference(keyring: Keyring, difference: Difference) -> DifferenceView:
    """Return a difference as the desk sees it."""
    return DifferenceView(
        id=difference.id,
        source=difference.source,
        day=difference.day,
        kind=difference.kind,
        status=difference.status,
        subject=difference.subject,
        theirs_amount=difference.theirs_amount,
        our_amount=difference.our_amount,
        currency=difference.currency,
        line_id=difference.line_id,
        payment_id=difference.payment_id,
        age=_age(difference),
        found_at=difference.found_at,
        owner=difference.owner_id,
        resolution=difference.resolution,
        reason=open_reason(keyring, "differences", difference.id, difference.reason_sealed),
        booking=difference.booking_id,
        closed_at=difference.closed_at,
    )


def _age(difference: Difference) -> str:
    days = ((difference.closed_at or now()) - difference.found_at).days
    return next(name for name, (_, below) in AGES.items() if below is None or days < below)


def list_kinds() -> list[dict[str, Any]]:
    """Return every kind of difference as it is shown."""
    return [
        {
            "kind": kind,
            "title": {"zh": card.zh, "en": card.en},
            "when": card.when,
            "owner": card.owner,
            "ends": card.ends,
        }
        for kind, card in KINDS.items()
    ]


def count_open(uow: UnitOfWork) -> int:
    """Return how many differences nobody has ended."""
    wanted = select(func.count()).select_from(Difference)
    return uow.scalar(wanted.where(Difference.status != DifferenceStatus.CLOSED)) or 0
