"""The standing orders of a citizen: made, changed, paused, ended; each at once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.autopay.errors import (
    AutopayNotOffered,
    OrderExists,
    OrderNotLiving,
    TermsSuperseded,
)
from app.autopay.models import Collection, StandingOrder
from app.autopay.service.deps import AutopayDeps
from app.autopay.service.telling import tell_order
from app.autopay.values import (
    LIVING_ORDERS,
    TERMS,
    WAITING_COLLECTIONS,
    Bounds,
    CollectionStatus,
    NewOrder,
    OrderStatus,
    OrderView,
    Terms,
)
from app.consent import service as consent
from app.core.clock import city_date, now
from app.core.db import owned
from app.core.errors import AssuranceTooLow, Invalid
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments import service as payments

LONGEST = timedelta(days=5 * 365 + 1)


def read_terms(uow: UnitOfWork) -> Terms:
    """Return the agreement that orders are made under now."""
    agreement = consent.current_agreement(uow, TERMS)
    return Terms(agreement.version, agreement.title, agreement.text or agreement.title)


def make_order(uow: UnitOfWork, deps: AutopayDeps, who: Principal, wanted: NewOrder) -> OrderView:
    """Make a standing order for a service of which the citizen has read the terms.

    Raise `AutopayNotOffered` for services whose bills are never taken by themselves, `OrderExists`,
    `TermsSuperseded`, `SavedMethodUnusable`.
    """
    service, _ = deps.payments.registry.payable(wanted.service)
    if not service.autopay:
        raise AutopayNotOffered
    if not who.reaches(service.assurance):
        raise AssuranceTooLow(needed=service.assurance)
    if consent.current_agreement(uow, TERMS).version != wanted.terms_version:
        raise TermsSuperseded
    payments.saved_for_charge(uow, who.id, wanted.payment_method_id)
    _check(wanted)
    order = StandingOrder(
        citizen_id=who.id,
        service=service.id,
        payment_method_id=wanted.payment_method_id,
        cap_per_bill=wanted.bounds.cap_per_bill,
        cap_per_month=wanted.bounds.cap_per_month,
        notice_days=wanted.bounds.notice_days,
        expires_on=wanted.expires_on,
        terms_version=wanted.terms_version,
        status=OrderStatus.ACTIVE,
        next_look_at=now(),
    )
    uow.open_record(order, cause="citizen")
    try:
        uow.flush()
    except IntegrityError as error:
        if "uq_autopay_orders_living" not in str(error.orig):
            raise
        raise OrderExists from error
    tell_order(uow, deps, order, "autopay-began")
    return view_order(deps, order)


def _check(wanted: NewOrder) -> None:
    bounds, today = wanted.bounds, city_date()
    if bounds.cap_per_month is not None and bounds.cap_per_month < bounds.cap_per_bill:
        raise Invalid(errors=[{"pointer": "/cap_per_month", "message": "Below the cap of a bill."}])
    if wanted.expires_on is None:
        return
    latest = city_date(now() + LONGEST)
    if not today < wanted.expires_on.isoformat() <= latest:
        raise Invalid(errors=[{"pointer": "/expires_on", "message": f"Up to {latest}."}])


def list_orders(
    uow: UnitOfWork, deps: AutopayDeps, citizen_id: UUID, page: PageRequest
) -> Page[OrderView]:
    """Return a citizen's orders, newest first, those that are over too."""
    statement = select(StandingOrder).where(StandingOrder.citizen_id == citizen_id)
    found = fetch_page(uow, statement, [StandingOrder.id], page, descending=True)
    return Page([view_order(deps, order) for order in found.items], found.next_cursor)


def read_order(uow: UnitOfWork, deps: AutopayDeps, citizen_id: UUID, order_id: UUID) -> OrderView:
    """Return a citizen's own order, or raise `NotFound`."""
    return view_order(deps, owned(uow, StandingOrder, order_id, citizen_id))


def change_order(
    uow: UnitOfWork,
    deps: AutopayDeps,
    citizen_id: UUID,
    order_id: UUID,
    changes: Mapping[str, Any],
) -> OrderView:
    """Change the bounds, the end or the method of a living order; what was announced is kept."""
    order = _living(uow, citizen_id, order_id)
    bounds = replace(order.bounds, **{k: v for k, v in changes.items() if hasattr(order.bounds, k)})
    method = changes.get("payment_method_id", order.payment_method_id)
    expires_on = changes.get("expires_on", order.expires_on)
    payments.saved_for_charge(uow, citizen_id, method)
    _check(NewOrder(order.service, method, bounds, expires_on, order.terms_version))
    order.payment_method_id, order.expires_on = method, expires_on
    _bind(order, bounds)
    return view_order(deps, order)


def _bind(order: StandingOrder, bounds: Bounds) -> None:
    order.cap_per_bill = bounds.cap_per_bill
    order.cap_per_month = bounds.cap_per_month
    order.notice_days = bounds.notice_days


