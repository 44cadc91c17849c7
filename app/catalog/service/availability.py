"""What this process can offer now, and in citizens' words why it cannot offer the rest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from app.catalog.values import Table
from app.core.clock import now
from app.sdk.registry import Closed, Service, ServiceUnavailable

_NOBODY = Closed({"zh": ServiceUnavailable.title_zh, "en": ServiceUnavailable.title_en})


@dataclass(frozen=True, slots=True)
class Offer:
    """The services that plug-ins of this process declare, and why some cannot be used now.

    `entered` are those that have a page of their provider's.
    """

    declared: frozenset[str]
    closed: Mapping[str, Closed]
    entered: frozenset[str] = frozenset()

    def reason(self, service: Table) -> Closed | None:
        """Return why a service cannot be used, or None; a guide needs nobody to provide it."""
        found = self.closed.get(service["id"])
        if found is None and service["kind"] != "guide" and service["id"] not in self.declared:
            return _NOBODY
        return found


def read_offer(services: Iterable[Service]) -> Offer:
    """Return what the services of a registry amount to; one on trial is closed to the public.

    A return that was expected and is over is not promised any more.
    """
    known = list(services)
    reasons = {service.id: service.unavailable or service.trial for service in known}
    closed = {own: _now(reason) for own, reason in reasons.items() if reason is not None}
    entered = frozenset(service.id for service in known if service.page is not None)
    return Offer(frozenset(reasons), closed, entered)


def _now(closed: Closed) -> Closed:
    is_over = closed.expected_return is not None and closed.expected_return <= now()
    return replace(closed, expected_return=None) if is_over else closed
