"""Looking for the bills of standing orders, and announcing them before any money is taken."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select

from app.autopay.events import OrderLookDue
from app.autopay.models import Collection, StandingOrder
from app.autopay.service.deps import AutopayDeps
from app.autopay.service.orders import finish_order
from app.autopay.service.telling import tell_collection
from app.autopay.values import (
    ANOMALY_SAMPLES,
    CollectionStatus,
    Hold,
    OrderStatus,
    month_of,
    when_to_charge,
    why_to_hold,
)
from app.core.clock import now
from app.core.errors import Invalid, NotFound
from app.core.ids import new_id
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.notifications.values import Kind
from app.sdk.provider import Payable
from app.sdk.registry import ServiceUnavailable

log = get_logger("autopay")
LOOK_AGAIN = timedelta(hours=6)
BATCH = 100
_TAKEN = (CollectionStatus.CHARGING, CollectionStatus.SUCCEEDED)
_OVER = (CollectionStatus.SKIPPED, CollectionStatus.ABANDONED)


def question_orders(uow: UnitOfWork, _deps: AutopayDeps) -> None:
    """Queue a look for each active order whose time has come; safe beside itself."""
    due = uow.scalars(
        select(StandingOrder)
        .where(StandingOrder.status == OrderStatus.ACTIVE, StandingOrder.next_look_at <= now())
        .order_by(StandingOrder.next_look_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    for order in due:
        order.next_look_at = now() + LOOK_AGAIN
        uow.emit(OrderLookDue(order_id=order.id))


def look_for_bills(uow: UnitOfWork, deps: AutopayDeps, event: OrderLookDue) -> None:
    """Announce every bill of an order that is not known yet; running again announces none twice.

    A service that is not offered for this any more ends the order. Raise `Unavailable` while its
    plug-in does not answer.
    """
    with uow.phase():
        order = uow.get_one(StandingOrder, event.order_id)
    if order.status != OrderStatus.ACTIVE:
        return
    listing = deps.payments.registry.snapshot()
    try:
        service, provider = listing.payable(order.service)
    except ServiceUnavailable:
        return  # switched off for now: the next look will see
    except (NotFound, Invalid):
        service = None
    if service is None or not service.autopay:
        _end_by_payee(uow, deps, order)
        return
    citizen = deps.payments.directory.view(service.plugin, order.citizen_id)
    found = [
        payable
        for payable in provider.list_payables(citizen)
        if listing.only_service(service.plugin, payable.service) == service.id
        and payable.amount > 0
        and not payable.contestable
    ]
    order = uow.lock(StandingOrder, order.id)
    if order.status == OrderStatus.ACTIVE:
        for payable in _unknown(uow, order, found):
            announce(uow, deps, order, payable)


def _end_by_payee(uow: UnitOfWork, deps: AutopayDeps, asked: StandingOrder) -> None:
    order = uow.lock(StandingOrder, asked.id)
    if order.status == OrderStatus.ACTIVE:
        finish_order(uow, deps, order, OrderStatus.CANCELLED_BY_PAYEE, cause="not offered")


def _unknown(
    uow: UnitOfWork, order: StandingOrder, payables: Sequence[Payable]
) -> Sequence[Payable]:
    """Return the bills for which there is neither a collection nor a citizen's no."""
    known = set(
        uow.scalars(
            select(Collection.reference).where(
                Collection.service == order.service,
                Collection.reference.in_([payable.reference for payable in payables]),
                # What its citizen skipped, or was given up, is theirs to pay: it is not taken
                # again behind their back. Skips for other reasons are looked at anew.
                Collection.status.not_in(_OVER) | Collection.reason.in_(("citizen", "declined")),
            )
        )
    )
    return [payable for payable in payables if payable.reference not in known]


def announce(
    uow: UnitOfWork, deps: AutopayDeps, order: StandingOrder, payable: Payable
) -> Collection:
    """Open the collection of a bill of a locked order, held if it is unusual; tell its citizen."""
    moment = now()
    charge_at = when_to_charge(moment, order.notice_days, payable.due_date)
    reason = hold_reason(uow, order, payable.amount, None)
    collection = Collection(
        id=new_id(),
        order_id=order.id,
        citizen_id=order.citizen_id,
        service=order.service,
        reference=payable.reference,
        title=dict(payable.title),
        amount=payable.amount,
        currency=payable.currency,
        payable_version=payable.version,
        due_date=payable.due_date,
        announced_at=moment,
        charge_at=charge_at,
        next_at=None if reason else charge_at,
        reason=reason,
        status=CollectionStatus.HELD if reason else CollectionStatus.ANNOUNCED,
    )
    uow.open_record(collection, cause="bill found")
    uow.flush()
    kind: Kind = "autopay-held" if reason else "autopay-announced"
    tell_collection(uow, deps, order, collection, kind)
    return collection


def hold_reason(
    uow: UnitOfWork, order: StandingOrder, amount: int, of: Collection | None
) -> Hold | None:
    """Return why a bill of an order has to wait for its citizen, or None when it may be taken."""
    if of is not None and of.approved_amount is not None and amount <= of.approved_amount:
        return None
    begins, ends = month_of(now())
    taken = select(func.coalesce(func.sum(Collection.amount), 0)).where(
        Collection.order_id == order.id,
        Collection.status.in_(_TAKEN),
        Collection.charge_at >= begins,
        Collection.charge_at < ends,
    )
    past = (
        select(Collection.amount)
        .where(Collection.order_id == order.id, Collection.status == CollectionStatus.SUCCEEDED)
        .order_by(Collection.id.desc())
        .limit(ANOMALY_SAMPLES)
    )
    return why_to_hold(amount, order.bounds, int(uow.scalars(taken).one()), list(uow.scalars(past)))
