"""A citizen's consents: given, found, taken back, and told to their consumers in order."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from app.consent.errors import AgreementSuperseded, AttributeNotCovered, ConsentNotFound
from app.consent.events import ConsentWithdrawn
from app.consent.models import AgreementVersion, Consent, ConsentFeed
from app.consent.service.agreements import agreement_of, current_agreement
from app.consent.values import (
    Agreement,
    Changes,
    ConsentChange,
    ConsentStatus,
    ConsentView,
    Grant,
    LiveConsent,
)
from app.core.clock import now
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork

_AT_ONCE = 500


def grant_consent(uow: UnitOfWork, grant: Grant) -> UUID:
    """Record a citizen's yes under the newest version of an agreement; return the consent's id.

    A consent to the same consumer under the same agreement that was live is superseded. Raise
    `AgreementNotFound`, `AgreementSuperseded` when `grant.version` is not the newest, and
    `AttributeNotCovered` for an attribute that the agreement does not name.
    """
    agreement = current_agreement(uow, grant.agreement_id)
    _check_covers(agreement, grant)
    moment = now()
    change = _next_change(uow, grant.consumer)
    before = uow.scalar(
        select(Consent)
        .where(
            Consent.citizen_id == grant.citizen_id,
            Consent.consumer == grant.consumer,
            Consent.agreement_id == grant.agreement_id,
            Consent.status == ConsentStatus.GRANTED,
        )
        .with_for_update()
    )
    if before is not None:
        _end(uow, before, ConsentStatus.SUPERSEDED, change, cause="granted anew")
        uow.flush()
        change = _next_change(uow, grant.consumer)
    consent = Consent(
        id=new_id(),
        status=ConsentStatus.DRAFT,
        citizen_id=grant.citizen_id,
        consumer=grant.consumer,
        consumer_title=dict(grant.title),
        subject=grant.subject,
        agreement_id=agreement.id,
        agreement_number=agreement.version,
        attributes=sorted(grant.attributes),
        created_at=moment,
        expires_at=grant.expires_at,
        change=change,
    )
    uow.open_record(consent, cause=grant.method)
    consent.payload_hash = _payload_hash(agreement, grant)
    consent.method = grant.method
    consent.session_id = grant.session_id
    consent.signed_at = moment
    uow.move(consent, ConsentStatus.GRANTED, cause=grant.method)
    uow.flush()
    return consent.id


def _check_covers(agreement: Agreement, grant: Grant) -> None:
    if grant.version is not None and grant.version != agreement.version:
        raise AgreementSuperseded(current_version=agreement.version)
    missing = sorted(grant.attributes - agreement.attribute_names)
    if missing:
        raise AttributeNotCovered(f"Not covered: {', '.join(missing)}.")


def _payload_hash(agreement: Agreement, grant: Grant) -> str:
    """Return what was signed: whoever has the row can compute it again."""
    payload = {
        "citizen": str(grant.citizen_id),
        "consumer": grant.consumer,
        "agreement": agreement.id,
        "version": agreement.version,
        "revision_hash": agreement.revision_hash,
        "attributes": sorted(grant.attributes),
        "expires_at": grant.expires_at.isoformat() if grant.expires_at else None,
    }
    return hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()


def find_live(uow: UnitOfWork, citizen_id: UUID, consumer: str) -> tuple[LiveConsent, ...]:
    """Return the consents of a citizen to a consumer that hold now; read, never remembered."""
    rows = uow.execute(
        select(Consent, AgreementVersion)
        .join(
            AgreementVersion,
            (AgreementVersion.id == Consent.agreement_id)
            & (AgreementVersion.number == Consent.agreement_number),
        )
        .where(
            Consent.citizen_id == citizen_id,
            Consent.consumer == consumer,
            Consent.status == ConsentStatus.GRANTED,
            or_(Consent.expires_at.is_(None), Consent.expires_at > now()),
        )
        .order_by(Consent.agreement_id)
    )
    return tuple(
        LiveConsent(
            consent.id,
            consent.agreement_id,
            consent.agreement_number,
            agreement_of(agreement).purpose,
            frozenset(consent.attributes),
            consent.expires_at,
        )
        for consent, agreement in rows
    )


def covered(live: Iterable[LiveConsent]) -> frozenset[str]:
    """Return the attributes that some consents cover together."""
    return frozenset(name for consent in live for name in consent.attributes)


def is_consented(uow: UnitOfWork, consumer: str, subject: str, attribute: str) -> bool:
    """Say whether a consumer may see an attribute of its `subject` now."""
    citizens = uow.scalars(
        select(Consent.citizen_id).where(Consent.consumer == consumer, Consent.subject == subject)
    )
    return any(attribute in covered(find_live(uow, one, consumer)) for one in set(citizens))


def withdraw_consent(uow: UnitOfWork, citizen_id: UUID, consent_id: UUID) -> None:
    """Take a consent back; idempotent. From the commit on nobody finds it live.

    Publishes `ConsentWithdrawn`. Raise `ConsentNotFound` for another citizen's.
    """
    consumer = uow.scalar(
        select(Consent.consumer).where(Consent.id == consent_id, Consent.citizen_id == citizen_id)
    )
    if consumer is None:
        raise ConsentNotFound
    change = _next_change(uow, consumer)
    consent = uow.scalars(
        select(Consent)
        .where(Consent.id == consent_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if consent.status == ConsentStatus.GRANTED:
        _withdraw(uow, consent, change, cause="citizen")


def withdraw_all(uow: UnitOfWork, citizen_id: UUID, *, cause: str) -> int:
    """Take back every consent of a citizen, as when an account is closed; return how many."""
    granted = (Consent.citizen_id == citizen_id, Consent.status == ConsentStatus.GRANTED)
    consumers = uow.scalars(select(Consent.consumer).where(*granted).distinct()).all()
    withdrawn = 0
    for consumer in sorted(consumers):
        change = _next_change(uow, consumer)
        ours = (
            select(Consent)
            .where(*granted, Consent.consumer == consumer)
            .order_by(Consent.id)
            .with_for_update()
        )
        for consent in uow.scalars(ours).all():
            _withdraw(uow, consent, change, cause=cause)
            withdrawn += 1
            uow.flush()
            change = _next_change(uow, consumer)
    return withdrawn


def _withdraw(uow: UnitOfWork, consent: Consent, change: int, *, cause: str) -> None:
    _end(uow, consent, ConsentStatus.WITHDRAWN, change, cause=cause)
    uow.emit(
        ConsentWithdrawn(
            consent_id=consent.id,
            citizen_id=consent.citizen_id,
            consumer=consent.consumer,
            agreement_id=consent.agreement_id,
        )
    )


def _end(uow: UnitOfWork, consent: Consent, to: ConsentStatus, change: int, *, cause: str) -> None:
    consent.ended_at = now()
    consent.change = change
    uow.move(consent, to, cause=cause)


def _next_change(uow: UnitOfWork, consumer: str) -> int:
    """Lock a consumer's feed and return the next number of it."""
    added = insert(ConsentFeed).values(consumer=consumer, last=1)
    number: int | None = uow.scalar(
        added.on_conflict_do_update(
            index_elements=["consumer"], set_={"last": ConsentFeed.last + 1}
        ).returning(ConsentFeed.last)
    )
    assert number is not None
    return number


