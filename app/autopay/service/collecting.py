"""Taking the money of an announced bill: once for each try, and nothing its citizen has stopped."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.autopay.errors import CollectionNotWaiting
from app.autopay.events import CollectionDue
from app.autopay.models import Collection, StandingOrder
from app.autopay.service.bills import announce, hold_reason
from app.autopay.service.deps import AutopayDeps
from app.autopay.service.orders import skip_collection, stop_order
from app.autopay.service.telling import tell_collection
from app.autopay.values import (
    FINAL_DECLINES,
    MOST_FAILURES,
    WAITING_COLLECTIONS,
    CollectionStatus,
    CollectionView,
    OrderStatus,
    when_to_retry,
)
from app.core.clock import now
from app.core.db import owned
from app.core.errors import Conflict, Invalid, NotFound
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.payments import service as payments
from app.payments.errors import SavedMethodUnusable
from app.payments.events import PaymentSucceeded
from app.payments.values import Collected, OrderLine, PaymentStatus
from app.sdk.provider import Payable

BATCH = 100
_FOLLOW = timedelta(minutes=5)
_ENDED = (PaymentStatus.CANCELLED, PaymentStatus.EXPIRED, PaymentStatus.FAILED)


def question_collections(uow: UnitOfWork, deps: AutopayDeps) -> None:
    """Queue each collection whose time has come; safe beside itself."""
    due = uow.scalars(
        select(Collection)
        .where(Collection.next_at <= now())
        .order_by(Collection.next_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    for collection in due:
        collection.next_at = now() + _FOLLOW / deps.pace
        uow.emit(CollectionDue(collection_id=collection.id))


def collect_due(uow: UnitOfWork, deps: AutopayDeps, event: CollectionDue) -> None:
    """Take a due bill's money, or find out what became of it; running again takes none twice.

    The bill is read again first: what was paid or withdrawn is skipped, what has changed is
    announced anew, what has become unusual waits. Raise `Unavailable` while nobody can say.
    """
    with uow.phase():
        collection = uow.get_one(Collection, event.collection_id)
    if collection.status in {CollectionStatus.ANNOUNCED, CollectionStatus.FAILED}:
        payable = _read_bill(deps, collection)
        with uow.phase():
            collection = _begin(uow, deps, collection, payable)
    if collection.status == CollectionStatus.CHARGING:
        _charge(uow, deps, collection)


def _read_bill(deps: AutopayDeps, collection: Collection) -> Payable | None:
    """Return what is owed for a bill now, or None when nothing is that could be taken."""
    try:
        service, provider = deps.payments.registry.payable(collection.service)
        citizen = deps.payments.directory.view(service.plugin, collection.citizen_id)
        payable = provider.get_payable(collection.reference, citizen)
    except (Conflict, NotFound, Invalid):
        return None
    return payable if payable.amount > 0 and not payable.contestable else None


def _begin(
    uow: UnitOfWork, deps: AutopayDeps, asked: Collection, payable: Payable | None
) -> Collection:
    """Claim the next try of a collection, unless something speaks against it now."""
    order = uow.lock(StandingOrder, asked.order_id)
    collection = uow.lock(Collection, asked.id)
    if collection.status not in {CollectionStatus.ANNOUNCED, CollectionStatus.FAILED}:
        return collection
    if order.status != OrderStatus.ACTIVE:
        skip_collection(uow, collection, reason=order.status)
    elif payable is None:
        skip_collection(uow, collection, reason="not owed any more")
    elif (payable.amount, payable.currency) != (collection.amount, collection.currency):
        skip_collection(uow, collection, reason="changed")
        uow.flush()
        announce(uow, deps, order, payable)
    elif hold := hold_reason(uow, order, payable.amount, collection):
        collection.reason, collection.next_at = hold, None
        uow.move(collection, CollectionStatus.HELD, cause=hold)
        tell_collection(uow, deps, order, collection, "autopay-held")
    else:
        collection.tries += 1
        collection.payment_id = None
        collection.next_at = now() + _FOLLOW / deps.pace
        uow.move(collection, CollectionStatus.CHARGING, cause="due", try_number=collection.tries)
    return collection


def _charge(uow: UnitOfWork, deps: AutopayDeps, collection: Collection) -> None:
    """Start the payment of the running try, or go on with it, and apply how it stands."""
    with uow.phase():
        order = uow.get_one(StandingOrder, collection.order_id, populate_existing=True)
    try:
        made = payments.collect_payment(
            uow,
            deps.payments,
            collection.citizen_id,
            OrderLine(collection.service, collection.reference),
            saved_method_id=order.payment_method_id,
            origin=collection.origin,
        )
        if made.is_declined:
            made = payments.abandon_payment(uow, deps.payments, made.payment_id)
    except SavedMethodUnusable:
        _give_back(uow, deps, collection, "method-gone", is_final=True)
        return
    except (Conflict, NotFound, Invalid) as error:
        # Somebody pays it by hand, or has: no money of this try can move, for none was asked for.
        _let_go(uow, collection, error.code)
        return
    apply_outcome(uow, deps, collection.id, made)


def _let_go(uow: UnitOfWork, asked: Collection, code: str) -> None:
    collection = uow.lock(Collection, asked.id)
    if collection.status == CollectionStatus.CHARGING and collection.tries == asked.tries:
        skip_collection(uow, collection, reason=code)


def apply_outcome(uow: UnitOfWork, deps: AutopayDeps, collection_id: UUID, made: Collected) -> None:
    """Write down what became of a try's payment; idempotent."""
    found = uow.get_one(Collection, collection_id)
    order = uow.lock(StandingOrder, found.order_id)
    collection = uow.lock(Collection, collection_id)
    if collection.status != CollectionStatus.CHARGING:
        return
    collection.payment_id = made.payment_id
    if made.status == PaymentStatus.SUCCEEDED:
        collection.next_at, collection.reason, order.failures = None, None, 0
        uow.move(collection, CollectionStatus.SUCCEEDED, cause="payment")
    elif made.status in _ENDED:
        _fail(uow, deps, order, collection, made.decline_code or str(made.status))


