"""Logging in: the password first, the second factor always, and one open session."""

from collections.abc import Mapping
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_id, new_secret
from app.core.passkeys import PasskeyRefused
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.credentials import service as credentials
from app.credentials.values import Ceremony, Owner, PreparedPassword
from app.credentials.values import Policy as PasswordPolicy
from app.staff.errors import (
    LogInFailed,
    PasswordStillGood,
    PasswordTooOld,
    SecondFactorWrong,
    StaffSessionNotFound,
)
from app.staff.events import StaffLoggedIn, StaffLogInFailed, StaffSteppedUp
from app.staff.models import Staff, StaffSession
from app.staff.service.deps import StaffDeps
from app.staff.service.members import locked_member
from app.staff.service.sessions import end_sessions_of, issue_tokens
from app.staff.values import (
    Begun,
    Factor,
    Proof,
    StaffSessionStatus,
    StaffSignedIn,
    StaffStatus,
    StepUpAsked,
)


def begin_session(uow: UnitOfWork, deps: StaffDeps, login: str, password: str) -> Begun:
    """Check name and password, and return what the second factor has to answer.

    A name that nobody has, one whose account is not open, and a wrong password are the same
    refusal, counted alike. Raise `LogInFailed`, or what credentials refuses too many tries with.
    """
    staff = uow.scalar(
        select(Staff).where(Staff.login == login, Staff.status == StaffStatus.ACTIVE)
    )
    owner = None if staff is None else Owner.staff(staff.id)
    checked = credentials.check_password(uow, deps.credentials, owner, password, claimed=login)
    if staff is None or owner is None or not checked.is_right:
        _refuse(uow, "password", None if staff is None else staff.id)
    ticket, moment, session_id = new_secret(), now(), new_id()
    session = StaffSession(
        id=session_id,
        staff_id=staff.id,
        means="password",
        status=StaffSessionStatus.WAITING,
        password_expired=checked.is_expired,
        secret_digest=digest(ticket),
        created_at=moment,
        last_seen_at=moment,
        idle_until=moment + deps.policy.second_factor_within,
        expires_at=moment + deps.policy.absolute,
    )
    uow.open_record(session, cause="password")
    uow.flush()
    return Begun(
        id=session_id,
        ticket=ticket,
        factors=_factors_of(uow, owner),
        passkey=_ask_passkey(uow, deps, owner, Ceremony.LOGIN, session_id),
        password_expired=checked.is_expired,
        expires_at=session.idle_until,
    )


def finish_session(
    uow: UnitOfWork,
    deps: StaffDeps,
    session_id: UUID,
    ticket: str,
    proof: Proof,
    new_password: str | None,
) -> StaffSignedIn:
    """Open a session with the second factor; every other session of the person ends.

    A password of ninety days has to be replaced by `new_password` in the same call. Raise
    `LogInFailed`, `PasswordTooOld`, `PasswordStillGood`, or what a new password is refused with.
    """
    session = _waiting(uow, session_id, ticket)
    if session.password_expired and new_password is None:
        raise PasswordTooOld
    if new_password is not None and not session.password_expired:
        raise PasswordStillGood
    owner = Owner.staff(session.staff_id)
    prepared = None if new_password is None else _prepare(uow, deps, owner, new_password)
    factor = _prove(uow, deps, owner, proof, Ceremony.LOGIN, session.id)
    if factor is None:
        _refuse(uow, "second-factor", session.staff_id)
    # What came before has committed: the rows are held from here to the end, the person's first.
    staff = locked_member(uow, session.staff_id)
    session = _waiting(uow, session_id, ticket)
    if staff.status != StaffStatus.ACTIVE:
        _refuse(uow, "account", staff.id)
    if prepared is not None:
        credentials.put_password(uow, deps.credentials, owner, prepared)
    session.second_factor = factor
    end_sessions_of(uow, staff.id, "another-log-in", but=session.id)
    uow.move(session, StaffSessionStatus.ACTIVE, cause=factor)
    uow.record(StaffLoggedIn(staff_id=staff.id, session_id=session.id, factor=factor))
    return issue_tokens(uow, deps, session)