def expire_consents(uow: UnitOfWork) -> None:
    """Close the consents whose time is over; they have not been live since. Safe in parallel."""
    over = (Consent.status == ConsentStatus.GRANTED, Consent.expires_at <= now())
    due = uow.execute(
        select(Consent.consumer, Consent.id)
        .where(*over)
        .order_by(Consent.consumer, Consent.id)
        .limit(_AT_ONCE)
    )
    for consumer, consent_id in due.all():
        change = _next_change(uow, consumer)
        consent = uow.scalar(
            select(Consent).where(Consent.id == consent_id, *over).with_for_update()
        )
        if consent is not None:
            _end(uow, consent, ConsentStatus.EXPIRED, change, cause="expiry")
            uow.flush()


def list_consents(uow: UnitOfWork, citizen_id: UUID, page: PageRequest) -> Page[ConsentView]:
    """Return a citizen's consents with their agreements, newest first, ended ones too."""
    statement = select(Consent).where(Consent.citizen_id == citizen_id)
    found = fetch_page(uow, statement, (Consent.created_at, Consent.id), page, descending=True)
    return Page(_views(uow, found.items), found.next_cursor)


def read_consent(uow: UnitOfWork, citizen_id: UUID, consent_id: UUID) -> ConsentView:
    """Return one consent of a citizen, or raise `ConsentNotFound`."""
    consent = uow.scalar(
        select(Consent).where(Consent.id == consent_id, Consent.citizen_id == citizen_id)
    )
    if consent is None:
        raise ConsentNotFound
    (view,) = _views(uow, [consent])
    return view


def _views(uow: UnitOfWork, consents: Iterable[Consent]) -> list[ConsentView]:
    kept: dict[tuple[str, int], Agreement] = {}
    views = []
    for consent in consents:
        key = (consent.agreement_id, consent.agreement_number)
        if key not in kept:
            kept[key] = agreement_of(uow.get_one(AgreementVersion, key))
        views.append(
            ConsentView(
                id=consent.id,
                status=consent.status,
                consumer=consent.consumer,
                title=consent.consumer_title,
                agreement=kept[key],
                attributes=consent.attributes,
                granted_at=_signed(consent),
                expires_at=consent.expires_at,
                ended_at=consent.ended_at,
            )
        )
    return views


def _signed(consent: Consent) -> datetime:
    assert consent.signed_at is not None  # a draft never outlives the transaction that opens it
    return consent.signed_at


def list_changes(uow: UnitOfWork, consumer: str, after: int, limit: int) -> Changes:
    """Return what has changed for a consumer since a number of its feed, oldest first.

    Each consent stands once, as it is now. Numbers become visible in their order, so going on
    from `next_cursor` misses nothing.
    """
    rows = uow.scalars(
        select(Consent)
        .where(Consent.consumer == consumer, Consent.change > after)
        .order_by(Consent.change)
        .limit(limit)
    ).all()
    items = [
        ConsentChange(
            number=row.change,
            consent_id=row.id,
            subject=row.subject,
            status=row.status,
            agreement_id=row.agreement_id,
            agreement_version=row.agreement_number,
            attributes=row.attributes,
            at=row.ended_at or _signed(row),
        )
        for row in rows
    ]
    return Changes(items, items[-1].number if items else after)
