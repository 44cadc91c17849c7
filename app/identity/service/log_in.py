"""Logging in: with a code (the first time makes the citizen), a password, a passkey."""

from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from app.core.blind_indexes import take_index
from app.core.clock import now
from app.core.errors import DomainError
from app.core.ids import new_id
from app.core.passkeys import PasskeyRefused
from app.core.unit_of_work import UnitOfWork
from app.credentials import service as credentials
from app.credentials.values import Ceremony, Owner, OwnerKind, PasswordCheck
from app.identity.errors import AccountLocked, CredentialsWrong, SecondFactorNeeded
from app.identity.events import LoggedIn, LoginRefused
from app.identity.models import AuthSession, Challenge, Citizen
from app.identity.service.challenges import try_code, use_challenge
from app.identity.service.citizens import id_by_phone
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import level_now, record_evidence, restart_evidence
from app.identity.service.phone import canonical_phone
from app.identity.service.refresh import issue_tokens
from app.identity.service.sessions import is_dormant, make_room
from app.identity.service.vault import make_vault, vault_of
from app.identity.values import (
    AnyLogIn,
    CitizenStatus,
    Device,
    EvidenceKind,
    LogIn,
    PasskeyLogIn,
    PasswordLogIn,
    Purpose,
    SessionStatus,
    SignedIn,
)
from app.notifications import service as notifications

_TWO = "mfa"
_AMR = {
    "code": ("otp", "sms"),
    "password": ("pwd",),
    "code+password": ("pwd", "otp", "sms", _TWO),
    "passkey": ("pop", "user", _TWO),
}
"""By which means a session begins, in the words of RFC 8176."""


@dataclass(frozen=True, slots=True)
class _Proven:
    """Who has proven themselves, locked, and by which means."""

    citizen: Citizen
    means: str
    is_new: bool = False


def start_session(uow: UnitOfWork, deps: IdentityDeps, login: AnyLogIn, address: str) -> SignedIn:
    """Begin a session on a device for whoever proves who they are.

    With a code (which makes the citizen when the number is new), with a code and a password, with a
    password that may stand alone, or with a passkey. Tells the citizen when the device is new; the
    oldest of eleven sessions ends. After ninety days without use, a code alone proves nothing but
    the number. Raise `CodeWrong`, `TooManyTries`, `CredentialsWrong`,
    `SecondFactorNeeded`, `TooManyGuesses`, `MeansBlocked`, `PasskeyRefused` or `AccountLocked`;
    not idempotent.
    """
    proven = _prove(uow, deps, login, address)
    citizen = proven.citizen
    if citizen.status != CitizenStatus.ACTIVE:
        _refuse(uow, proven.means, AccountLocked(), citizen.id)
    if isinstance(login, LogIn) and login.password is None and not proven.is_new:
        _wake(uow, citizen, login)
    make_room(uow, citizen.id, deps.sessions.most)
    device = _device_digest(deps, citizen.id, login.device)
    is_known = uow.scalar(
        select(
            exists().where(
                AuthSession.citizen_id == citizen.id, AuthSession.device_digest == device
            )
        )
    )
    session = _open_session(uow, deps, citizen.id, login.device, device, proven.means)
    uow.record(LoggedIn(subject=citizen.id, session_id=session.id, means=proven.means))
    if not proven.is_new and not is_known:
        notifications.tell(
            uow,
            citizen.id,
            "new-device",
            str(session.id),
            {"at": session.created_at, "platform": login.device.platform},
        )
    return issue_tokens(uow, deps, session, level_now(uow, citizen), parent_id=None)


def _wake(uow: UnitOfWork, citizen: Citizen, login: LogIn) -> None:
    if is_dormant(uow, citizen.id):
        restart_evidence(uow, citizen, login.challenge_id)


def _prove(uow: UnitOfWork, deps: IdentityDeps, login: AnyLogIn, address: str) -> _Proven:
    if isinstance(login, PasswordLogIn):
        return _by_password(uow, deps, login)
    if isinstance(login, PasskeyLogIn):
        return _by_passkey(uow, deps, login)
    return _by_code(uow, deps, login, address)


def _by_code(uow: UnitOfWork, deps: IdentityDeps, login: LogIn, address: str) -> _Proven:
    challenge = try_code(uow, deps, login.challenge_id, login.code, Purpose.LOGIN, address)
    if login.password is None:
        phone = use_challenge(uow, deps, challenge)
        citizen, is_new = _citizen_with(uow, deps, phone, challenge)
        return _Proven(citizen, "code", is_new=is_new)
    check_password_of(uow, deps, challenge.phone_index, login.password, "code+password")
    use_challenge(uow, deps, challenge)
    return _Proven(_found(uow, challenge.phone_index), "code+password")