def ask_step_up(uow: UnitOfWork, deps: StaffDeps, who: Principal) -> StepUpAsked:
    """Return which factors the caller has, and what a passkey would have to answer."""
    owner = Owner.staff(who.id)
    passkey = _ask_passkey(uow, deps, owner, Ceremony.STEP_UP, who.session_id)
    return StepUpAsked(_factors_of(uow, owner), passkey)


def step_up(uow: UnitOfWork, deps: StaffDeps, who: Principal, proof: Proof) -> None:
    """Prove the second factor again: for five minutes the session may do what needs it.

    Raise `SecondFactorWrong`, or what credentials refuses too many tries with.
    """
    if _prove(uow, deps, Owner.staff(who.id), proof, Ceremony.STEP_UP, who.session_id) is None:
        uow.record(StaffLogInFailed(result="refused", step="step-up", staff_id=who.id))
        raise SecondFactorWrong
    session = uow.scalar(
        select(StaffSession)
        .where(
            StaffSession.id == who.session_id,
            StaffSession.status == StaffSessionStatus.ACTIVE,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if session is None:
        raise StaffSessionNotFound
    session.stepped_up_at = now()
    uow.record(StaffSteppedUp(staff_id=who.id))


def change_password(uow: UnitOfWork, deps: StaffDeps, who: Principal, password: str) -> None:
    """Give the caller, who has just stepped up, another password; other sessions end.

    Raise what the password is refused with.
    """
    owner = Owner.staff(who.id)
    prepared = _prepare(uow, deps, owner, password)
    locked_member(uow, who.id)
    credentials.put_password(uow, deps.credentials, owner, prepared)
    end_sessions_of(uow, who.id, "password-changed", but=who.session_id)


def _prepare(uow: UnitOfWork, deps: StaffDeps, owner: Owner, password: str) -> PreparedPassword:
    staff = uow.get_one(Staff, owner.id)
    return credentials.prepare_password(
        uow,
        deps.credentials,
        owner,
        password,
        PasswordPolicy.OPERATOR,
        context=(staff.login or "", staff.label),
    )


def _waiting(uow: UnitOfWork, session_id: UUID, ticket: str) -> StaffSession:
    """Return the session that waits for its second factor, locked, or raise `LogInFailed`."""
    session = uow.scalar(
        select(StaffSession)
        .where(
            StaffSession.id == session_id,
            StaffSession.secret_digest == digest(ticket),
            StaffSession.status == StaffSessionStatus.WAITING,
            StaffSession.idle_until > now(),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if session is None:
        _refuse(uow, "ticket", None)
    return session


def _refuse(uow: UnitOfWork, step: str, staff_id: UUID | None) -> NoReturn:
    uow.record(StaffLogInFailed(result="refused", step=step, staff_id=staff_id))
    raise LogInFailed


def _factors_of(uow: UnitOfWork, owner: Owner) -> tuple[str, ...]:
    found = credentials.factors_of(uow, owner)
    return tuple(
        factor
        for factor, is_there in ((Factor.TOTP, found.totp), (Factor.PASSKEY, found.passkeys > 0))
        if is_there
    )


def _ask_passkey(
    uow: UnitOfWork, deps: StaffDeps, owner: Owner, purpose: Ceremony, session_id: UUID
) -> Mapping[str, Any] | None:
    if credentials.factors_of(uow, owner).passkeys == 0:
        return None
    asked = credentials.begin_passkey_assertion(
        uow, deps.credentials, purpose, owner=owner, session_id=session_id
    )
    return asked.public_key


def _prove(
    uow: UnitOfWork,
    deps: StaffDeps,
    owner: Owner,
    proof: Proof,
    purpose: Ceremony,
    session_id: UUID,
) -> Factor | None:
    """Return the factor that was proven; None when it was not. What is open is committed."""
    if proof.passkey is not None:
        try:
            answered = credentials.finish_passkey_assertion(
                uow, deps.credentials, purpose, proof.passkey, session_id=session_id
            )
        except PasskeyRefused:
            return None
        return Factor.PASSKEY if answered.owner == owner else None
    is_right = credentials.check_totp(uow, deps.credentials, owner, proof.totp_code or "")
    return Factor.TOTP if is_right else None
