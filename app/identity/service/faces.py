"""A living face, seen by the authority's camera and compared with the register's picture."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.errors import AssuranceTooLow, NotFound
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import FaceCheckFailed, FaceCheckWaiting
from app.identity.models import Verification
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import level_now, lock_citizen, record_evidence
from app.identity.service.verification import (
    ask_register,
    close_attempt,
    identity_of,
    open_attempt,
)
from app.identity.values import EvidenceKind, FaceCheck, FaceStatus, VerificationStatus

LIFETIME = timedelta(minutes=10)


def open_face_check(uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID) -> FaceCheck:
    """Begin a face check of somebody whose name is proven; the token is for their device.

    Raise `AssuranceTooLow`, `TooManyVerifications`, or `RegisterUnavailable` (it does not count).
    """
    with uow.phase():
        citizen = lock_citizen(uow, citizen_id)
        if level_now(uow, citizen) == "basic":
            raise AssuranceTooLow(needed="verified")
        name, resident_id, _ = identity_of(uow, deps, citizen)
        attempt = open_attempt(uow, citizen, EvidenceKind.FACE_LIVE)
    begun = ask_register(
        uow,
        attempt,
        lambda: deps.register.open_face_check(name, resident_id, key=str(attempt.id)),
    )
    attempt.remote_reference = begun.reference
    return FaceCheck(attempt.id, begun.token, attempt.asked_at + LIFETIME)


def finish_face_check(
    uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID, attempt_id: UUID
) -> Verification:
    """Ask the authority what the camera saw; a face that passed makes the level `strong`.

    Idempotent. Raise `NotFound` for anybody else's, `FaceCheckWaiting`, `FaceCheckFailed` (also
    when its ten minutes are over) or `RegisterUnavailable` (ask again).
    """
    with uow.phase():
        attempt = _own(uow, citizen_id, attempt_id)
    if attempt.status == VerificationStatus.ASKED and attempt.remote_reference is not None:
        seen = deps.register.read_face_check(attempt.remote_reference)
        with uow.phase():
            attempt = _apply(uow, citizen_id, attempt_id, seen)
    if attempt.status == VerificationStatus.ASKED:
        raise FaceCheckWaiting
    if attempt.status != VerificationStatus.VERIFIED:
        raise FaceCheckFailed
    return attempt


def _apply(uow: UnitOfWork, citizen_id: UUID, attempt_id: UUID, seen: FaceStatus) -> Verification:
    citizen = lock_citizen(uow, citizen_id)
    attempt = _own(uow, citizen_id, attempt_id)
    is_over = attempt.asked_at + LIFETIME <= now()
    if attempt.status != VerificationStatus.ASKED or (seen is FaceStatus.WAITING and not is_over):
        return attempt
    if seen is FaceStatus.PASSED and not is_over:
        close_attempt(uow, attempt, VerificationStatus.VERIFIED, "face-passed")
        record_evidence(uow, citizen, EvidenceKind.FACE_LIVE, attempt.source, reference=attempt.id)
    else:
        close_attempt(
            uow, attempt, VerificationStatus.REFUSED, "over" if is_over else "face-failed"
        )
    return attempt


def _own(uow: UnitOfWork, citizen_id: UUID, attempt_id: UUID) -> Verification:
    attempt = uow.scalar(
        select(Verification)
        .where(
            Verification.id == attempt_id,
            Verification.citizen_id == citizen_id,
            Verification.kind == EvidenceKind.FACE_LIVE,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if attempt is None:
        raise NotFound
    return attempt
