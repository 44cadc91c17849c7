"""Passwords: set, checked, taken away."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select, update

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.credentials.errors import PasswordReused
from app.credentials.events import PasswordRemoved, PasswordSet
from app.credentials.models import Password
from app.credentials.service.deps import CredentialsDeps
from app.credentials.service.guesses import begin_try, clear_failures, end_try
from app.credentials.service.owners import lock_owner, of
from app.credentials.service.policy import (
    LIFETIMES,
    REMEMBERED,
    check_password_policy,
    may_stand_alone,
)
from app.credentials.values import (
    Context,
    Means,
    Owner,
    PasswordCheck,
    Policy,
    PreparedPassword,
)


def prepare_password(
    uow: UnitOfWork,
    deps: CredentialsDeps,
    owner: Owner | None,
    password: str,
    policy: Policy,
    *,
    context: Context = (),
) -> PreparedPassword:
    """Return a password that its policy accepts, hashed, to be put with others' changes.

    `context` are words it may not contain (number, name); for nobody the same work is done. Raise
    `PasswordTooWeak`, `PasswordReused` or `PasswordsBusy`. Phases of its own: call it outside one,
    and before anything is written.
    """
    check_password_policy(password, policy, context)
    with uow.phase():
        former = _former(uow, owner, REMEMBERED[policy]) if owner else ()
    if any(deps.passwords.check(kept, password).is_right for kept in former):
        raise PasswordReused
    return PreparedPassword(deps.passwords.make(password), policy, may_stand_alone(password))


def put_password(
    uow: UnitOfWork, deps: CredentialsDeps, owner: Owner, prepared: PreparedPassword
) -> None:
    """Make a prepared password the owner's, in this transaction; failures before are forgotten."""
    lock_owner(uow, owner)
    _retire(uow, owner, keep=max(REMEMBERED[prepared.policy] - 1, 0))
    uow.add(
        Password(
            owner_kind=owner.kind,
            owner_id=owner.id,
            hash=prepared.hash,
            policy=prepared.policy,
            may_stand_alone=prepared.may_stand_alone,
        )
    )
    clear_failures(uow, deps, Means.PASSWORD, owner)
    uow.record(PasswordSet(subject=owner.subject, owner_kind=owner.kind, owner_id=owner.id))


def set_password(
    uow: UnitOfWork,
    deps: CredentialsDeps,
    owner: Owner,
    password: str,
    policy: Policy,
    *,
    context: Context = (),
) -> None:
    """Prepare a password and put it: `prepare_password`, then `put_password`.

    What the caller has written so far is committed first.
    """
    put_password(
        uow, deps, owner, prepare_password(uow, deps, owner, password, policy, context=context)
    )


def check_password(
    uow: UnitOfWork,
    deps: CredentialsDeps,
    owner: Owner | None,
    password: str,
    *,
    claimed: str = "",
) -> PasswordCheck:
    """Compare a password with the owner's; the failure is counted whatever the caller does.

    `claimed` is the name that was typed where `owner` is None: counted and worked on like any
    other. Phases of its own: call it outside one. Raise `TooManyGuesses`, `MeansBlocked` or
    `PasswordsBusy`.
    """
    with uow.phase():
        tried = begin_try(uow, deps, Means.PASSWORD, owner, claimed)
        kept = _current(uow, owner)
    verdict = deps.passwords.check(kept.hash if kept else None, password)
    renewed = deps.passwords.make(password) if verdict.is_stale else None
    with uow.phase():
        end_try(uow, deps, tried, is_right=verdict.is_right)
        if kept is not None and renewed is not None:
            same = (Password.id == kept.id, Password.hash == kept.hash)
            uow.execute(update(Password).where(*same).values(hash=renewed))
    if kept is None or not verdict.is_right:
        return PasswordCheck(is_right=False)
    lifetime = LIFETIMES[Policy(kept.policy)]
    return PasswordCheck(
        is_right=True,
        may_stand_alone=kept.may_stand_alone,
        is_expired=lifetime is not None and kept.set_at + lifetime <= now(),
        set_at=kept.set_at,
    )


def remove_password(uow: UnitOfWork, deps: CredentialsDeps, owner: Owner) -> bool:
    """Take the owner's password away; False when there was none. Idempotent."""
    lock_owner(uow, owner)
    found = uow.scalar(select(func.count()).where(*of(Password, owner), _IS_CURRENT))
    uow.execute(delete(Password).where(*of(Password, owner)))
    clear_failures(uow, deps, Means.PASSWORD, owner)
    if found:
        event = PasswordRemoved(subject=owner.subject, owner_kind=owner.kind, owner_id=owner.id)
        uow.record(event)
    return bool(found)


_IS_CURRENT = Password.replaced_at.is_(None)


def _current(uow: UnitOfWork, owner: Owner | None) -> Password | None:
    if owner is None:
        # The same question is asked for nobody: it takes the same time.
        return uow.scalar(select(Password).where(Password.owner_kind == "", _IS_CURRENT))
    return uow.scalar(select(Password).where(*of(Password, owner), _IS_CURRENT))


def _former(uow: UnitOfWork, owner: Owner, count: int) -> Sequence[str]:
    latest = select(Password.hash).where(*of(Password, owner)).order_by(Password.set_at.desc())
    return uow.scalars(latest.limit(count)).all() if count else ()


def _retire(uow: UnitOfWork, owner: Owner, *, keep: int) -> None:
    """End the present password; keep so many old ones to compare with, and delete the rest."""
    uow.execute(update(Password).where(*of(Password, owner), _IS_CURRENT).values(replaced_at=now()))
    kept = (
        select(Password.id)
        .where(*of(Password, owner))
        .order_by(Password.set_at.desc())
        .limit(keep)
        .scalar_subquery()
    )
    uow.execute(delete(Password).where(*of(Password, owner), Password.id.not_in(kept)))
