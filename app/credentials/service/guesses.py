"""Against guessing: each try is counted in PostgreSQL before it is looked at.

Ten failures in a quarter of an hour for an account from one network, a hundred in a row from
anywhere, five hundred in ten minutes in the whole city. An account is known here by a digest: of
its owner, or of the name that was claimed where there is none. So a number that nobody has is
counted, refused and shut exactly like one that somebody has.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.networks import is_loopback, network_of
from app.core.unit_of_work import UnitOfWork
from app.credentials.errors import MeansBlocked, TooManyGuesses
from app.credentials.events import GuessRefused
from app.credentials.models import MOST_CONSECUTIVE, Guess, GuessCounter
from app.credentials.service import brake
from app.credentials.service.deps import CredentialsDeps
from app.credentials.values import Means, Owner

WINDOW = timedelta(minutes=15)
GUESSES_KEPT = timedelta(days=1)
COUNTERS_KEPT = timedelta(days=90)
_CITY = "wrong-passwords"


@dataclass(frozen=True, slots=True)
class Try:
    """One try that was counted."""

    owner: Owner | None
    means: Means
    account: bytes
    source: bytes
    guess_id: UUID


def begin_try(
    uow: UnitOfWork, deps: CredentialsDeps, means: Means, owner: Owner | None, claimed: str
) -> Try:
    """Count one try, in the caller's phase; the tries of one account wait for each other.

    Raise `TooManyGuesses` or `MeansBlocked` when it is one too many; then nothing is counted.
    """
    account, source = _account(deps, owner, claimed), _source(deps, uow)
    moment = now()
    _refuse_if_braked(uow, deps, means, owner)
    counted = uow.scalar(
        insert(GuessCounter)
        .values(account=account, means=means, consecutive=1, touched_at=moment)
        .on_conflict_do_update(
            index_elements=["account", "means"],
            set_={"consecutive": GuessCounter.consecutive + 1, "touched_at": moment},
            where=GuessCounter.consecutive < MOST_CONSECUTIVE,
        )
        .returning(GuessCounter.consecutive)
    )
    if counted is None:
        uow.record(_refused(means, owner))
        raise MeansBlocked(means=means)
    mine = (Guess.account == account, Guess.means == means, Guess.source == source)
    recent, first = uow.execute(
        select(func.count(), func.min(Guess.at)).where(*mine, Guess.at > moment - WINDOW)
    ).one()
    if recent >= deps.failures_per_quarter:
        uow.record(_refused(means, owner))
        raise TooManyGuesses(retry_after=brake.seconds_until(first + WINDOW))
    guess = Guess(account=account, means=means, source=source, at=moment)
    uow.add(guess)
    uow.flush()
    return Try(owner, means, account, source, guess.id)


def end_try(uow: UnitOfWork, deps: CredentialsDeps, tried: Try, *, is_right: bool) -> None:
    """Write down how a try came out: a right one clears the failures before it."""
    if not is_right:
        if not _is_exempt(deps, uow):
            brake.count_failure(uow, _CITY, deps.failed_passwords)
        uow.record(_refused(tried.means, tried.owner))
        return
    uow.execute(
        update(GuessCounter)
        .where(GuessCounter.account == tried.account, GuessCounter.means == tried.means)
        .values(consecutive=0)
    )
    uow.execute(
        delete(Guess).where(
            Guess.account == tried.account,
            Guess.means == tried.means,
            Guess.source == tried.source,
        )
    )


def clear_failures(uow: UnitOfWork, deps: CredentialsDeps, means: Means, owner: Owner) -> None:
    """Open a way in again, because what it takes was made anew."""
    account = _account(deps, owner, "")
    for table in (GuessCounter, Guess):
        columns = table.__table__.c
        uow.execute(delete(table).where(columns.account == account, columns.means == means))


def forget_guesses(uow: UnitOfWork) -> None:
    """Delete what need not be counted any longer; an account that is shut stays shut."""
    moment = now()
    uow.execute(delete(Guess).where(Guess.at <= moment - GUESSES_KEPT))
    uow.execute(
        delete(GuessCounter).where(
            GuessCounter.touched_at <= moment - COUNTERS_KEPT,
            GuessCounter.consecutive < MOST_CONSECUTIVE,
        )
    )


def _refuse_if_braked(
    uow: UnitOfWork, deps: CredentialsDeps, means: Means, owner: Owner | None
) -> None:
    until = brake.braked_until(uow, _CITY, deps.failed_passwords)
    if until is not None and not _is_exempt(deps, uow):
        uow.record(_refused(means, owner))
        raise TooManyGuesses(retry_after=brake.seconds_until(until))


def _is_exempt(deps: CredentialsDeps, uow: UnitOfWork) -> bool:
    return deps.loopback_exempt and uow.address is not None and is_loopback(uow.address)


def _account(deps: CredentialsDeps, owner: Owner | None, claimed: str) -> bytes:
    name = f"{owner.kind}:{owner.id}" if owner else f"nobody:{claimed}"
    return deps.keyring.code_digest("guessed-account", name)


def _source(deps: CredentialsDeps, uow: UnitOfWork) -> bytes:
    network = network_of(uow.address) if uow.address else "house"
    return deps.keyring.code_digest("guessing-network", network)


def _refused(means: Means, owner: Owner | None) -> GuessRefused:
    return GuessRefused(
        subject=owner.subject if owner else None,
        result="refused",
        means=means,
        owner_kind=owner.kind if owner else None,
        owner_id=owner.id if owner else None,
    )