def _by_password(uow: UnitOfWork, deps: IdentityDeps, login: PasswordLogIn) -> _Proven:
    with uow.phase():
        index = take_index(uow, deps.keyring, "phone", canonical_phone(login.phone))
    found = check_password_of(uow, deps, index, login.password, "password")
    citizen = _found(uow, index)
    if not found.may_stand_alone:
        _refuse(uow, "password", SecondFactorNeeded(), citizen.id)
    return _Proven(citizen, "password")


def check_password_of(
    uow: UnitOfWork, deps: IdentityDeps, phone_index: bytes, password: str, means: str
) -> PasswordCheck:
    """Return what is told of a number's password when it is right, or raise `CredentialsWrong`.

    A number that nobody has is counted, worked on and refused like any other.
    """
    with uow.phase():
        citizen_id = uow.scalar(id_by_phone(phone_index))
    owner = Owner.citizen(citizen_id) if citizen_id else None
    found = credentials.check_password(
        uow, deps.credentials, owner, password, claimed=phone_index.hex()
    )
    if not found.is_right:
        _refuse(uow, means, CredentialsWrong(), citizen_id)
    return found


def _by_passkey(uow: UnitOfWork, deps: IdentityDeps, login: PasskeyLogIn) -> _Proven:
    proof = credentials.finish_passkey_assertion(
        uow, deps.credentials, Ceremony.LOGIN, login.passkey
    )
    citizen = None
    if proof.owner.kind is OwnerKind.CITIZEN:
        whose = (Citizen.id == proof.owner.id, Citizen.status != CitizenStatus.CLOSED)
        citizen = uow.scalar(select(Citizen).where(*whose).with_for_update())
    if citizen is None:
        _refuse(uow, "passkey", PasskeyRefused(), None)
    return _Proven(citizen, "passkey")


def _found(uow: UnitOfWork, phone_index: bytes) -> Citizen:
    """Return the citizen of a number, locked; it may have gone to another since it was asked."""
    citizen = _find(uow, phone_index)
    if citizen is None:
        raise CredentialsWrong
    return citizen


def _refuse(uow: UnitOfWork, means: str, refusal: DomainError, subject: UUID | None) -> NoReturn:
    uow.record(LoginRefused(subject=subject, result="refused", means=means, reason=refusal.code))
    raise refusal


def _citizen_with(
    uow: UnitOfWork, deps: IdentityDeps, phone: str, challenge: Challenge
) -> tuple[Citizen, bool]:
    """Return the citizen of a number, locked, and whether this call has made them."""
    citizen = _find(uow, challenge.phone_index)
    if citizen is not None:
        return citizen, False
    try:
        with uow.begin_nested():
            return _make(uow, deps, phone, challenge), True
    except IntegrityError:
        # Another log-in with the same number was first and has committed.
        citizen = _find(uow, challenge.phone_index)
        if citizen is None:
            raise
        return citizen, False


def _find(uow: UnitOfWork, index: bytes) -> Citizen | None:
    return uow.scalar(
        select(Citizen)
        .where(Citizen.phone_index == index, Citizen.status != CitizenStatus.CLOSED)
        .with_for_update()
    )


def _make(uow: UnitOfWork, deps: IdentityDeps, phone: str, challenge: Challenge) -> Citizen:
    citizen_id = new_id()
    vault = make_vault(uow, deps.keyring, citizen_id)
    citizen = Citizen(
        id=citizen_id,
        status=CitizenStatus.ACTIVE,
        phone_sealed=vault.seal(phone, "citizens", "phone", citizen_id),
        phone_index=challenge.phone_index,
        assurance="basic",
    )
    uow.open_record(citizen, cause="first-log-in")
    uow.flush()
    record_evidence(uow, citizen, EvidenceKind.PHONE_CODE, "code", reference=challenge.id)
    return citizen


def _open_session(
    uow: UnitOfWork,
    deps: IdentityDeps,
    citizen_id: UUID,
    device: Device,
    device_digest: bytes,
    means: str,
) -> AuthSession:
    moment = now()
    session_id = new_id()
    vault = vault_of(uow, deps.keyring, citizen_id)
    session = AuthSession(
        id=session_id,
        status=SessionStatus.ACTIVE,
        citizen_id=citizen_id,
        device_name_sealed=vault.seal(device.name, "sessions", "device_name", session_id),
        device_digest=device_digest,
        platform=device.platform,
        amr=list(_AMR[means]),
        # Two factors are as good as the proof that a step-up asks for.
        stepped_up_at=moment if _TWO in _AMR[means] else None,
        created_at=moment,
        last_seen_at=moment,
        idle_until=moment + deps.sessions.idle,
        absolute_until=moment + deps.sessions.absolute,
    )
    uow.open_record(session, cause=means)
    return session


def _device_digest(deps: IdentityDeps, citizen_id: UUID, device: Device) -> bytes:
    """Return what tells two devices of one citizen apart; no two citizens' can be joined."""
    name = f"{device.platform}|{device.name}"
    return deps.keyring.code_digest(f"device|{citizen_id}", name)