def pause_order(uow: UnitOfWork, deps: AutopayDeps, citizen_id: UUID, order_id: UUID) -> OrderView:
    """Stop taking money until the order is resumed; pausing a paused one changes nothing.

    A collection whose money is moving goes on; whatever waits is skipped.
    """
    order = _living(uow, citizen_id, order_id)
    if order.status == OrderStatus.ACTIVE:
        uow.move(order, OrderStatus.PAUSED, cause="citizen")
        skip_waiting(uow, order, reason="paused")
    return view_order(deps, order)


def resume_order(uow: UnitOfWork, deps: AutopayDeps, citizen_id: UUID, order_id: UUID) -> OrderView:
    """Take money again, from bills that are announced anew; raise `SavedMethodUnusable`."""
    order = _living(uow, citizen_id, order_id)
    payments.saved_for_charge(uow, citizen_id, order.payment_method_id)
    if order.status != OrderStatus.ACTIVE:
        uow.move(order, OrderStatus.ACTIVE, cause="citizen")
        order.failures, order.next_look_at = 0, now()
    return view_order(deps, order)


def end_order(uow: UnitOfWork, deps: AutopayDeps, citizen_id: UUID, order_id: UUID) -> None:
    """End an order for good; ending one that is over changes nothing."""
    owned(uow, StandingOrder, order_id, citizen_id)
    order = uow.lock(StandingOrder, order_id)
    if order.status in LIVING_ORDERS:
        finish_order(uow, deps, order, OrderStatus.CANCELLED_BY_PAYER, cause="citizen")


def finish_order(
    uow: UnitOfWork, deps: AutopayDeps, order: StandingOrder, to: OrderStatus, *, cause: str
) -> None:
    """End a locked order, skip what waits, and tell its citizen."""
    uow.move(order, to, cause=cause)
    skip_waiting(uow, order, reason=str(to))
    tell_order(uow, deps, order, "autopay-ended")


def stop_order(uow: UnitOfWork, deps: AutopayDeps, order: StandingOrder, *, cause: str) -> None:
    """Stop a locked order that cannot take money any more until its citizen does something."""
    if order.status == OrderStatus.ACTIVE:
        uow.move(order, OrderStatus.INACTIVE, cause=cause)
        skip_waiting(uow, order, reason="inactive")
        tell_order(uow, deps, order, "autopay-stopped")


def skip_waiting(uow: UnitOfWork, order: StandingOrder, *, reason: str) -> None:
    """Skip every collection of a locked order whose money is not moving."""
    waiting = select(Collection).where(
        Collection.order_id == order.id, Collection.status.in_(WAITING_COLLECTIONS)
    )
    ordered = waiting.order_by(Collection.id).with_for_update()
    for collection in uow.scalars(ordered.execution_options(populate_existing=True)):
        skip_collection(uow, collection, reason=reason)


def skip_collection(uow: UnitOfWork, collection: Collection, *, reason: str) -> None:
    """Let a locked collection go without money: its bill is its citizen's to pay."""
    collection.reason, collection.next_at = reason, None
    uow.move(collection, CollectionStatus.SKIPPED, cause=reason)


def end_expired(uow: UnitOfWork, deps: AutopayDeps) -> None:
    """End the orders whose last day is over."""
    due = (
        select(StandingOrder)
        .where(
            StandingOrder.status.in_(LIVING_ORDERS),
            StandingOrder.expires_on < date.fromisoformat(city_date()),
        )
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    for order in uow.scalars(due):
        finish_order(uow, deps, order, OrderStatus.EXPIRED, cause="end of term")


def count_open(uow: UnitOfWork, citizen_id: UUID) -> Mapping[str, int]:
    """Return how many living orders and running collections stand between a citizen and leaving."""
    orders = select(func.count()).where(
        StandingOrder.citizen_id == citizen_id, StandingOrder.status.in_(LIVING_ORDERS)
    )
    running = select(func.count()).where(
        Collection.citizen_id == citizen_id, Collection.status == CollectionStatus.CHARGING
    )
    found = {
        "autopay-orders": uow.scalars(orders).one(),
        "autopay-collections": uow.scalars(running).one(),
    }
    return {code: count for code, count in found.items() if count}


def _living(uow: UnitOfWork, citizen_id: UUID, order_id: UUID) -> StandingOrder:
    owned(uow, StandingOrder, order_id, citizen_id)
    order = uow.lock(StandingOrder, order_id)
    if order.status not in LIVING_ORDERS:
        raise OrderNotLiving
    return order


def view_order(deps: AutopayDeps, order: StandingOrder) -> OrderView:
    """Return an order as its citizen sees it."""
    service = deps.payments.registry.services.get(order.service)
    return OrderView(
        id=order.id,
        status=order.status,
        service=order.service,
        service_title=service.title if service else {"zh": order.service, "en": order.service},
        payment_method_id=order.payment_method_id,
        cap_per_bill=order.cap_per_bill,
        cap_per_month=order.cap_per_month,
        notice_days=order.notice_days,
        expires_on=order.expires_on,
        terms_version=order.terms_version,
        created_at=order.created_at,
    )
