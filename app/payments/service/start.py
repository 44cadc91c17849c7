"""Starting a payment: quotes from the plug-ins, one committed phase, then the gateway's intent."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import select, tuple_
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.ids import new_id
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import (
    AlreadyPaid,
    DuplicateItem,
    PayerGone,
    PaymentInProgress,
    ReturnUrlMissing,
)
from app.payments.gateway import GatewayAmbiguous, GatewayRefused
from app.payments.models import Payment, PaymentAttempt, PaymentItem
from app.payments.service.common import PaymentDeps, live_attempt, next_ask
from app.payments.service.limits import check_limits
from app.payments.service.mandate import check_mandate
from app.payments.service.query import view_payment
from app.payments.service.quote import ask_quotes, check_expected, payable_for
from app.payments.service.settle import (
    apply_intent,
    complete_payment,
    fail_attempt,
    request_of,
    settle_attempt,
)
from app.payments.values import (
    AttemptStatus,
    ItemStatus,
    Method,
    Order,
    OrderLine,
    PaymentStatus,
    PaymentView,
    Quote,
    Saved,
)

_RECOVERY_SECONDS = 30


def start_payment(uow: UnitOfWork, deps: PaymentDeps, who: Principal, order: Order) -> PaymentView:
    """Start one payment of 1 to 20 bills and open its intent.

    Idempotent by the request's key; a repeat after a crash goes on with the payment that was made.
    Raise `AlreadyPaid`, or `PaymentInProgress` (naming the live payment to its own payer), when a
    bill is not free. A gateway that does not answer leaves the payment pending: it is asked later.
    """
    key = uow.key
    if key is not None and key.resource_id is not None:
        with uow.phase():
            payment = uow.get_one(Payment, key.resource_id)
            attempt = live_attempt(uow, payment.id)
    else:
        payment, attempt = begin_payment(uow, deps, who, order)
    if attempt is not None and attempt.status == AttemptStatus.REQUESTED:
        open_intent(uow, deps, payment, attempt)
    return view_payment(uow, deps, payment.id, who)


def begin_payment(
    uow: UnitOfWork, deps: PaymentDeps, who: Principal, order: Order
) -> tuple[Payment, PaymentAttempt | None]:
    """Commit a payment of an order with its first attempt, and return both; no gateway is asked.

    The attempt is None when there is nothing to pay. Raise what `start_payment` raises.
    """
    check_method(deps, order.method, order.return_url)
    lines = sorted(order.items, key=lambda line: (line.service, line.reference))
    if len({(line.service, line.reference) for line in lines}) != len(lines):
        raise DuplicateItem
    listing = deps.registry.snapshot()
    services = [payable_for(listing, who, line) for line in lines]
    _refuse_if_taken(uow, deps, who, lines)
    quotes = ask_quotes(deps, listing, who, lines, services)
    check_expected(order, quotes)
    try:
        return _commit_payment(uow, deps, who, order, quotes)
    except IntegrityError as error:
        if "open_account" in str(error.orig):
            raise PayerGone from error
        if "uq_payment_items_live_payable" not in str(error.orig):
            raise
    _refuse_if_taken(uow, deps, who, lines)
    # Whoever held the bill has let it go between our two looks.
    raise PaymentInProgress(retry_after=1)


def check_method(deps: PaymentDeps, method: Method, return_url: str | None) -> None:
    """Raise `MethodUnavailable`, or `ReturnUrlMissing` when a wallet has nowhere to return to."""
    deps.gateways.serving(method)
    if method is not Method.CARD and not return_url:
        raise ReturnUrlMissing(
            errors=[{"pointer": "/return_url", "message": "Needed for this method."}]
        )


def _refuse_if_taken(
    uow: UnitOfWork, deps: PaymentDeps, who: Principal, lines: Sequence[OrderLine]
) -> None:
    """Refuse bills that another live or paid item names, after asking the gateway about it."""
    with deps.units.open(actor=uow.actor, request_id=uow.request_id) as other:
        with other.phase():
            taken = _find_live(other, lines)
            attempt = live_attempt(other, taken.payment_id) if taken else None
        if taken is None:
            return
        if attempt is not None and is_stale(deps, attempt):
            # If the gateway is silent, the refusal below is the answer that loses nothing.
            with suppress(GatewayAmbiguous):
                settle_attempt(other, deps, attempt.id, cause="second try")
        with other.phase():
            taken = _find_live(other, lines)
            payment = (
                other.get_one(Payment, taken.payment_id, populate_existing=True) if taken else None
            )
    if payment is None:
        return
    if payment.status == PaymentStatus.SUCCEEDED:
        raise AlreadyPaid
    if payment.citizen_id == who.id:
        raise PaymentInProgress(payment_id=str(payment.id))
    raise PaymentInProgress


def is_stale(deps: PaymentDeps, attempt: PaymentAttempt) -> bool:
    """Say whether the gateway was last asked long enough ago to be asked by a citizen's call."""
    asked = attempt.asked_at or attempt.created_at
    return now() - asked > timedelta(seconds=5 / deps.policy.pace)


