"""Logging in with a code: the first time makes the citizen."""

from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import AccountLocked
from app.identity.models import AuthSession, Challenge, Citizen
from app.identity.service.challenges import try_code, use_challenge
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import level_now, record_evidence
from app.identity.service.refresh import issue_tokens
from app.identity.service.sessions import ABSOLUTE, IDLE, make_room
from app.identity.service.vault import make_vault, vault_of
from app.identity.values import CitizenStatus, EvidenceKind, LogIn, SessionStatus, SignedIn
from app.notifications import service as notifications


def start_session(uow: UnitOfWork, deps: IdentityDeps, login: LogIn, address: str) -> SignedIn:
    """Begin a session on a device for whoever holds the number of a challenge.

    Makes the citizen when the number is new; tells them when the device is. The oldest of eleven
    sessions ends. Raise `CodeWrong`, `TooManyTries` or `AccountLocked`; not idempotent.
    """
    challenge = try_code(uow, deps, login, address)
    phone = use_challenge(uow, deps, challenge)
    citizen, is_new = _citizen_with(uow, deps, phone, challenge)
    if citizen.status != CitizenStatus.ACTIVE:
        raise AccountLocked
    make_room(uow, citizen.id)
    device = _device_digest(deps, citizen.id, login)
    is_known = uow.scalar(
        select(
            exists().where(
                AuthSession.citizen_id == citizen.id, AuthSession.device_digest == device
            )
        )
    )
    session = _open_session(uow, deps, citizen.id, login, device)
    if not is_new and not is_known:
        notifications.tell(
            uow,
            citizen.id,
            "new-device",
            str(session.id),
            {"at": session.created_at, "platform": login.device.platform},
        )
    return issue_tokens(uow, deps, session, level_now(uow, citizen), parent_id=None)


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
    uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID, login: LogIn, device: bytes
) -> AuthSession:
    moment = now()
    session_id = new_id()
    vault = vault_of(uow, deps.keyring, citizen_id)
    session = AuthSession(
        id=session_id,
        status=SessionStatus.ACTIVE,
        citizen_id=citizen_id,
        device_name_sealed=vault.seal(login.device.name, "sessions", "device_name", session_id),
        device_digest=device,
        platform=login.device.platform,
        amr=["otp", "sms"],
        created_at=moment,
        last_seen_at=moment,
        idle_until=moment + IDLE,
        absolute_until=moment + ABSOLUTE,
    )
    uow.open_record(session, cause="code")
    return session


def _device_digest(deps: IdentityDeps, citizen_id: UUID, login: LogIn) -> bytes:
    """Return what tells two devices of one citizen apart; no two citizens' can be joined."""
    device = f"{login.device.platform}|{login.device.name}"
    return deps.keyring.code_digest(f"device|{citizen_id}", device)
