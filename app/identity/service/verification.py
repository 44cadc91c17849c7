"""Proving who one is to the register: name and number first, then what else belongs to one."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.core.blind_indexes import take_index
from app.core.clock import now
from app.core.errors import AssuranceTooLow, DomainError
from app.core.events import Event
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import (
    AlreadyVerified,
    IdentityAlreadyBound,
    IdentityDiffers,
    IdentityMismatch,
    NumberMissing,
    ProofMismatch,
    RegisterUnavailable,
    TooManyVerifications,
)
from app.identity.events import CitizenVerified, ProofTried
from app.identity.models import Citizen, Verification
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import level_now, lock_citizen, record_evidence
from app.identity.service.resident_id import canonical_resident_id
from app.identity.service.vault import vault_of
from app.identity.values import EvidenceKind, Holding, RegisterAnswer, VerificationStatus

T = TypeVar("T")
PER_DAY = 5
_DAY = timedelta(days=1)
# Keyboards write the dot in names like 阿依古丽·买买提 in several ways; the register in one.
_DOTS = str.maketrans(dict.fromkeys("•・‧∙⋅．", "·"))


def verify_citizen(
    uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID, name: str, number: str
) -> Verification:
    """Prove a citizen's name and number by the register, and with it the level `verified`.

    Each attempt is a record, and five a day may be made. Who was verified before and is no longer
    may prove the same number again. Raise `ResidentIdInvalid`, `DocumentNotSupported`,
    `AlreadyVerified`, `TooManyVerifications`, `IdentityMismatch`, `IdentityAlreadyBound`,
    `IdentityDiffers`, or `RegisterUnavailable` (the attempt does not count).
    """
    number = canonical_resident_id(number)
    name = canonical_name(name)
    with uow.phase():
        citizen = lock_citizen(uow, citizen_id)
        if level_now(uow, citizen) != "basic":
            raise AlreadyVerified
        attempt = open_attempt(uow, citizen, EvidenceKind.REGISTER_MATCH)
    answer = ask_register(uow, attempt, lambda: deps.register.check(name, number))
    with uow.phase():  # a refusal is kept although the answer undoes the rest
        refusal = _decide(uow, deps, attempt, name, number, answer)
    if refusal is not None:
        raise refusal
    return attempt


def prove_holding(
    uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID, holding: Holding, number: str | None
) -> Verification:
    """Prove that a card, account, licence or the account's own phone is the citizen's.

    The number is asked about and not kept. Raise `AssuranceTooLow` for somebody who has no proven
    name, `NumberMissing`, `TooManyVerifications`, `ProofMismatch` or `RegisterUnavailable`.
    """
    kind = holding.evidence
    with uow.phase():
        citizen = lock_citizen(uow, citizen_id)
        name, resident_id, phone = identity_of(uow, deps, citizen)
        number = phone if holding is Holding.PHONE else number
        if number is None:
            raise NumberMissing(errors=[{"pointer": "/number", "message": "Missing."}])
        attempt = open_attempt(uow, citizen, kind)
    asked = number
    answer = ask_register(
        uow, attempt, lambda: deps.register.check_holding(name, resident_id, holding, asked)
    )
    with uow.phase():
        citizen = lock_citizen(uow, citizen_id)
        # The phone may have been changed meanwhile: then the answer is about another number.
        is_same = identity_of(uow, deps, citizen) == (name, resident_id, phone)
        refusal = None
        if answer is RegisterAnswer.MATCH and is_same:
            close_attempt(uow, attempt, VerificationStatus.VERIFIED, kind)
            record_evidence(uow, citizen, kind, attempt.source, reference=attempt.id)
        else:
            refusal = ProofMismatch()
            close_attempt(uow, attempt, VerificationStatus.REFUSED, refusal.code)
    if refusal is not None:
        raise refusal
    return attempt


def canonical_name(name: str) -> str:
    """Return a name as the register writes it."""
    return name.strip().translate(_DOTS)


def identity_of(uow: UnitOfWork, deps: IdentityDeps, citizen: Citizen) -> tuple[str, str, str]:
    """Return the proven name and number of a citizen and their phone, or refuse (`verified`)."""
    if citizen.name_sealed is None or citizen.resident_id_sealed is None:
        raise AssuranceTooLow(needed="verified")
    vault = vault_of(uow, deps.keyring, citizen.id)
    return (
        vault.open(citizen.name_sealed, "citizens", "name", citizen.id),
        vault.open(citizen.resident_id_sealed, "citizens", "resident_id", citizen.id),
        vault.open(citizen.phone_sealed, "citizens", "phone", citizen.id),
    )


def open_attempt(
    uow: UnitOfWork, citizen: Citizen, kind: EvidenceKind, *, source: str = "register"
) -> Verification:
    """Begin a record of an attempt of a locked citizen, or raise `TooManyVerifications`."""
    count, first = uow.execute(
        select(func.count(), func.min(Verification.asked_at)).where(
            Verification.citizen_id == citizen.id,
            Verification.kind == kind,
            Verification.status != VerificationStatus.UNANSWERED,
            Verification.asked_at > now() - _DAY,
        )
    ).one()
    if count >= PER_DAY:
        seconds = int((first + _DAY - now()).total_seconds()) + 1
        raise TooManyVerifications(retry_after=max(1, seconds))
    attempt = Verification(
        citizen_id=citizen.id, kind=kind, source=source, status=VerificationStatus.ASKED
    )
    uow.open_record(attempt, cause=source if source != "register" else "citizen")
    return attempt


def ask_register(uow: UnitOfWork, attempt: Verification, ask: Callable[[], T]) -> T:
    """Return what the register says; when it is silent the attempt does not count."""
    try:
        return ask()
    except RegisterUnavailable:
        with uow.phase():
            close_attempt(uow, attempt, VerificationStatus.UNANSWERED, "register-unavailable")
        raise


def close_attempt(
    uow: UnitOfWork,
    attempt: Verification,
    status: VerificationStatus,
    cause: str,
    fact: Event | None = None,
) -> None:
    """Write down what came of an attempt, also for the trail."""
    attempt.decided_at = now()
    uow.move(attempt, status, cause=cause, fact=fact)
    is_good = status is VerificationStatus.VERIFIED
    uow.record(
        ProofTried(
            subject=attempt.citizen_id,
            result="done" if is_good else "refused",
            kind=attempt.kind,
            verification_id=attempt.id,
            reason=None if is_good else cause,
        )
    )


def _decide(
    uow: UnitOfWork,
    deps: IdentityDeps,
    attempt: Verification,
    name: str,
    number: str,
    answer: RegisterAnswer,
) -> DomainError | None:
    """Apply the register's answer under the citizen's lock; return the refusal, if it is one."""
    citizen = lock_citizen(uow, attempt.citizen_id)
    refusal: DomainError | None = None
    if answer is not RegisterAnswer.MATCH:
        refusal = IdentityMismatch()
    elif level_now(uow, citizen) != "basic":
        refusal = AlreadyVerified()
    else:
        refusal = _bind(uow, deps, citizen, name, number)
    if refusal is not None:
        close_attempt(uow, attempt, VerificationStatus.REFUSED, refusal.code)
        return refusal
    fact = CitizenVerified(citizen_id=citizen.id, verification_id=attempt.id)
    close_attempt(uow, attempt, VerificationStatus.VERIFIED, "register-match", fact)
    record_evidence(uow, citizen, EvidenceKind.REGISTER_MATCH, attempt.source, reference=attempt.id)
    return None


def _bind(
    uow: UnitOfWork, deps: IdentityDeps, citizen: Citizen, name: str, number: str
) -> DomainError | None:
    """Write the proven identity; refuse one that another account holds, also in a race."""
    index = take_index(uow, deps.keyring, "resident_id", number)
    if citizen.resident_id_index not in {None, index}:
        return IdentityDiffers()
    vault = vault_of(uow, deps.keyring, citizen.id)
    try:
        with uow.begin_nested():
            uow.execute(
                update(Citizen)
                .where(Citizen.id == citizen.id)
                .values(
                    name_sealed=vault.seal(name, "citizens", "name", citizen.id),
                    resident_id_sealed=vault.seal(number, "citizens", "resident_id", citizen.id),
                    resident_id_index=index,
                    verified_at=now(),
                )
            )
    except IntegrityError:
        return IdentityAlreadyBound()
    return None
