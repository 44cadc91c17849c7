"""What a citizen owes, asked of every plug-in at once with one deadline."""

import functools
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from app.core.errors import DomainError
from app.core.fanout import gather
from app.core.logs import get_logger
from app.core.tokens import Mandated
from app.payments.service.common import PaymentDeps
from app.payments.values import Payables, PayableView
from app.sdk.provider import Payable

log = get_logger("payments")
PAYABLES_SECONDS = 2.0


def list_payables(deps: PaymentDeps, citizen_id: UUID, mandate: Mandated | None = None) -> Payables:
    """Return what a citizen owes everywhere, nearest due date first; a delegate, in their services.

    A plug-in that fails or has not answered after two seconds is named in `unanswered`; the others'
    answers are complete.
    """
    plugins = [name for name in deps.registry.payable_plugins() if _services(deps, name, mandate)]
    calls = [functools.partial(_ask, deps, name, citizen_id) for name in plugins]
    answers = gather(deps.payables_pool, calls, seconds=PAYABLES_SECONDS)
    items: list[PayableView] = []
    unanswered = []
    for name, answer in zip(plugins, answers, strict=True):
        if isinstance(answer, Exception):
            log.warning("payables.unanswered", plugin=name, error=type(answer).__name__)
            unanswered.append({"plugin": name, "services": _services(deps, name, mandate)})
            if not isinstance(answer, DomainError | TimeoutError):
                log.error("payables.failed", plugin=name, exc_info=answer)
            continue
        items.extend(_views(deps, name, answer, mandate))
    items.sort(key=lambda item: (item.due_date or date.max, item.service, item.reference))
    return Payables(items, unanswered)


def _ask(deps: PaymentDeps, plugin: str, citizen_id: UUID) -> Sequence[Payable]:
    citizen = deps.directory.view(plugin, citizen_id)
    return deps.registry.payable_plugins()[plugin].list_payables(citizen)


def _views(
    deps: PaymentDeps, plugin: str, payables: Sequence[Payable], mandate: Mandated | None
) -> list[PayableView]:
    views = []
    for payable in payables:
        service_id = deps.registry.only_service(plugin, payable.service)
        if service_id is None:
            log.warning("payables.stray", plugin=plugin)
            continue
        if mandate is not None and not mandate.allows("view", service_id):
            continue
        views.append(
            PayableView(
                service=service_id,
                service_title=deps.registry.services[service_id].title,
                reference=payable.reference,
                title=payable.title,
                amount=payable.amount,
                currency=payable.currency,
                due_date=payable.due_date,
                payee=payable.payee,
                version=payable.version,
            )
        )
    return views


def _services(deps: PaymentDeps, plugin: str, mandate: Mandated | None) -> list[str]:
    """Return the payable services of a plug-in that the caller may see."""
    return sorted(
        s.id
        for s in deps.registry.services.values()
        if s.plugin == plugin
        and s.kind == "payable"
        and (mandate is None or mandate.allows("view", s.id))
    )
