"""A citizen's evidence: gained, ended, and the level that it makes; always under their lock."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select

from app.core.clock import now
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import LEVELS
from app.core.unit_of_work import UnitOfWork
from app.identity.events import AssuranceChanged, LevelChanged
from app.identity.models import Citizen, Evidence
from app.identity.service.levels import RULES
from app.identity.values import CitizenStatus, EvidenceKind, EvidenceStatus, EvidenceView
from app.notifications import service as notifications
from app.notifications.values import Params

_AT_ONCE = 200
LEVEL_TITLES = {"basic": "手机验证", "verified": "实名认证", "strong": "强实名认证"}


def lock_citizen(uow: UnitOfWork, citizen_id: UUID) -> Citizen:
    """Return a citizen as they are now, with their row locked."""
    return uow.scalars(
        select(Citizen)
        .where(Citizen.id == citizen_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def record_evidence(
    uow: UnitOfWork,
    citizen: Citizen,
    kind: EvidenceKind,
    source: str,
    *,
    reference: UUID,
    confirmed_by: UUID | None = None,
) -> Evidence:
    """Add a piece of evidence to a locked citizen and raise their level by the rules.

    An older piece of the same kind is withdrawn: it has been renewed. Passkeys stand side by side.
    """
    if kind is not EvidenceKind.PASSKEY:
        _withdraw(uow, citizen, [kind], cause="renewed")
    moment = now()
    evidence = Evidence(
        citizen_id=citizen.id,
        kind=kind,
        source=source,
        reference=reference,
        confirmed_by=confirmed_by,
        status=EvidenceStatus.ACTIVE,
        obtained_at=moment,
        expires_at=RULES.end_of(kind, moment),
    )
    uow.open_record(evidence, cause=source)
    settle_level(uow, citizen)
    return evidence


def withdraw_evidence(
    uow: UnitOfWork, citizen: Citizen, kind: EvidenceKind, reference: UUID, *, cause: str
) -> None:
    """End the evidence that came from a passkey or a verification; idempotent."""
    if _withdraw(uow, citizen, [kind], cause=cause, reference=reference):
        settle_level(uow, citizen)


def renew_phone(uow: UnitOfWork, citizen: Citizen, challenge_id: UUID) -> None:
    """Let what was proven with the old number go, and begin with the one a code has proven."""
    kinds = [kind for kind, rule in RULES.kinds.items() if rule.follows_phone]
    _withdraw(uow, citizen, kinds, cause="phone-changed")
    record_evidence(uow, citizen, EvidenceKind.PHONE_CODE, "code", reference=challenge_id)


def restart_evidence(uow: UnitOfWork, citizen: Citizen, challenge_id: UUID) -> None:
    """Begin anew with the phone alone, since nobody used the account for a long time.

    Numbers are given to others: who holds this one now proves the same identity again, or stays
    `basic`. Passkeys stay; they prove nothing by themselves.
    """
    kinds = [kind for kind in EvidenceKind if kind is not EvidenceKind.PASSKEY]
    _withdraw(uow, citizen, kinds, cause="dormant")
    record_evidence(uow, citizen, EvidenceKind.PHONE_CODE, "code", reference=challenge_id)


def withdraw_all(uow: UnitOfWork, citizen: Citizen, *, cause: str) -> None:
    """End every piece of evidence of a locked citizen, whose account is closing."""
    _withdraw(uow, citizen, list(EvidenceKind), cause=cause)
    citizen.assurance, citizen.assurance_until = "basic", None


def settle_level(uow: UnitOfWork, citizen: Citizen) -> None:
    """Write the level that a locked citizen's evidence makes now; tell them when it is lower."""
    uow.flush()
    moment = now()
    before = citizen.assurance
    level, until = RULES.standing(_held(uow, citizen.id), moment)
    citizen.assurance, citizen.assurance_until = level, until
    if level == before:
        return
    uow.emit(AssuranceChanged(citizen_id=citizen.id, before=before, after=level))
    uow.record(LevelChanged(subject=citizen.id, before=before, after=level))
    if LEVELS.index(level) < LEVELS.index(before):
        told: Params = {"at": moment, "level_zh": LEVEL_TITLES[level], "level_en": level}
        notifications.tell(uow, citizen.id, "assurance-lowered", moment.isoformat(), told)


