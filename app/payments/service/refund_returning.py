"""Money that goes back because of what others prove: a charge taken twice, a contest won."""

import re
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import func, select

from app.core.clock import now
from app.core.errors import Invalid, NotFound, Unavailable
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import NotADuplicate, RefundExceedsAvailable
from app.payments.gateway import GatewayAmbiguous, GatewayRefused, Intent
from app.payments.models import Payment, PaymentAttempt, PaymentItem, Refund
from app.payments.service.booking import book_late_money
from app.payments.service.common import PaymentDeps
from app.payments.service.refund import (
    approve_refund,
    available_amount,
    captured_attempt,
    check_refundable,
    find_refund,
    open_refund,
    same_refund,
)
from app.payments.service.settle import settle_attempt
from app.payments.values import AttemptStatus, ItemStatus

_REASON = re.compile(r"[a-z0-9](?:[a-z0-9._:-]{0,62}[a-z0-9])?")
_RETURNED = "duplicate"


def return_duplicate(
    uow: UnitOfWork, deps: PaymentDeps, attempt_id: UUID, intent_id: str
) -> UUID | None:
    """Send back what a gateway took beside an attempt of ours, and return the refund's id.

    The gateway is asked: it must hold a second, captured intent that names the attempt. Its money
    is booked as an attempt of its own that came too late, and goes back whole. Idempotent: an
    intent is returned once. Where the intent is one that we opened, this only asks about it anew,
    and returns None when nothing came late. Raise `NotADuplicate`, or `Unavailable` while the
    gateway does not answer.
    """
    with uow.phase():
        attempt = uow.get(PaymentAttempt, attempt_id)
        if attempt is None:
            raise NotFound
        known = _attempt_of(uow, attempt.gateway, intent_id)
    if known is not None and known.status == AttemptStatus.SUCCEEDED:
        raise NotADuplicate("The intent is the one that paid.")
    try:
        if known is not None:
            settle_attempt(uow, deps, known.id, cause="reconciliation")
            return _late_refund(uow, known.id)
        intent = deps.gateways.named(attempt.gateway).fetch_intent(intent_id)
    except GatewayAmbiguous as error:
        raise Unavailable("The gateway does not answer.") from error
    except GatewayRefused as error:
        raise NotADuplicate("The gateway has no such intent.") from error
    _check_duplicate(attempt, intent)
    uow.lock(Payment, attempt.payment_id)
    known = _attempt_of(uow, attempt.gateway, intent_id)
    if known is not None:
        return _late_refund(uow, known.id)
    second = _add_second(uow, attempt, intent)
    book_late_money(uow, second)
    return approve_refund(
        uow,
        second,
        item=None,
        amount=second.captured_amount,
        reason=_RETURNED,
        client_reference=_RETURNED,
    ).id


def _attempt_of(uow: UnitOfWork, gateway: str, intent_id: str) -> PaymentAttempt | None:
    return uow.scalar(
        select(PaymentAttempt).where(
            PaymentAttempt.gateway == gateway, PaymentAttempt.intent_id == intent_id
        )
    )


def _late_refund(uow: UnitOfWork, attempt_id: UUID) -> UUID | None:
    return uow.scalar(
        select(Refund.id).where(Refund.attempt_id == attempt_id, Refund.item_id.is_(None))
    )


def _check_duplicate(attempt: PaymentAttempt, intent: Intent) -> None:
    ours = (str(attempt.id), attempt.currency, "succeeded")
    if (intent.attempt_id, intent.currency, intent.status) != ours or not intent.amount_received:
        raise NotADuplicate("The gateway holds no money of this attempt in that intent.")


def _add_second(uow: UnitOfWork, attempt: PaymentAttempt, intent: Intent) -> PaymentAttempt:
    last = select(func.max(PaymentAttempt.number)).where(
        PaymentAttempt.payment_id == attempt.payment_id
    )
    moment = now()
    second = PaymentAttempt(
        payment_id=attempt.payment_id,
        number=uow.scalars(last).one() + 1,
        method=attempt.method,
        gateway=attempt.gateway,
        gateway_key=f"{attempt.gateway_key}:duplicate:{intent.id}",
        intent_id=intent.id,
        amount=intent.amount_received,
        currency=attempt.currency,
        captured_amount=intent.amount_received,
        captured_at=moment,
        refunded_amount=0,
        asked_at=moment,
        status=AttemptStatus.SUCCEEDED_LATE,
    )
    uow.open_record(second, cause="duplicate capture")
    uow.flush()
    return second


def return_payment(
    uow: UnitOfWork, plugin: str, reference: str, amount: int | None, reason: str
) -> UUID:
    """Send money of a plug-in's paid item back on its word: part of it, or (None) all that is left.

    Idempotent by reference and reason, which is a word of the plug-in's such as `contest-won`.
    Raise `NotFound` when nobody has paid it here, and what forbids the refund.
    """
    if not _REASON.fullmatch(reason):
        raise Invalid("The reason is one word of small letters, digits and . _ : -")
    found = _paid_items(uow, plugin, reference)
    for item_id, payment_id in found:
        attempt_id = captured_attempt(uow, payment_id)
        done = find_refund(uow, attempt_id, _word(item_id, reason)) if attempt_id else None
        if done is not None:
            return same_refund(done, item_id, amount).id
    if not found:
        raise NotFound("Nobody has paid this here.")
    item_id, payment_id = found[0]
    return _return_item(uow, plugin, payment_id, item_id, amount, reason)


def _paid_items(uow: UnitOfWork, plugin: str, reference: str) -> list[tuple[UUID, UUID]]:
    """Return the items that were paid under a reference, the one that holds the bill first."""
    rows = uow.execute(
        select(PaymentItem.id, PaymentItem.payment_id)
        .where(
            PaymentItem.plugin == plugin,
            PaymentItem.reference == reference,
            PaymentItem.status != ItemStatus.WAITING,
        )
        .order_by(PaymentItem.is_live.desc(), PaymentItem.id.desc())
    )
    return [(item_id, payment_id) for item_id, payment_id in rows]


def _return_item(
    uow: UnitOfWork, plugin: str, payment_id: UUID, item_id: UUID, amount: int | None, reason: str
) -> UUID:
    uow.lock(Payment, payment_id)
    item = uow.lock(PaymentItem, item_id)
    attempt_id = captured_attempt(uow, payment_id)
    if attempt_id is None:
        raise RefundExceedsAvailable(available=0)
    attempt = uow.lock(PaymentAttempt, attempt_id)
    done = find_refund(uow, attempt.id, _word(item.id, reason))
    if done is not None:
        return same_refund(done, item.id, amount).id
    wanted = available_amount(attempt, item) if amount is None else amount
    check_refundable(uow, attempt, item, wanted)
    return open_refund(
        uow,
        attempt,
        item=item,
        amount=wanted,
        reason="returned",
        client_reference=_word(item.id, reason),
        requested_by=f"plugin:{plugin}",
        decided_by="rule:returned",
    ).id


def _word(item_id: UUID, reason: str) -> str:
    return f"plugin:{item_id}:{reason}"


Returns = Callable[[str, str, int | None, str], None]
"""A plug-in's name, its reference, an amount or None for all that is left, and its reason."""


def returns_of(deps: PaymentDeps) -> Returns:
    """Return the door by which plug-ins send money back; each call is a unit of its own."""

    def send_back(plugin: str, reference: str, amount: int | None, reason: str) -> None:
        with deps.units.open(actor=f"plugin:{plugin}") as uow:
            return_payment(uow, plugin, reference, amount, reason)

    return send_back
