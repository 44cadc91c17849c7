"""Proving oneself again within a session (RFC 9470): a passkey, or the password and a code.

Who is refused with `step-up-required` begins here, finishes here, and repeats the refused call as
it was: it had no effect, and its idempotency key is free. A phone alone is never enough: whoever
holds it has begun the session with it.
"""

from datetime import timedelta
from typing import NoReturn
from uuid import UUID

from sqlalchemy import Select, select, update

from app.core.clock import now
from app.core.errors import STEP_UP_SECONDS
from app.core.ids import new_id
from app.core.passkeys import PasskeyRefused
from app.core.tokens import Principal, TokenInvalid
from app.core.unit_of_work import UnitOfWork
from app.credentials import service as credentials
from app.credentials.values import Ceremony, Owner
from app.identity.errors import CodeWrong, StepUpImpossible, StepUpNotFound, StepUpRefused
from app.identity.events import SessionSteppedUp
from app.identity.models import AuthSession, Citizen, StepUp
from app.identity.service.challenges import open_challenge, try_code, use_challenge
from app.identity.service.deps import IdentityDeps
from app.identity.service.sessions import is_live
from app.identity.service.vault import vault_of
from app.identity.values import Purpose, SteppedUp, StepUpBegun, StepUpMeans, StepUpProof

LIFETIME = timedelta(minutes=5)


def begin_step_up(
    uow: UnitOfWork, deps: IdentityDeps, who: Principal, wanted: StepUpMeans | None, address: str
) -> StepUpBegun:
    """Ask the caller's session for a proof of what its citizen has: a passkey rather than the rest.

    For a password a code is sent, too. Raise `StepUpImpossible` when there is neither (or not the
    wanted one), or `TooManyCodes`.
    """
    factors = credentials.factors_of(uow, Owner.citizen(who.id))
    held = [StepUpMeans.PASSKEY] if factors.passkeys else []
    held += [StepUpMeans.PASSWORD] if factors.password else []
    if not held or wanted not in {None, *held}:
        raise StepUpImpossible(means=held)
    means = wanted or held[0]
    moment = now()
    begun = StepUp(
        id=new_id(),
        session_id=who.session_id,
        means=means,
        created_at=moment,
        expires_at=moment + LIFETIME,
    )
    public_key, resend_at = None, None
    if means is StepUpMeans.PASSKEY:
        asked = credentials.begin_passkey_assertion(
            uow,
            deps.credentials,
            Ceremony.STEP_UP,
            owner=Owner.citizen(who.id),
            session_id=who.session_id,
        )
        public_key = asked.public_key
    else:
        citizen = uow.get_one(Citizen, who.id)
        vault = vault_of(uow, deps.keyring, who.id)
        phone = vault.open(citizen.phone_sealed, "citizens", "phone", who.id)
        opened = open_challenge(uow, deps, phone, Purpose.STEP_UP, address)
        begun.challenge_id, resend_at = opened.id, opened.resend_at
    uow.add(begun)
    others = [other for other in held if other is not means]
    return StepUpBegun(begun.id, means, others, begun.expires_at, public_key, resend_at)


def finish_step_up(
    uow: UnitOfWork,
    deps: IdentityDeps,
    who: Principal,
    step_up_id: UUID,
    proof: StepUpProof,
    address: str,
) -> SteppedUp:
    """Let the caller's session count as proven again for five minutes.

    One proof for one step-up of this session. Raise `StepUpNotFound`, `StepUpRefused` (whatever was
    wrong), `TooManyTries`, `TooManyGuesses`, `MeansBlocked` or `PasswordsBusy`.
    """
    with uow.phase():
        begun = uow.scalar(_waiting(who, step_up_id))
    if begun is None:
        raise StepUpNotFound
    means = StepUpMeans(begun.means)
    if means is StepUpMeans.PASSKEY:
        _check_passkey(uow, deps, who, proof)
    else:
        _check_password(uow, deps, who, begun, proof, address)
    return _let_pass(uow, who, step_up_id, means)


def _check_passkey(uow: UnitOfWork, deps: IdentityDeps, who: Principal, proof: StepUpProof) -> None:
    if proof.passkey is None:
        _refuse(uow, who, StepUpMeans.PASSKEY)
    try:
        given = credentials.finish_passkey_assertion(
            uow, deps.credentials, Ceremony.STEP_UP, proof.passkey, session_id=who.session_id
        )
    except PasskeyRefused:
        _refuse(uow, who, StepUpMeans.PASSKEY)
    if given.owner != Owner.citizen(who.id):
        _refuse(uow, who, StepUpMeans.PASSKEY)


def _check_password(
    uow: UnitOfWork,
    deps: IdentityDeps,
    who: Principal,
    begun: StepUp,
    proof: StepUpProof,
    address: str,
) -> None:
    challenge_id = begun.challenge_id or begun.id
    try:
        challenge = try_code(uow, deps, challenge_id, proof.code, Purpose.STEP_UP, address)
        # Who has not the code is not told, nor can measure, whether the password is right.
        checked = credentials.check_password(
            uow, deps.credentials, Owner.citizen(who.id), proof.password
        )
        if not checked.is_right:
            _refuse(uow, who, StepUpMeans.PASSWORD)
        use_challenge(uow, deps, challenge)
    except CodeWrong:
        _refuse(uow, who, StepUpMeans.PASSWORD)


def _let_pass(uow: UnitOfWork, who: Principal, step_up_id: UUID, means: StepUpMeans) -> SteppedUp:
    session = uow.scalar(
        select(AuthSession)
        .where(AuthSession.id == who.session_id, is_live(now()))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if session is None:
        raise TokenInvalid("The session has ended.")
    used = uow.scalar(
        update(StepUp)
        .where(StepUp.id == step_up_id, StepUp.used_at.is_(None))
        .values(used_at=now())
        .returning(StepUp.id)
    )
    if used is None:
        raise StepUpNotFound
    session.stepped_up_at = now()
    session.amr = list(dict.fromkeys([*session.amr, *means.amr]))
    uow.record(SessionSteppedUp(subject=who.id, session_id=who.session_id, means=means))
    until = session.stepped_up_at + timedelta(seconds=STEP_UP_SECONDS)
    return SteppedUp(session.id, session.amr, until)


def _waiting(who: Principal, step_up_id: UUID) -> Select[StepUp]:
    return select(StepUp).where(
        StepUp.id == step_up_id,
        StepUp.session_id == who.session_id,
        StepUp.used_at.is_(None),
        StepUp.expires_at > now(),
    )


def _refuse(uow: UnitOfWork, who: Principal, means: StepUpMeans) -> NoReturn:
    uow.record(
        SessionSteppedUp(subject=who.id, result="refused", session_id=who.session_id, means=means)
    )
    raise StepUpRefused
