"""Closing an account: refused while something is open, fifteen days of grace, then for good."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.consent import service as consent
from app.core.clock import now
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.identity import service as identity
from app.identity.service import closing
from app.notifications import service as notifications
from app.privacy.errors import ClosureNotFound, ErasureIncomplete, ObligationsOpen
from app.privacy.events import AccountErased, ClosureAsked, ClosureDone, ClosureDue
from app.privacy.models import Closure, Erasure
from app.privacy.service.deps import PrivacyDeps
from app.privacy.service.rows import erase_rows
from app.privacy.values import ClosureStatus, ClosureView, Obligation

GRACE = timedelta(days=15)
_AGAIN = timedelta(days=1)
_AT_ONCE = 200


def ask_closure(uow: UnitOfWork, deps: PrivacyDeps, citizen_id: UUID) -> ClosureView:
    """Begin the closing of a citizen's account and end every session; idempotent.

    A log-in within fifteen days cancels it. Raise `ObligationsOpen` with the reasons while money
    is open, a mandate is active or an application is running.
    """
    identity.lock_citizen(uow, citizen_id)
    refuse_open(uow, deps, citizen_id)
    moment = now()
    closure = _pending(uow, citizen_id)
    if closure is not None and closing.has_logged_in_since(uow, citizen_id, closure.asked_at):
        _cancel(uow, closure)
        uow.flush()
        closure = None
    if closure is None:
        closure = Closure(
            id=new_id(),
            citizen_id=citizen_id,
            status=ClosureStatus.PENDING,
            asked_at=moment,
            due_at=moment + GRACE,
        )
        uow.open_record(closure, cause="citizen")
        uow.record(ClosureAsked(subject=citizen_id, closure_id=closure.id))
        told = {"at": closure.due_at}
        notifications.tell(uow, citizen_id, "closure-asked", str(closure.id), told)
    identity.end_every_session(uow, citizen_id, "closing")
    uow.flush()
    return _view(closure)


def refuse_open(uow: UnitOfWork, deps: PrivacyDeps, citizen_id: UUID) -> None:
    """Raise `ObligationsOpen` while anything of a citizen's is open."""
    found = find_obligations(uow, deps, citizen_id)
    if found:
        raise ObligationsOpen(reasons=[{"code": one.code, "count": one.count} for one in found])


def find_obligations(uow: UnitOfWork, deps: PrivacyDeps, citizen_id: UUID) -> list[Obligation]:
    """Return what is open, by kind."""
    return [
        Obligation(code, count)
        for count_open in deps.obligations
        for code, count in sorted(count_open(uow, citizen_id).items())
    ]


def read_closure(uow: UnitOfWork, citizen_id: UUID) -> ClosureView:
    """Return how the closing of a citizen's account stands; a log-in since has cancelled it.

    Raise `ClosureNotFound` when none was asked for.
    """
    closure = uow.scalar(
        select(Closure)
        .where(Closure.citizen_id == citizen_id)
        .order_by(Closure.asked_at.desc(), Closure.id.desc())
        .limit(1)
    )
    if closure is None:
        raise ClosureNotFound
    is_off = closure.status == ClosureStatus.PENDING and closing.has_logged_in_since(
        uow, citizen_id, closure.asked_at
    )
    view = _view(closure)
    if is_off:
        return ClosureView(view.id, ClosureStatus.CANCELLED, view.asked_at, view.due_at)
    return view


def question_closures(uow: UnitOfWork) -> None:
    """Cancel the closings whose citizen has logged in, and queue those that are due."""
    pending = uow.scalars(
        select(Closure)
        .where(Closure.status == ClosureStatus.PENDING)
        .order_by(Closure.due_at)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    moment = now()
    for closure in pending.all():
        if closing.has_logged_in_since(uow, closure.citizen_id, closure.asked_at):
            _cancel(uow, closure)
        elif closure.due_at <= moment:
            closure.due_at = moment + timedelta(minutes=5)  # should the job be lost
            uow.emit(ClosureDue(closure_id=closure.id))


def close_account(uow: UnitOfWork, deps: PrivacyDeps, due: ClosureDue) -> None:
    """Close an account for good, or put it off for a day while something is open; idempotent.

    One transaction: sessions, evidence and consents end, the citizen's rows go where the inventory
    says so, and so does their data key: what is sealed with it never opens again.
    """
    citizen_id = uow.scalar(select(Closure.citizen_id).where(Closure.id == due.closure_id))
    if citizen_id is None:
        return
    identity.lock_citizen(uow, citizen_id)
    closure = uow.scalars(
        select(Closure)
        .where(Closure.id == due.closure_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if closure.status != ClosureStatus.PENDING:
        return
    if closing.has_logged_in_since(uow, citizen_id, closure.asked_at):
        _cancel(uow, closure)
        return
    if find_obligations(uow, deps, citizen_id):
        closure.due_at = now() + _AGAIN
        return
    consent.withdraw_all(uow, citizen_id, cause="closure")
    closure.ended_at = now()
    fact = AccountErased(closure_id=closure.id, citizen_id=citizen_id)
    uow.move(closure, ClosureStatus.CLOSED, cause="grace over", fact=fact)
    uow.record(ClosureDone(subject=citizen_id, closure_id=closure.id))
    uow.flush()
    # While the number's index still says which codes were sent to it.
    erase_rows(uow, deps.keyring, deps.inventory, citizen_id)
    closing.close_account(uow, citizen_id)


def erase_at_plugins(uow: UnitOfWork, deps: PrivacyDeps, erased: AccountErased) -> None:
    """Let every plug-in forget a closed account, with no transaction open; idempotent.

    Raise `ErasureIncomplete` to be called again while one has not confirmed.
    """
    with uow.phase():
        done = set(
            uow.scalars(select(Erasure.plugin).where(Erasure.closure_id == erased.closure_id))
        )
    missing = sorted(deps.plugins.keys() - done)
    failed = [name for name in missing if not _erase_at(uow, deps, erased, name)]
    if failed:
        raise ErasureIncomplete(f"Not confirmed: {', '.join(failed)}.")
    closure = uow.scalars(
        select(Closure)
        .where(Closure.id == erased.closure_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if closure.status == ClosureStatus.CLOSED:
        uow.move(closure, ClosureStatus.ERASED, cause="plug-ins confirmed")


def _erase_at(uow: UnitOfWork, deps: PrivacyDeps, erased: AccountErased, plugin: str) -> bool:
    provider = deps.plugins.get(plugin)
    if provider is None:
        return False
    try:
        provider.erase(deps.citizen_of(plugin, erased.citizen_id))
    except Unavailable:
        return False
    with uow.phase():
        uow.execute(
            insert(Erasure)
            .values(closure_id=erased.closure_id, plugin=plugin, done_at=now())
            .on_conflict_do_nothing()
        )
    return True


def _pending(uow: UnitOfWork, citizen_id: UUID) -> Closure | None:
    return uow.scalar(
        select(Closure)
        .where(Closure.citizen_id == citizen_id, Closure.status == ClosureStatus.PENDING)
        .with_for_update()
    )


def _cancel(uow: UnitOfWork, closure: Closure) -> None:
    closure.ended_at = now()
    uow.move(closure, ClosureStatus.CANCELLED, cause="log-in")


def _view(closure: Closure) -> ClosureView:
    return ClosureView(closure.id, closure.status, closure.asked_at, closure.due_at)
