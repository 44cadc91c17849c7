"""One-time codes of an authenticator app (RFC 6238); the only pyotp. A step counts once."""

import hmac

import pyotp
from sqlalchemy import delete, select, update

from app.core.clock import now
from app.core.crypto import seal, unseal
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.credentials.errors import TotpExists
from app.credentials.events import TotpConfirmed, TotpRemoved
from app.credentials.models import Totp
from app.credentials.service.deps import CredentialsDeps
from app.credentials.service.guesses import begin_try, clear_failures, end_try
from app.credentials.service.owners import lock_owner, of
from app.credentials.values import Means, Owner, TotpSecret

STEP_SECONDS = 30
DRIFT = 1
"""Steps by which a phone's clock may be wrong, either way."""
ISSUER = "i武当"
_TABLE = "totps"


def begin_totp(
    uow: UnitOfWork, deps: CredentialsDeps, owner: Owner, *, account_name: str
) -> TotpSecret:
    """Return a fresh secret for an authenticator app; it counts once `confirm_totp` has seen it.

    Raise `TotpExists` when one was confirmed; one that was not is replaced.
    """
    lock_owner(uow, owner)
    if uow.scalar(select(Totp.id).where(*of(Totp, owner), Totp.confirmed_at.is_not(None))):
        raise TotpExists
    uow.execute(delete(Totp).where(*of(Totp, owner)))
    row, secret = new_id(), pyotp.random_base32()
    key = deps.keyring.class_key(_TABLE)
    uow.add(
        Totp(
            id=row,
            owner_kind=owner.kind,
            owner_id=owner.id,
            secret_sealed=seal(key, secret.encode(), context=f"{_TABLE}|secret|{row}"),
        )
    )
    uri = pyotp.TOTP(secret).provisioning_uri(name=account_name, issuer_name=ISSUER)
    return TotpSecret(secret, uri)


def confirm_totp(uow: UnitOfWork, deps: CredentialsDeps, owner: Owner, code: str) -> bool:
    """Bind the app that shows this code; False when it is wrong. Counted like `check_totp`."""
    if not _try(uow, deps, owner, code, is_confirmed=False):
        return False
    uow.execute(update(Totp).where(*of(Totp, owner)).values(confirmed_at=now()))
    uow.record(TotpConfirmed(subject=owner.subject, owner_kind=owner.kind, owner_id=owner.id))
    return True


def check_totp(uow: UnitOfWork, deps: CredentialsDeps, owner: Owner, code: str) -> bool:
    """Say whether this is the code of the owner's app, and use its step up.

    A code counts once, also in parallel, and none older than one that was used. Raise
    `TooManyGuesses` or `MeansBlocked`. Phases of its own: call it outside one.
    """
    return _try(uow, deps, owner, code, is_confirmed=True)


def remove_totp(uow: UnitOfWork, deps: CredentialsDeps, owner: Owner) -> bool:
    """Take the owner's app away; False when there was none. Idempotent."""
    lock_owner(uow, owner)
    gone = delete(Totp).where(*of(Totp, owner)).returning(Totp.confirmed_at)
    confirmed = uow.scalar(gone) is not None
    clear_failures(uow, deps, Means.TOTP, owner)
    if confirmed:
        event = TotpRemoved(subject=owner.subject, owner_kind=owner.kind, owner_id=owner.id)
        uow.record(event)
    return confirmed


def _try(
    uow: UnitOfWork, deps: CredentialsDeps, owner: Owner, code: str, *, is_confirmed: bool
) -> bool:
    with uow.phase():
        tried = begin_try(uow, deps, Means.TOTP, owner, "")
        step = _step_of(uow, deps, owner, code, is_confirmed=is_confirmed)
        is_right = step is not None and _use(uow, owner, step)
        end_try(uow, deps, tried, is_right=is_right)
    return is_right


def _step_of(
    uow: UnitOfWork, deps: CredentialsDeps, owner: Owner, code: str, *, is_confirmed: bool
) -> int | None:
    """Return the step whose code this is, now or one step off; None when it is none."""
    found = uow.scalar(select(Totp).where(*of(Totp, owner)))
    if found is None or (found.confirmed_at is not None) != is_confirmed:
        return None
    key = deps.keyring.class_key(_TABLE)
    secret = unseal(key, found.secret_sealed, context=f"{_TABLE}|secret|{found.id}").decode()
    generator, present = pyotp.TOTP(secret), int(now().timestamp()) // STEP_SECONDS
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), code.encode()):
            return step
    return None


def _use(uow: UnitOfWork, owner: Owner, step: int) -> bool:
    used = (
        update(Totp)
        .where(*of(Totp, owner), Totp.last_step < step)
        .values(last_step=step)
        .returning(Totp.id)
    )
    return uow.scalar(used) is not None
