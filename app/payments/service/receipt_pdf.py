"""The PDF of a receipt: one page in Chinese and English, with a code that anybody can check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """What a receipt shows."""

    series: str
    number: int
    code: str
    issued_at: datetime
    amount: int
    currency: str
    sections: Sequence[Mapping[str, Any]]
    verify_url: str


def render_receipt(content: ReceiptPage) -> bytes:
    """Return the PDF of a receipt."""
    raise NotImplementedError