def _give_back(
    uow: UnitOfWork, deps: AutopayDeps, asked: Collection, code: str, *, is_final: bool
) -> None:
    order = uow.lock(StandingOrder, asked.order_id)
    collection = uow.lock(Collection, asked.id)
    if collection.status == CollectionStatus.CHARGING:
        _fail(uow, deps, order, collection, code, is_final=is_final)


def _fail(
    uow: UnitOfWork,
    deps: AutopayDeps,
    order: StandingOrder,
    collection: Collection,
    code: str,
    *,
    is_final: bool = False,
) -> None:
    """End a try without money: it is tried again by the plan, or given up and told."""
    uow.move(collection, CollectionStatus.FAILED, cause=code)
    collection.reason = code
    final = is_final or code in FINAL_DECLINES
    again = None if final else when_to_retry(now(), collection.tries)
    collection.next_at = again
    if again is not None:
        collection.charge_at = again
        tell_collection(uow, deps, order, collection, "autopay-declined")
        return
    collection.reason = "declined"
    uow.move(collection, CollectionStatus.ABANDONED, cause=code)
    tell_collection(uow, deps, order, collection, "autopay-given-up")
    order.failures += 1
    if final or order.failures >= MOST_FAILURES:
        stop_order(uow, deps, order, cause=code)


def note_success(uow: UnitOfWork, deps: AutopayDeps, event: PaymentSucceeded) -> None:
    """Learn at once that the payment of a try has its money."""
    collection_id = uow.scalar(
        select(Collection.id).where(Collection.payment_id == event.payment_id)
    )
    if collection_id is not None:
        made = payments.read_collected(uow, event.payment_id)
        apply_outcome(uow, deps, collection_id, made)


def list_collections(
    uow: UnitOfWork, citizen_id: UUID, order_id: UUID, page: PageRequest
) -> Page[CollectionView]:
    """Return the collections of a citizen's own order, newest first."""
    owned(uow, StandingOrder, order_id, citizen_id)
    statement = select(Collection).where(Collection.order_id == order_id)
    found = fetch_page(uow, statement, [Collection.id], page, descending=True)
    return Page([_view(collection) for collection in found.items], found.next_cursor)


def approve_collection(uow: UnitOfWork, citizen_id: UUID, collection_id: UUID) -> CollectionView:
    """Let a held bill be taken after all, up to its amount; raise `CollectionNotWaiting`."""
    order, collection = _waiting(uow, citizen_id, collection_id)
    if collection.status == CollectionStatus.ANNOUNCED and collection.approved_amount:
        return _view(collection)
    if collection.status != CollectionStatus.HELD or order.status != OrderStatus.ACTIVE:
        raise CollectionNotWaiting
    collection.approved_amount, collection.reason = collection.amount, None
    collection.charge_at = max(collection.charge_at, now())
    collection.next_at = collection.charge_at
    uow.move(collection, CollectionStatus.ANNOUNCED, cause="citizen")
    return _view(collection)


def skip_bill(uow: UnitOfWork, citizen_id: UUID, collection_id: UUID) -> CollectionView:
    """Let a bill go whose money is not moving: it is the citizen's own to pay from now on."""
    _, collection = _waiting(uow, citizen_id, collection_id)
    if collection.status in WAITING_COLLECTIONS:
        skip_collection(uow, collection, reason="citizen")
    elif collection.status != CollectionStatus.SKIPPED:
        raise CollectionNotWaiting
    return _view(collection)


def _waiting(
    uow: UnitOfWork, citizen_id: UUID, collection_id: UUID
) -> tuple[StandingOrder, Collection]:
    found = owned(uow, Collection, collection_id, citizen_id)
    return uow.lock(StandingOrder, found.order_id), uow.lock(Collection, collection_id)


def _view(collection: Collection) -> CollectionView:
    return CollectionView(
        id=collection.id,
        status=collection.status,
        reference=collection.reference,
        title=collection.title,
        amount=collection.amount,
        currency=collection.currency,
        due_date=collection.due_date,
        charge_at=collection.charge_at,
        reason=collection.reason,
        payment_id=collection.payment_id,
    )
