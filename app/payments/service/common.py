"""What every payment use case works with: collaborators, locks and waits."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from app.core import crypto
from app.core.clock import now
from app.core.crypto import Keyring
from app.core.db import owned
from app.core.errors import NotFound
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork, Units
from app.payments.gateway import Gateways
from app.payments.models import Payment, PaymentAttempt, PaymentItem
from app.payments.service.recent import RecentPayables
from app.payments.values import LIVE_ATTEMPTS, Charge, PaymentPolicy, PaymentStatus
from app.sdk.registry import Directory, Registry

_WAITS = (15, 30, 60, 120, 300)
"""Seconds between questions about an attempt until its payment's end, the last one repeated."""
_LATE_WAITS = ((timedelta(days=1), 300), (timedelta(days=7), 3_600), (timedelta.max, 86_400))
"""Past a payment's end: until so long after it, at most so many seconds between questions."""
_FIRST_LATE_WAIT = 30


Spent = Callable[[datetime | None], Mapping[str, int]]
"""What was paid under a mandate by service, since a moment or (None) ever."""

Allow = Callable[[UnitOfWork, Principal, UUID, Sequence[Charge], Spent], None]
"""Lets a delegate's new payment through or raises; holds a lock on the mandate until the commit."""


@dataclass(frozen=True, slots=True)
class PaymentDeps:
    """The collaborators of the payment platform."""

    registry: Registry
    directory: Directory
    gateways: Gateways
    policy: PaymentPolicy
    keyring: Keyring
    units: Units
    quote_pool: Executor
    payables_pool: Executor
    allow: Allow
    recent: RecentPayables = field(default_factory=RecentPayables)


def own_payment(uow: UnitOfWork, payment_id: UUID, who: Principal) -> Payment:
    """Return a payment of the citizen whose affairs these are, or raise `NotFound`.

    A delegate has those that were made under the mandate and no others.
    """
    payment = owned(uow, Payment, payment_id, who.id)
    if who.mandate is not None and payment.mandate_id != who.mandate.id:
        raise NotFound
    return payment


def lock_items(uow: UnitOfWork, payment_id: UUID) -> Sequence[PaymentItem]:
    """Return a payment's items in their order, locked in the order of their ids."""
    statement = (
        select(PaymentItem)
        .where(PaymentItem.payment_id == payment_id)
        .order_by(PaymentItem.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return sorted(uow.scalars(statement), key=lambda item: item.line_no)


def live_attempt(uow: UnitOfWork, payment_id: UUID) -> PaymentAttempt | None:
    """Return the attempt that may still move money; there is at most one."""
    return uow.scalar(
        select(PaymentAttempt)
        .where(
            PaymentAttempt.payment_id == payment_id,
            PaymentAttempt.status.in_(LIVE_ATTEMPTS),
        )
        .execution_options(populate_existing=True)
    )


def next_ask(policy: PaymentPolicy, payment: Payment, asks: int) -> datetime:
    """Return when the gateway is asked next: soon, then rarely, and once at the payment's end."""
    moment = now()
    if moment < payment.expires_at and payment.status in {
        PaymentStatus.PENDING,
        PaymentStatus.PROCESSING,
    }:
        wait = _WAITS[min(asks, len(_WAITS) - 1)] / policy.pace
        return min(moment + timedelta(seconds=wait), payment.expires_at)
    late = moment - payment.expires_at
    longest = next(seconds for until, seconds in _LATE_WAITS if late < until)
    wait = min(max(late.total_seconds(), _FIRST_LATE_WAIT), longest)
    return moment + timedelta(seconds=wait / policy.pace)


def seal_action(deps: PaymentDeps, attempt: PaymentAttempt, action: Any) -> bytes | None:  # noqa: ANN401 - JSON
    """Return a next action sealed for its attempt's row: there is a client secret in it."""
    if action is None:
        return None
    key = deps.keyring.class_key("payment_attempts")
    return crypto.seal(key, orjson.dumps(action), context=_context(attempt))


def open_action(deps: PaymentDeps, attempt: PaymentAttempt) -> Any:  # noqa: ANN401 - JSON
    """Return the next action of an attempt, or None."""
    if attempt.next_action is None:
        return None
    key = deps.keyring.class_key("payment_attempts")
    return orjson.loads(crypto.unseal(key, attempt.next_action, context=_context(attempt)))


def _context(attempt: PaymentAttempt) -> str:
    return f"payment_attempts|next_action|{attempt.id}"
