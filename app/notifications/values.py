"""What citizens are told: the templates, and how their parameters are shown."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from app.core.clock import CITY_TIME
from app.core.money import yuan

Kind = Literal[
    "payment-received",
    "receipt-issued",
    "receipt-reversed",
    "refund-succeeded",
    "payment-refunded-item",
    "refund-approved",
    "refund-declined",
    "refund-delayed",
    "dispute-opened",
    "dispute-closed",
    "new-device",
    "factor-changed",
    "password-reset",
    "phone-changed",
    "assurance-lowered",
    "identity-confirmed",
    "account-locked",
    "mandate-invitation",
    "mandate-to-confirm",
    "mandate-began",
    "mandate-narrowed",
    "mandate-ended",
    "mandate-paid",
    "mandate-acted",
    "guardianship-began",
    "guardianship-ended",
    "organisation-changed",
    "export-ready",
    "correction-decided",
    "closure-asked",
    "autopay-began",
    "autopay-ended",
    "autopay-stopped",
    "autopay-announced",
    "autopay-held",
    "autopay-declined",
    "autopay-given-up",
]
Shown = str | int | date
"""What a text may show: `amount` in fen as yuan, a `datetime` in the city's time."""
Params = Mapping[str, Shown]


class DeliveryStatus(StrEnum):
    """How far a message has come on one channel."""

    QUEUED = "queued"
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True)
class Text:
    """One message, rendered: what the inbox shows, and what goes out by SMS."""

    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    sms: str


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of message; `params` are the names it needs, neither more nor fewer."""

    params: frozenset[str]
    text: Text

    def render(self, params: Params) -> Text:
        """Return the message, or raise `ValueError` when the parameters are not its own."""
        if params.keys() != self.params:
            raise ValueError(f"needs {sorted(self.params)}, was given {sorted(params)}")
        shown = {name: _show(name, value) for name, value in params.items()}
        return Text(
            title_zh=self.text.title_zh.format_map(shown),
            title_en=self.text.title_en.format_map(shown),
            body_zh=self.text.body_zh.format_map(shown),
            body_en=self.text.body_en.format_map(shown),
            sms=self.text.sms.format_map(shown),
        )


def _show(name: str, value: Shown) -> str:
    if isinstance(value, datetime):
        return value.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M")
    if name == "amount" and isinstance(value, int):
        return yuan(value)
    return str(value)


def read_templates(path: Path) -> Mapping[str, Template]:
    """Return the templates of a file by their kind; raise `KeyError` for what it does not say."""
    return {
        kind: Template(
            params=frozenset(entry["params"]),
            text=Text(
                title_zh=entry["title"]["zh"],
                title_en=entry["title"]["en"],
                body_zh=entry["body"]["zh"],
                body_en=entry["body"]["en"],
                sms=entry["sms"],
            ),
        )
        for kind, entry in tomllib.loads(path.read_text(encoding="utf-8")).items()
    }


TEMPLATES = read_templates(Path(__file__).with_name("templates.toml"))
