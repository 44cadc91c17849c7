"""Who was shown what of a citizen: written before it is shown, read by the citizen."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

import orjson
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from app.consent.events import AttributesDisclosed
from app.consent.models import DisclosureEntry
from app.consent.values import Disclosure
from app.core.clock import now
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork, Units


@dataclass(frozen=True, slots=True)
class ConsentDeps:
    """What the room works with: the way to write while a request only reads."""

    units: Units


def record_disclosure(uow: UnitOfWork, deps: ConsentDeps, shown: Disclosure) -> None:
    """Record that somebody is shown attributes; call it before they are.

    In a unit that writes, the record is committed with it; beside one that only reads, at once.
    The same showing within one request or job is recorded once. Nothing is recorded, and need not
    be, when no attribute is shown.
    """
    if not shown.attributes:
        return
    if not uow.read_only:
        _add(uow, shown)
        return
    with deps.units.open(actor=uow.actor, request_id=uow.request_id, address=uow.address) as other:
        _add(other, shown)


def _add(uow: UnitOfWork, shown: Disclosure) -> None:
    added = uow.scalar(
        insert(DisclosureEntry)
        .values(
            id=new_id(),
            citizen_id=shown.citizen_id,
            consumer=shown.consumer,
            consumer_title=dict(shown.title),
            officer=shown.officer,
            basis=shown.basis,
            purpose=dict(shown.purpose),
            consent_id=shown.consent_id,
            mandate_id=shown.mandate_id,
            attributes=sorted(shown.attributes),
            at=now(),
            request_id=uow.request_id,
            digest=_digest(uow, shown),
            delay_reason=shown.delay_reason,
            hidden_until=shown.hidden_until,
        )
        .on_conflict_do_nothing(index_elements=["request_id", "citizen_id", "digest"])
        .returning(DisclosureEntry.id)
    )
    if added is not None:
        uow.record(
            AttributesDisclosed(
                subject=shown.citizen_id,
                disclosure_id=added,
                consumer=shown.consumer,
                attributes=tuple(sorted(shown.attributes)),
            )
        )


def _digest(uow: UnitOfWork, shown: Disclosure) -> str:
    """Return what makes two showings within one request the same."""
    same = [
        uow.actor,
        shown.consumer,
        shown.officer,
        shown.basis,
        shown.consent_id,
        shown.mandate_id,
        dict(shown.purpose),
        sorted(shown.attributes),
        shown.hidden_until,
    ]
    return hashlib.sha256(orjson.dumps(same, option=orjson.OPT_SORT_KEYS)).hexdigest()


def list_disclosures(uow: UnitOfWork, citizen_id: UUID, page: PageRequest) -> Page[DisclosureEntry]:
    """Return who was shown what of a citizen, newest first.

    One whose telling is delayed by law is left out until its day, and then names the reason.
    """
    statement = select(DisclosureEntry).where(
        DisclosureEntry.citizen_id == citizen_id,
        or_(DisclosureEntry.hidden_until.is_(None), DisclosureEntry.hidden_until <= now()),
    )
    keys = (DisclosureEntry.at, DisclosureEntry.id)
    return fetch_page(uow, statement, keys, page, descending=True)
