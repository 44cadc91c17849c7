"""What a citizen owes, asked of every provider at once with one deadline."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from app.core.clock import now
from app.core.errors import DomainError, Unavailable
from app.core.fanout import gather
from app.core.logs import get_logger
from app.core.tokens import Mandated
from app.payments.service.common import PaymentDeps
from app.payments.service.recent import Recent
from app.payments.values import Payables, PayableView, Unanswered
from app.sdk.provider import Payable, PayableProvider
from app.sdk.registry import Listing

log = get_logger("payments")
PAYABLES_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose bills are asked for, of which providers, and for whose eyes."""

    citizen_id: UUID
    listing: Listing
    mandate: Mandated | None

    def services(self, plugin: str) -> list[str]:
        """Return the payable services of a provider that the caller may see."""
        return sorted(
            s.id
            for s in self.listing.services.values()
            if s.plugin == plugin
            and s.kind == "payable"
            and (self.mandate is None or self.mandate.allows("view", s.id))
        )


def list_payables(deps: PaymentDeps, citizen_id: UUID, mandate: Mandated | None = None) -> Payables:
    """Return what a citizen owes everywhere, nearest due date first; a delegate, in their services.

    A provider that fails or has not answered after two seconds is named in `unanswered`; what it
    said in the last ten minutes is shown with that moment, and the others' answers are complete.
    """
    asked = _Asked(citizen_id, deps.registry.snapshot(), mandate)
    providers = {
        name: provider
        for name, provider in asked.listing.payable_plugins().items()
        if asked.services(name)
    }
    calls = [functools.partial(_ask, deps, *pair, citizen_id) for pair in providers.items()]
    answers = gather(deps.payables_pool, calls, seconds=PAYABLES_SECONDS)
    items: list[PayableView] = []
    unanswered = []
    for name, answer in zip(providers, answers, strict=True):
        if isinstance(answer, Exception):
            recent = _recent(deps, asked, name, answer)
            as_of = None if recent is None else recent.at
            unanswered.append(Unanswered(name, asked.services(name), as_of))
            if recent is not None:
                items.extend(_views(asked, name, recent.payables, as_of))
            continue
        items.extend(_views(asked, name, answer, None))
    items.sort(key=lambda item: (item.due_date or date.max, item.service, item.reference))
    return Payables(items, unanswered)


def _ask(
    deps: PaymentDeps, plugin: str, provider: PayableProvider, citizen_id: UUID
) -> Sequence[Payable]:
    moment = now()
    payables = provider.list_payables(deps.directory.view(plugin, citizen_id))
    deps.recent.keep(plugin, citizen_id, moment, payables)
    return payables


def _recent(deps: PaymentDeps, asked: _Asked, name: str, error: Exception) -> Recent | None:
    """Return what may be shown of a provider that gave no answer; a refusal is one."""
    log.warning("payables.unanswered", plugin=name, error=type(error).__name__)
    if not isinstance(error, DomainError | TimeoutError):
        log.error("payables.failed", plugin=name, exc_info=error)
    if isinstance(error, DomainError) and not isinstance(error, Unavailable):
        return None
    return deps.recent.find(name, asked.citizen_id, asked.listing.changed_at.get(name))


def _views(
    asked: _Asked, plugin: str, payables: Sequence[Payable], as_of: datetime | None
) -> Iterator[PayableView]:
    for payable in payables:
        service_id = asked.listing.only_service(plugin, payable.service)
        if service_id is None:
            log.warning("payables.stray", plugin=plugin)
            continue
        if asked.mandate is not None and not asked.mandate.allows("view", service_id):
            continue
        yield PayableView(
            service=service_id,
            service_title=asked.listing.services[service_id].title,
            reference=payable.reference,
            title=payable.title,
            amount=payable.amount,
            currency=payable.currency,
            due_date=payable.due_date,
            payee=payable.payee,
            version=payable.version,
            as_of=as_of,
        )
