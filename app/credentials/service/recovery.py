"""Recovery codes: ten of eighty bits, shown once, each used once."""

import secrets
from collections.abc import Sequence

from sqlalchemy import delete, select, update

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.credentials.events import RecoveryCodesMade, RecoveryCodeUsed
from app.credentials.models import RecoveryCode
from app.credentials.service.deps import CredentialsDeps
from app.credentials.service.guesses import begin_try, clear_failures, end_try
from app.credentials.service.owners import lock_owner, of
from app.credentials.values import Means, Owner

COUNT = 10
# Crockford's base 32: nothing that is read for something else.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 16  # five bits each
_READ_AS = str.maketrans("OIL", "011", "- ")


def make_recovery_codes(uow: UnitOfWork, deps: CredentialsDeps, owner: Owner) -> Sequence[str]:
    """Return ten new codes, which are shown once; the ones before are worth nothing.

    Raise `PasswordsBusy`. What the caller has written so far is committed first.
    """
    with uow.phase():
        pass  # nothing is locked while hashes are computed
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(COUNT)]
    hashes = [deps.passwords.make(code) for code in codes]
    lock_owner(uow, owner)
    uow.execute(delete(RecoveryCode).where(*of(RecoveryCode, owner)))
    uow.add_all(
        RecoveryCode(owner_kind=owner.kind, owner_id=owner.id, ordinal=ordinal, hash=made)
        for ordinal, made in enumerate(hashes)
    )
    clear_failures(uow, deps, Means.RECOVERY_CODE, owner)
    uow.record(RecoveryCodesMade(subject=owner.subject, owner_kind=owner.kind, owner_id=owner.id))
    return [_written(ordinal, code) for ordinal, code in enumerate(codes)]


def use_recovery_code(
    uow: UnitOfWork, deps: CredentialsDeps, owner: Owner | None, code: str, *, claimed: str = ""
) -> bool:
    """Use one of the owner's codes up, in the caller's transaction; False when it is not one.

    Capitals, spaces and hyphens do not matter. The try is counted whatever the caller does. Raise
    `TooManyGuesses`, `MeansBlocked` or `PasswordsBusy`. Phases of its own: call it outside one.
    """
    ordinal, secret = _read(code)
    with uow.phase():
        tried = begin_try(uow, deps, Means.RECOVERY_CODE, owner, claimed)
        kept = _unused(uow, owner, ordinal)
    verdict = deps.passwords.check(kept.hash if kept else None, secret)
    with uow.phase():
        end_try(uow, deps, tried, is_right=verdict.is_right)
    if owner is None or kept is None or not verdict.is_right:
        return False
    mine = (RecoveryCode.id == kept.id, RecoveryCode.used_at.is_(None))
    used = update(RecoveryCode).where(*mine).values(used_at=now()).returning(RecoveryCode.id)
    if uow.scalar(used) is None:
        return False  # the same code in parallel
    uow.record(RecoveryCodeUsed(subject=owner.subject, owner_kind=owner.kind, owner_id=owner.id))
    return True


def _unused(uow: UnitOfWork, owner: Owner | None, ordinal: int) -> RecoveryCode | None:
    whose = of(RecoveryCode, owner) if owner else (RecoveryCode.owner_kind == "",)
    return uow.scalar(
        select(RecoveryCode).where(
            *whose, RecoveryCode.ordinal == ordinal, RecoveryCode.used_at.is_(None)
        )
    )


def _written(ordinal: int, code: str) -> str:
    """Return a code as it is shown: 3-ABCD-EFGH-JKMN-PQRS."""
    parts = [code[start : start + 4] for start in range(0, _LENGTH, 4)]
    return "-".join([str(ordinal), *parts])


def _read(text: str) -> tuple[int, str]:
    """Return the ordinal and the secret of a code as it was typed; -1 when it cannot be one."""
    plain = text.upper().translate(_READ_AS)
    is_one = len(plain) == _LENGTH + 1 and plain[0] in "0123456789"
    return (int(plain[0]) if is_one else -1), plain[1:]