def _find_live(uow: UnitOfWork, lines: Sequence[OrderLine]) -> PaymentItem | None:
    wanted = [(line.service, line.reference) for line in lines]
    return uow.scalar(
        select(PaymentItem)
        .where(
            PaymentItem.is_live,
            tuple_(PaymentItem.service, PaymentItem.reference).in_(wanted),
        )
        .order_by(PaymentItem.service, PaymentItem.reference)
        .limit(1)
    )


def _commit_payment(
    uow: UnitOfWork, deps: PaymentDeps, who: Principal, order: Order, quotes: Sequence[Quote]
) -> tuple[Payment, PaymentAttempt | None]:
    attempt = None
    with uow.phase():
        moment = now()
        payment = Payment(
            id=new_id(),
            citizen_id=who.id,
            mandate_id=who.mandate.id if who.mandate is not None else None,
            origin=order.origin,
            by_guest=who.kind == "guest",
            amount=sum(quote.amount for quote in quotes),
            currency=quotes[0].currency,
            method=order.method,
            status=PaymentStatus.PENDING,
            created_at=moment,
            expires_at=moment + deps.policy.lifetime,
        )
        check_limits(uow, deps.policy, who, payment)
        check_mandate(uow, deps, who, payment, quotes)
        uow.open_record(payment, cause="citizen")
        for number, quote in enumerate(quotes, start=1):
            uow.open_record(_item(payment, number, quote), cause="citizen")
        if payment.amount == 0:
            complete_payment(uow, payment, cause="nothing to pay")
        else:
            attempt = add_attempt(
                uow, deps, payment, order.method, order.return_url, number=1, saved=order.saved
            )
        if uow.key is not None:
            uow.key.made(uow, payment.id)
    return payment, attempt


def _item(payment: Payment, number: int, quote: Quote) -> PaymentItem:
    return PaymentItem(
        payment_id=payment.id,
        line_no=number,
        service=quote.service,
        plugin=quote.plugin,
        reference=quote.reference,
        payee=quote.payee,
        title=dict(quote.title),
        amount=quote.amount,
        currency=quote.currency,
        payable_version=quote.version,
        status=ItemStatus.WAITING,
    )


def add_attempt(
    uow: UnitOfWork,
    deps: PaymentDeps,
    payment: Payment,
    method: Method,
    return_url: str | None,
    *,
    number: int,
    saved: Saved | None = None,
) -> PaymentAttempt:
    """Add an attempt to a payment; its gateway key is permanent and names the attempt."""
    gateway = deps.gateways.named(saved.gateway) if saved else deps.gateways.serving(method)
    attempt = PaymentAttempt(
        payment_id=payment.id,
        number=number,
        method=method,
        return_url=return_url,
        gateway=gateway.name,
        saved_customer=saved.customer_id if saved else None,
        saved_method=saved.method_id if saved else None,
        gateway_key=f"{deps.policy.environment}:payment:{payment.id}:attempt:{number}",
        amount=payment.amount,
        currency=payment.currency,
        status=AttemptStatus.REQUESTED,
        # Should nobody come back with the gateway's answer, the janitor asks.
        next_ask_at=now() + timedelta(seconds=_RECOVERY_SECONDS / deps.policy.pace),
    )
    uow.open_record(attempt, cause="citizen")
    return attempt


def open_intent(
    uow: UnitOfWork, deps: PaymentDeps, payment: Payment, attempt: PaymentAttempt
) -> None:
    """Open the intent of a requested attempt; a gateway that is silent is asked about it later."""
    try:
        intent = deps.gateways.named(attempt.gateway).open_intent(request_of(payment, attempt))
    except GatewayRefused as error:
        fail_attempt(uow, attempt, cause=f"gateway: {error.code}")
    except GatewayAmbiguous:
        _mark_unknown(uow, deps, attempt)
    else:
        apply_intent(uow, deps, attempt, intent, cause="opened")


def _mark_unknown(uow: UnitOfWork, deps: PaymentDeps, asked: PaymentAttempt) -> None:
    payment = uow.lock(Payment, asked.payment_id)
    attempt = uow.lock(PaymentAttempt, asked.id)
    if attempt.status == AttemptStatus.REQUESTED:
        uow.move(attempt, AttemptStatus.UNKNOWN, cause="gateway silent")
        attempt.next_ask_at = next_ask(deps.policy, payment, attempt.asks)
