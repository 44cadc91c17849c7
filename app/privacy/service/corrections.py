"""Requests for correction: submitted by the citizen, decided by a reviewer within thirty days."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.consent import service as consent
from app.consent.values import Basis, Disclosure
from app.core.clock import now
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.identity import service as identity
from app.identity.service import closing
from app.identity.service.vault import vault_of
from app.notifications import service as notifications
from app.privacy.errors import (
    CorrectionDecided,
    CorrectionNotFound,
    CorrectionOpen,
    NothingToCorrect,
)
from app.privacy.events import CorrectionDone
from app.privacy.models import Correction
from app.privacy.service.deps import PrivacyDeps
from app.privacy.values import (
    CorrectionLine,
    CorrectionOf,
    CorrectionStatus,
    CorrectionView,
    NewCorrection,
)

DEADLINE = timedelta(days=30)
_TABLE = "corrections"
_REVIEW = {"zh": "审核更正申请", "en": "To review a request for correction"}
_REVIEWERS = {"zh": "个人信息更正审核", "en": "Reviewers of corrections"}
_DECISIONS = {"applied": ("已更正", "was made"), "declined": ("未予更正", "was not made")}


def submit_correction(
    uow: UnitOfWork, deps: PrivacyDeps, citizen_id: UUID, asked: NewCorrection
) -> CorrectionView:
    """Submit a request for correction. Raise `CorrectionOpen` while one of the kind is open."""
    vault = vault_of(uow, deps.keyring, citizen_id)
    moment, row = now(), new_id()
    correction = Correction(
        id=row,
        citizen_id=citizen_id,
        what=asked.what,
        status=CorrectionStatus.SUBMITTED,
        proposed_sealed=vault.seal(asked.proposed, _TABLE, "proposed", row),
        evidence_sealed=vault.seal(asked.evidence, _TABLE, "evidence", row),
        submitted_at=moment,
        due_at=moment + DEADLINE,
    )
    uow.open_record(correction, cause="citizen")
    try:
        uow.flush()
    except IntegrityError as error:
        if "uq_corrections_open" not in str(error.orig):
            raise
        raise CorrectionOpen from error
    return _view(uow, deps, correction)


def list_my_corrections(
    uow: UnitOfWork, deps: PrivacyDeps, citizen_id: UUID, page: PageRequest
) -> Page[CorrectionView]:
    """Return a citizen's requests for correction, newest first."""
    found = fetch_page(
        uow,
        select(Correction).where(Correction.citizen_id == citizen_id),
        (Correction.submitted_at, Correction.id),
        page,
        descending=True,
    )
    return Page([_view(uow, deps, one) for one in found.items], found.next_cursor)


def list_corrections(
    uow: UnitOfWork, page: PageRequest, status: CorrectionStatus
) -> Page[CorrectionLine]:
    """Return requests for correction by their deadline, nearest first, with nothing personal."""
    found = fetch_page(
        uow,
        select(Correction).where(Correction.status == status),
        (Correction.due_at, Correction.id),
        page,
    )
    moment = now()
    lines = [
        CorrectionLine(
            id=one.id,
            status=one.status,
            what=one.what,
            submitted_at=one.submitted_at,
            due_at=one.due_at,
            decided_at=one.decided_at,
            is_overdue=(one.decided_at or moment) > one.due_at,
        )
        for one in found.items
    ]
    return Page(lines, found.next_cursor)


def review_correction(
    uow: UnitOfWork, deps: PrivacyDeps, who: Principal, correction_id: UUID
) -> CorrectionView:
    """Return a request with its values to a reviewer; the citizen reads of the look."""
    correction = uow.get(Correction, correction_id)
    if correction is None:
        raise CorrectionNotFound
    consent.record_disclosure(
        uow,
        deps.consent,
        Disclosure(
            citizen_id=correction.citizen_id,
            consumer=f"staff:{who.id}",
            title=_REVIEWERS,
            attributes=frozenset({f"correction.{correction.what}", "correction.evidence"}),
            basis=Basis.STATUTORY_DUTY,
            purpose=_REVIEW,
            officer=who.department or "reviewer",
        ),
    )
    return _view(uow, deps, correction)


def decide_correction(
    uow: UnitOfWork,
    deps: PrivacyDeps,
    who: Principal,
    correction_id: UUID,
    *,
    applied: bool,
    reason: str,
) -> CorrectionLine:
    """Apply or decline a request, once, and tell the citizen.

    A name is corrected by it; what else is corrected was so before, where it is kept. Raise
    `CorrectionDecided` the second time, and `NothingToCorrect` for a name that was never proven.
    """
    citizen_id = uow.scalar(select(Correction.citizen_id).where(Correction.id == correction_id))
    if citizen_id is None:
        raise CorrectionNotFound
    identity.lock_citizen(uow, citizen_id)
    correction = uow.scalars(
        select(Correction)
        .where(Correction.id == correction_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if correction.status != CorrectionStatus.SUBMITTED:
        raise CorrectionDecided
    vault = vault_of(uow, deps.keyring, citizen_id)
    if applied and correction.what == CorrectionOf.NAME:
        name = vault.open(correction.proposed_sealed, _TABLE, "proposed", correction_id)
        if not closing.correct_name(uow, deps.identity, citizen_id, name):
            raise NothingToCorrect
    correction.decided_at = now()
    correction.decided_by = who.id
    correction.reason_sealed = vault.seal(reason, _TABLE, "reason", correction_id)
    outcome = CorrectionStatus.APPLIED if applied else CorrectionStatus.DECLINED
    uow.move(correction, outcome, cause="reviewer")
    uow.record(
        CorrectionDone(subject=citizen_id, correction_id=correction_id, outcome=str(outcome))
    )
    outcome_zh, outcome_en = _DECISIONS[outcome]
    notifications.tell(
        uow,
        citizen_id,
        "correction-decided",
        str(correction_id),
        {"outcome_zh": outcome_zh, "outcome_en": outcome_en},
    )
    return CorrectionLine(
        id=correction_id,
        status=outcome,
        what=correction.what,
        submitted_at=correction.submitted_at,
        due_at=correction.due_at,
        decided_at=correction.decided_at,
        is_overdue=correction.decided_at > correction.due_at,
    )


def _view(uow: UnitOfWork, deps: PrivacyDeps, correction: Correction) -> CorrectionView:
    vault = vault_of(uow, deps.keyring, correction.citizen_id)
    reason = None
    if correction.reason_sealed is not None:
        reason = vault.open(correction.reason_sealed, _TABLE, "reason", correction.id)
    return CorrectionView(
        id=correction.id,
        status=correction.status,
        what=correction.what,
        proposed=vault.open(correction.proposed_sealed, _TABLE, "proposed", correction.id),
        evidence=vault.open(correction.evidence_sealed, _TABLE, "evidence", correction.id),
        reason=reason,
        submitted_at=correction.submitted_at,
        due_at=correction.due_at,
        decided_at=correction.decided_at,
    )
