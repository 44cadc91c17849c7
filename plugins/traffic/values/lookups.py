"""Decisions that are found by two facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from plugins.traffic.values.dues import DueView

SECOND_FACT = r"[A-Z0-9]{6}|[0-9]{3}[0-9X]"


@dataclass(frozen=True, slots=True)
class FoundDecision:
    """A decision as somebody sees it who knows two facts of it."""

    decision_no: str
    status: str
    title: Mapping[str, Any]
    plate_masked: str
    dues: tuple[DueView, ...]
    payable_until: datetime


@dataclass(frozen=True, slots=True)
class AdmittedGuest:
    """What somebody without an account may pay, and the token to pay it with."""

    decision: FoundDecision
    service: str
    reference: str
    token: str = field(repr=False)
