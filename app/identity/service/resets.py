"""Resetting a password: a code and one more proof, so that a stolen phone is not enough.

The second proof is a recovery code, a passkey, or the name and number that the account was verified
with, asked of the register as on the first day. Whatever does not hold is the same refusal, and a
number that nobody has is worked on and refused like any other.
"""

import hmac
from typing import NoReturn
from uuid import UUID

from app.core.blind_indexes import find_index
from app.core.clock import now
from app.core.ids import new_id
from app.core.passkeys import PasskeyRefused
from app.core.unit_of_work import UnitOfWork
from app.credentials import service as credentials
from app.credentials.values import Ceremony, Owner, Policy
from app.identity.errors import ResetRefused
from app.identity.events import PasswordReset
from app.identity.models import Citizen
from app.identity.service.challenges import try_code, use_challenge
from app.identity.service.citizens import id_by_phone
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import lock_citizen
from app.identity.service.factors import words_of
from app.identity.service.resident_id import canonical_resident_id
from app.identity.service.sessions import end_every_session
from app.identity.service.verification import canonical_name
from app.identity.values import CitizenStatus, Purpose, RegisterAnswer, Reset
from app.notifications import service as notifications


def reset_password(uow: UnitOfWork, deps: IdentityDeps, reset: Reset, address: str) -> None:
    """Replace the password of whoever holds a number and gives one more proof.

    Every session ends, and the citizen is told. Done whole or not at all: a recovery code is used
    up with the new password only. Raise `CodeWrong`, `PasswordTooWeak`, `ResetRefused`,
    `TooManyGuesses`, `MeansBlocked`, `PasswordsBusy` or `RegisterUnavailable`.
    """
    challenge = try_code(uow, deps, reset.challenge_id, reset.code, Purpose.RESET, address)
    with uow.phase():
        citizen_id = uow.scalar(id_by_phone(challenge.phone_index))
        words = words_of(uow, deps, citizen_id)
    owner = Owner.citizen(citizen_id) if citizen_id else None
    prepared = credentials.prepare_password(
        uow, deps.credentials, owner, reset.password, Policy.CITIZEN, context=words
    )
    proof = _check_proof(uow, deps, reset, owner, challenge.phone_index.hex())
    if owner is None:
        _refuse(uow, proof, None)
    use_challenge(uow, deps, challenge)
    citizen = lock_citizen(uow, owner.id)
    is_still_theirs = hmac.compare_digest(citizen.phone_index, challenge.phone_index)
    if citizen.status != CitizenStatus.ACTIVE or not is_still_theirs:
        _refuse(uow, proof, owner.id)
    credentials.put_password(uow, deps.credentials, owner, prepared)
    end_every_session(uow, owner.id, "password-reset")
    notifications.tell(uow, owner.id, "password-reset", str(new_id()), {"at": now()})
    uow.record(PasswordReset(subject=owner.id, proof=proof))


def _check_proof(
    uow: UnitOfWork, deps: IdentityDeps, reset: Reset, owner: Owner | None, claimed: str
) -> str:
    """Return which proof holds, or raise `ResetRefused`; nothing but a recovery code is written."""
    subject = owner.id if owner else None
    if reset.recovery_code is not None:
        if not credentials.use_recovery_code(
            uow, deps.credentials, owner, reset.recovery_code, claimed=claimed
        ):
            _refuse(uow, "recovery-code", subject)
        return "recovery-code"
    if reset.passkey is not None:
        try:
            proof = credentials.finish_passkey_assertion(
                uow, deps.credentials, Ceremony.RESET, reset.passkey
            )
        except PasskeyRefused:
            _refuse(uow, "passkey", subject)
        if proof.owner != owner:
            _refuse(uow, "passkey", subject)
        return "passkey"
    _check_register(uow, deps, reset, subject)
    return "register"


def _check_register(
    uow: UnitOfWork, deps: IdentityDeps, reset: Reset, citizen_id: UUID | None
) -> None:
    number = canonical_resident_id(reset.resident_id or "")
    with uow.phase():
        citizen = uow.get(Citizen, citizen_id) if citizen_id else None
        bound = citizen.resident_id_index if citizen else None
        given = find_index(uow, deps.keyring, "resident_id", number)
    # The register is asked in any case: it takes the same time for everybody.
    answer = deps.register.check(canonical_name(reset.name or ""), number)
    is_theirs = hmac.compare_digest(given, bound or bytes(len(given)))
    if answer is not RegisterAnswer.MATCH or not is_theirs:
        _refuse(uow, "register", citizen_id)


def _refuse(uow: UnitOfWork, proof: str, subject: UUID | None) -> NoReturn:
    uow.record(PasswordReset(subject=subject, result="refused", proof=proof))
    raise ResetRefused
