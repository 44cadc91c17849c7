"""What this process can offer now, and in citizens' words why it cannot offer the rest."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.catalog.values import Table
from app.sdk.registry import Service, ServiceUnavailable

# The registry keeps a reason as one text: a sentence in Chinese, then the same in English.
_BOTH_LANGUAGES = re.compile(r"(.*[\u3000-\u9fff\uff00-\uffef])\s*(.*)", re.DOTALL)
_NOBODY = {"zh": ServiceUnavailable.title_zh, "en": ServiceUnavailable.title_en}

Reason = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Offer:
    """The services that plug-ins of this process declare, and why some cannot be used now."""

    declared: frozenset[str]
    closed: Mapping[str, Reason]

    def reason(self, service: Table) -> Reason | None:
        """Return why a service cannot be used, or None; a guide needs nobody to provide it."""
        found = self.closed.get(service["id"])
        if found is None and service["kind"] != "guide" and service["id"] not in self.declared:
            return _NOBODY
        return found


def read_offer(services: Iterable[Service]) -> Offer:
    """Return what the services of a registry amount to."""
    known = list(services)
    closed = {s.id: _split(s.unavailable) for s in known if s.unavailable is not None}
    return Offer(frozenset(service.id for service in known), closed)


def _split(reason: str) -> Reason:
    found = _BOTH_LANGUAGES.fullmatch(reason)
    zh, en = found.groups() if found else ("", reason)
    return {"zh": zh.strip() or _NOBODY["zh"], "en": en.strip() or _NOBODY["en"]}