def level_now(uow: UnitOfWork, citizen: Citizen) -> str:
    """Return a citizen's level at this second, also when the worker is late to write it down."""
    return assurance_now(uow, citizen.id, citizen.assurance, citizen.assurance_until)


def assurance_now(uow: UnitOfWork, citizen_id: UUID, assurance: str, until: datetime | None) -> str:
    """Return the level of a row that was read: its own, or after its end what is left."""
    moment = now()
    if until is None or until > moment:
        return assurance
    return RULES.standing(_held(uow, citizen_id), moment)[0]


def expire_evidence(uow: UnitOfWork) -> None:
    """End what has come to its date and lower the levels that stood on it; safe in parallel."""
    moment = now()
    is_due = (
        (Evidence.citizen_id == Citizen.id)
        & (Evidence.status == EvidenceStatus.ACTIVE)
        & (Evidence.expires_at <= moment)
    )
    citizens = uow.scalars(
        select(Citizen)
        .where(Citizen.status != CitizenStatus.CLOSED, exists().where(is_due))
        .order_by(Citizen.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for citizen in citizens.all():
        for evidence in _active(uow, citizen.id):
            if evidence.expires_at is not None and evidence.expires_at <= moment:
                evidence.ended_at = moment
                uow.move(evidence, EvidenceStatus.EXPIRED, cause="expired")
        settle_level(uow, citizen)


def list_evidence(uow: UnitOfWork, citizen_id: UUID, page: PageRequest) -> Page[EvidenceView]:
    """Return a citizen's evidence, newest first, with what has ended."""
    found = fetch_page(
        uow,
        select(Evidence).where(Evidence.citizen_id == citizen_id),
        [Evidence.obtained_at, Evidence.id],
        page,
        descending=True,
    )
    return Page([_view(evidence) for evidence in found.items], found.next_cursor)


def _view(evidence: Evidence) -> EvidenceView:
    is_over = evidence.expires_at is not None and evidence.expires_at <= now()
    is_due = evidence.status == EvidenceStatus.ACTIVE and is_over
    return EvidenceView(
        id=evidence.id,
        kind=evidence.kind,
        title=RULES.kinds[EvidenceKind(evidence.kind)].title,
        source=evidence.source,
        status=EvidenceStatus.EXPIRED if is_due else evidence.status,
        obtained_at=evidence.obtained_at,
        expires_at=evidence.expires_at,
        ended_at=evidence.expires_at if is_due else evidence.ended_at,
    )


def _held(uow: UnitOfWork, citizen_id: UUID) -> list[tuple[EvidenceKind, datetime | None]]:
    rows = uow.execute(
        select(Evidence.kind, Evidence.expires_at).where(
            Evidence.citizen_id == citizen_id, Evidence.status == EvidenceStatus.ACTIVE
        )
    )
    return [(EvidenceKind(kind), expires_at) for kind, expires_at in rows]


def _active(uow: UnitOfWork, citizen_id: UUID) -> list[Evidence]:
    found = uow.scalars(
        select(Evidence)
        .where(Evidence.citizen_id == citizen_id, Evidence.status == EvidenceStatus.ACTIVE)
        .order_by(Evidence.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


def _withdraw(
    uow: UnitOfWork,
    citizen: Citizen,
    kinds: Collection[EvidenceKind],
    *,
    cause: str,
    reference: UUID | None = None,
) -> bool:
    """End the active evidence of these kinds; say whether there was any."""
    ending = [
        evidence
        for evidence in _active(uow, citizen.id)
        if evidence.kind in kinds and reference in {None, evidence.reference}
    ]
    for evidence in ending:
        evidence.ended_at = now()
        uow.move(evidence, EvidenceStatus.WITHDRAWN, cause=cause)
    uow.flush()  # before a newer one: one of a kind is active
    return bool(ending)
