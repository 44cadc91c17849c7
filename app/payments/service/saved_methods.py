"""Methods that a citizen keeps at a gateway: proven while they are there, charged while not."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.core.clock import now
from app.core.db import owned
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import SavedMethodsFull, SavedMethodUnusable
from app.payments.events import SavedMethodQuestioned, SavedMethodRemoved
from app.payments.gateway import (
    KEY_LIFETIME,
    GatewayAmbiguous,
    GatewayRefused,
    Setup,
    SetupRequest,
)
from app.payments.models import SavedMethod
from app.payments.service.common import PaymentDeps
from app.payments.values import KEPT_METHODS, Method, Saved, SavedMethodStatus, SavedMethodView

MOST = 10
_WAITS = (60, 600, 3_600, 21_600)
"""Seconds between questions about a set-up that the citizen has not ended, while it can be."""
_GIVEN_UP = timedelta(hours=24)


def save_method(
    uow: UnitOfWork, deps: PaymentDeps, who: Principal, method: Method
) -> SavedMethodView:
    """Begin to keep a method of a citizen: `next_action` says how their client proves it.

    Idempotent by the request's key. Raise `MethodUnavailable`, or `SavedMethodsFull` with ten of
    them. A gateway that does not answer leaves it requested: reading it asks again.
    """
    gateway, _ = deps.gateways.keeping(method)
    if uow.key is not None and uow.key.resource_id is not None:
        with uow.phase():
            saved = uow.get_one(SavedMethod, uow.key.resource_id)
        return _advance(uow, deps, saved)
    with uow.phase():
        kept = select(func.count()).where(
            SavedMethod.citizen_id == who.id, SavedMethod.status.in_(KEPT_METHODS)
        )
        if uow.scalars(kept).one() >= MOST:
            raise SavedMethodsFull
        saved = SavedMethod(
            id=new_id(),
            citizen_id=who.id,
            gateway=gateway,
            method=method,
            status=SavedMethodStatus.REQUESTED,
            created_at=now(),
            next_ask_at=_next_ask(deps, 0),
        )
        uow.open_record(saved, cause="citizen")
        if uow.key is not None:
            uow.key.made(uow, saved.id)
    return _advance(uow, deps, saved)


def list_saved_methods(
    uow: UnitOfWork, citizen_id: UUID, page: PageRequest
) -> Page[SavedMethodView]:
    """Return a citizen's kept methods as they are known, newest first; removed ones are gone."""
    statement = select(SavedMethod).where(
        SavedMethod.citizen_id == citizen_id, SavedMethod.status.in_(KEPT_METHODS)
    )
    found = fetch_page(uow, statement, [SavedMethod.id], page, descending=True)
    return Page([_view(saved, None, None) for saved in found.items], found.next_cursor)


def read_saved_method(
    uow: UnitOfWork, deps: PaymentDeps, who: Principal, saved_method_id: UUID
) -> SavedMethodView:
    """Return a kept method, asking the gateway first while it is not known to be proven."""
    with uow.phase():
        saved = owned(uow, SavedMethod, saved_method_id, who.id)
    if saved.status != SavedMethodStatus.REQUESTED:
        return _view(saved, deps, None)
    with deps.units.open(actor=uow.actor, request_id=uow.request_id) as other:
        return _advance(other, deps, saved)


def remove_saved_method(uow: UnitOfWork, who: Principal, saved_method_id: UUID) -> None:
    """Let go of a kept method: nothing can be charged to it from now on; again changes nothing.

    The gateway forgets it by a job, which goes on until it has.
    """
    owned(uow, SavedMethod, saved_method_id, who.id)
    saved = uow.lock(SavedMethod, saved_method_id)
    if saved.status not in KEPT_METHODS:
        return
    fact = SavedMethodRemoved(saved_method_id=saved.id)
    uow.move(saved, SavedMethodStatus.REMOVED, cause="citizen", fact=fact)
    saved.next_ask_at = None


def forget_saved_method(uow: UnitOfWork, deps: PaymentDeps, event: SavedMethodRemoved) -> None:
    """Make the gateway forget a removed method; raise `Unavailable` while it does not answer."""
    with uow.phase():
        saved = uow.get_one(SavedMethod, event.saved_method_id)
    if saved.gateway_customer is None:
        return
    keeper = deps.gateways.keeper(saved.gateway)
    kept = Saved(saved.gateway, saved.gateway_customer, saved.gateway_method or "")
    try:
        keeper.forget_method(kept)
    except GatewayAmbiguous as error:
        raise Unavailable("The gateway does not answer.") from error


