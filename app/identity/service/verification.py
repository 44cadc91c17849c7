"""Proving a name: the register confirms name and number, and one identity has one account."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.errors import DomainError
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import (
    AlreadyVerified,
    IdentityAlreadyBound,
    IdentityMismatch,
    RegisterUnavailable,
    TooManyVerifications,
)
from app.identity.events import CitizenVerified
from app.identity.models import Citizen, Verification
from app.identity.service.deps import IdentityDeps
from app.identity.service.resident_id import canonical_resident_id
from app.identity.service.vault import vault_of
from app.identity.values import RegisterAnswer, VerificationStatus

PER_DAY = 5
_DAY = timedelta(days=1)
# Keyboards write the dot in names like 阿依古丽·买买提 in several ways; the register in one.
_DOTS = str.maketrans(dict.fromkeys("•・‧∙⋅．", "·"))


def verify_citizen(
    uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID, name: str, number: str
) -> Verification:
    """Raise a citizen to `verified` when the register confirms name and number.

    Each attempt is a record, and five a day may be made. Raise `ResidentIdInvalid`,
    `AlreadyVerified`, `TooManyVerifications`, `IdentityMismatch`, `IdentityAlreadyBound`, or
    `RegisterUnavailable` (the attempt does not count).
    """
    number = canonical_resident_id(number)
    name = name.strip().translate(_DOTS)
    with uow.phase():
        attempt = _ask(uow, citizen_id)
    answer = _answer_of_register(uow, deps, attempt, name, number)
    with uow.phase():  # a refusal is kept although the answer undoes the rest
        refusal = _decide(uow, deps, attempt, name, number, answer)
    if refusal is not None:
        raise refusal
    return attempt


def _ask(uow: UnitOfWork, citizen_id: UUID) -> Verification:
    citizen = _locked(uow, citizen_id)
    if citizen.assurance != "basic":
        raise AlreadyVerified
    count, first = uow.execute(
        select(func.count(), func.min(Verification.asked_at)).where(
            Verification.citizen_id == citizen_id,
            Verification.status != VerificationStatus.UNANSWERED,
            Verification.asked_at > now() - _DAY,
        )
    ).one()
    if count >= PER_DAY:
        seconds = int((first + _DAY - now()).total_seconds()) + 1
        raise TooManyVerifications(retry_after=max(1, seconds))
    attempt = Verification(
        citizen_id=citizen_id, source="register", status=VerificationStatus.ASKED
    )
    uow.open_record(attempt, cause="citizen")
    return attempt


def _answer_of_register(
    uow: UnitOfWork, deps: IdentityDeps, attempt: Verification, name: str, number: str
) -> RegisterAnswer:
    try:
        return deps.register.check(name, number)
    except RegisterUnavailable:
        with uow.phase():
            _close(uow, attempt, VerificationStatus.UNANSWERED, "register-unavailable")
        raise


def _decide(
    uow: UnitOfWork,
    deps: IdentityDeps,
    attempt: Verification,
    name: str,
    number: str,
    answer: RegisterAnswer,
) -> DomainError | None:
    """Apply the register's answer under the citizen's lock; return the refusal, if it is one."""
    citizen = _locked(uow, attempt.citizen_id)
    refusal: DomainError | None = None
    if answer is not RegisterAnswer.MATCH:
        refusal = IdentityMismatch()
    elif citizen.assurance != "basic":
        refusal = AlreadyVerified()
    elif not _bind(uow, deps, citizen.id, name, number):
        refusal = IdentityAlreadyBound()
    if refusal is not None:
        _close(uow, attempt, VerificationStatus.REFUSED, refusal.code)
        return refusal
    fact = CitizenVerified(citizen_id=citizen.id, verification_id=attempt.id)
    _close(uow, attempt, VerificationStatus.VERIFIED, "register-match", fact)
    return None


def _bind(uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID, name: str, number: str) -> bool:
    """Write the proven identity; False when another account holds it, also in a race."""
    vault = vault_of(uow, deps.keyring, citizen_id)
    try:
        with uow.begin_nested():
            uow.execute(
                update(Citizen)
                .where(Citizen.id == citizen_id)
                .values(
                    name_sealed=vault.seal(name, "citizens", "name", citizen_id),
                    resident_id_sealed=vault.seal(number, "citizens", "resident_id", citizen_id),
                    resident_id_index=deps.keyring.index("resident_id", number),
                    assurance="verified",
                    verified_at=now(),
                )
            )
    except IntegrityError:
        return False
    return True


def _locked(uow: UnitOfWork, citizen_id: UUID) -> Citizen:
    return uow.scalars(
        select(Citizen)
        .where(Citizen.id == citizen_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _close(
    uow: UnitOfWork,
    attempt: Verification,
    status: VerificationStatus,
    cause: str,
    fact: CitizenVerified | None = None,
) -> None:
    attempt.decided_at = now()
    uow.move(attempt, status, cause=cause, fact=fact)
