"""What is owed right now, asked of the plug-ins: when a payment starts, and when it is retried."""

import functools
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.core.errors import ActingNotAllowed, AssuranceTooLow, DomainError, Forbidden, Unavailable
from app.core.fanout import gather
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import BillChanged, BillWithdrawn
from app.payments.models import PaymentItem
from app.payments.service.common import PaymentDeps
from app.payments.values import Order, OrderLine, Quote
from app.sdk.provider import Citizen, PayableProvider
from app.sdk.registry import Listing, Service, ServiceNotFound

QUOTE_SECONDS = 5.0


def payable_for(
    listing: Listing, who: Principal, line: OrderLine
) -> tuple[Service, PayableProvider]:
    """Return the service of a line and its provider, or raise why this caller cannot pay it."""
    service, provider = listing.payable(line.service)
    if who.kind == "guest":
        if (line.service, line.reference) != who.payable:
            raise Forbidden("The pass is for another bill.")
        return service, provider
    if not who.reaches(service.assurance):
        raise AssuranceTooLow(needed=service.assurance)
    if who.mandate is not None and not who.mandate.allows("pay", service.id):
        raise ActingNotAllowed
    return service, provider


def ask_quotes(
    deps: PaymentDeps,
    listing: Listing,
    who: Principal,
    lines: Sequence[OrderLine],
    services: Sequence[tuple[Service, PayableProvider]],
) -> list[Quote]:
    """Ask the plug-ins what is owed right now; the client's idea of the amount is never taken."""
    citizens: dict[str, Citizen] = {
        service.plugin: deps.directory.view(service.plugin, who.id) for service, _ in services
    }
    calls = [
        functools.partial(provider.get_payable, line.reference, citizens[service.plugin])
        for line, (service, provider) in zip(lines, services, strict=True)
    ]
    answers = gather(deps.quote_pool, calls, seconds=QUOTE_SECONDS)
    quotes = []
    for line, (service, _), payable in zip(lines, services, answers, strict=True):
        if isinstance(payable, TimeoutError):
            raise Unavailable("The biller does not answer.") from payable
        if isinstance(payable, Exception):
            raise payable
        if listing.only_service(service.plugin, payable.service) != service.id:
            raise ServiceNotFound("The bill belongs to another service.")
        quotes.append(
            Quote(
                service=service.id,
                plugin=service.plugin,
                reference=line.reference,
                payee=payable.payee,
                title=dict(payable.title),
                amount=payable.amount,
                currency=payable.currency,
                version=payable.version,
            )
        )
    return quotes


def check_expected(order: Order, quotes: Sequence[Quote]) -> None:
    """Raise `BillChanged` when the payer has seen another amount than is owed now."""
    amount = sum(quote.amount for quote in quotes)
    if order.expected_amount not in {None, amount}:
        raise BillChanged(amount=amount)


def find_change(
    uow: UnitOfWork, deps: PaymentDeps, who: Principal, payment_id: UUID
) -> BillChanged | BillWithdrawn | None:
    """Ask again for every bill of a payment that waits; return what has become of them, if any.

    No transaction is held meanwhile. Raise `Unavailable` when a plug-in does not answer: nothing is
    known then.
    """
    with uow.phase():
        found = select(PaymentItem).where(PaymentItem.payment_id == payment_id)
        items = uow.scalars(found.order_by(PaymentItem.line_no)).all()
    lines = [OrderLine(item.service, item.reference) for item in items]
    listing = deps.registry.snapshot()
    services = [listing.payable(line.service) for line in lines]
    try:
        quotes = ask_quotes(deps, listing, who, lines, services)
    except Unavailable:
        raise
    except DomainError as refusal:  # paid elsewhere, taken back, or no longer this citizen's
        return BillWithdrawn(payment_id=str(payment_id), reason=refusal.code)
    pairs = zip(items, quotes, strict=True)
    if all(_is_same(item, quote) for item, quote in pairs):
        return None
    return BillChanged(payment_id=str(payment_id), amount=sum(quote.amount for quote in quotes))


def _is_same(item: PaymentItem, quote: Quote) -> bool:
    agreed = (item.amount, item.currency, item.payee, item.payable_version)
    return agreed == (quote.amount, quote.currency, quote.payee, quote.version)