def question_saved_method(uow: UnitOfWork, deps: PaymentDeps, event: SavedMethodQuestioned) -> None:
    """Ask what became of a set-up whose citizen did not come back."""
    with uow.phase():
        saved = uow.get_one(SavedMethod, event.saved_method_id)
    if saved.status == SavedMethodStatus.REQUESTED:
        _advance(uow, deps, saved)


def question_setups(uow: UnitOfWork, deps: PaymentDeps) -> None:
    """Queue a question for each set-up whose time has come."""
    due = uow.scalars(
        select(SavedMethod)
        .where(SavedMethod.next_ask_at <= now())
        .order_by(SavedMethod.next_ask_at)
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    for saved in due:
        saved.asks += 1
        saved.next_ask_at = _next_ask(deps, saved.asks)
        uow.emit(SavedMethodQuestioned(saved_method_id=saved.id))


def saved_for_charge(uow: UnitOfWork, citizen_id: UUID, saved_method_id: UUID) -> Saved:
    """Return what to charge of a citizen's proven method, or raise `SavedMethodUnusable`."""
    saved = uow.scalar(
        select(SavedMethod).where(
            SavedMethod.id == saved_method_id,
            SavedMethod.citizen_id == citizen_id,
            SavedMethod.status == SavedMethodStatus.ACTIVE,
        )
    )
    if saved is None or saved.gateway_customer is None or saved.gateway_method is None:
        raise SavedMethodUnusable
    return Saved(saved.gateway, saved.gateway_customer, saved.gateway_method)


def label_of(uow: UnitOfWork, saved_method_id: UUID) -> str:
    """Return how a kept method is shown to its citizen, such as `visa 4242`."""
    return uow.get_one(SavedMethod, saved_method_id).label or ""


def _advance(uow: UnitOfWork, deps: PaymentDeps, asked: SavedMethod) -> SavedMethodView:
    """Ask the gateway about a set-up, apply its answer, and return the method as it then is."""
    try:
        setup = _learn(deps, asked)
    except GatewayAmbiguous:
        return _view(asked, None, None)
    saved = uow.lock(SavedMethod, asked.id)
    if saved.status == SavedMethodStatus.REQUESTED:
        _apply(uow, saved, setup)
    return _view(saved, deps, setup)


def _learn(deps: PaymentDeps, saved: SavedMethod) -> Setup | None:
    """Return what the gateway says of a set-up; None when nothing can come of it any more."""
    keeper = deps.gateways.keeper(saved.gateway)
    try:
        if saved.gateway_setup is not None:
            return keeper.fetch_setup(saved.gateway_setup)
        if now() - saved.created_at > KEY_LIFETIME:
            return None
        key = f"{deps.policy.environment}:saved_method:{saved.id}"
        return keeper.open_setup(SetupRequest(key, saved.id))
    except GatewayRefused:
        return None


def _apply(uow: UnitOfWork, saved: SavedMethod, setup: Setup | None) -> None:
    if setup is None:
        saved.next_ask_at = None
        uow.move(saved, SavedMethodStatus.FAILED, cause="gateway")
        return
    saved.gateway_customer, saved.gateway_setup = setup.customer_id, setup.id
    if setup.status == "succeeded" and setup.method_id and setup.label:
        saved.gateway_method, saved.label, saved.next_ask_at = setup.method_id, setup.label, None
        uow.move(saved, SavedMethodStatus.ACTIVE, cause="gateway")
    elif setup.status == "cancelled" or now() - saved.created_at > _GIVEN_UP:
        saved.next_ask_at = None
        uow.move(saved, SavedMethodStatus.FAILED, cause="gateway")


def _view(saved: SavedMethod, deps: PaymentDeps | None, setup: Setup | None) -> SavedMethodView:
    action = None
    if deps is not None and setup is not None and saved.status == SavedMethodStatus.REQUESTED:
        action = deps.gateways.keeper(saved.gateway).setup_action(setup)
    return SavedMethodView(
        id=saved.id,
        status=saved.status,
        method=saved.method,
        label=saved.label,
        next_action=action,
        created_at=saved.created_at,
    )


def _next_ask(deps: PaymentDeps, asks: int) -> datetime:
    wait = _WAITS[min(asks, len(_WAITS) - 1)]
    return now() + timedelta(seconds=wait / deps.policy.pace)
