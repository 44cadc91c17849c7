"""What a biller says of a bill beside its amount: lines, a meter's reading, steps of the price."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

MOST_LINES = 60
MOST_TEXT = 60
_MOST = 10**10
_NUMBER = re.compile(r"[0-9]{1,11}(\.[0-9]{1,6})?")


class LineKind(StrEnum):
    """What a line of a bill is."""

    CHARGE = "charge"
    FEE = "fee"
    TAX = "tax"
    PENALTY = "penalty"
    REBATE = "rebate"
    ADVANCE = "advance"


class MeterStatus(StrEnum):
    """In what state a meter was when it was read."""

    WORKING = "working"
    LOCKED = "locked"
    BREAKDOWN = "breakdown"
    NO_METER = "no_meter"
    RESET = "reset"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill, in fen; a rebate is negative. A lower `order` is paid first."""

    head: str
    kind: LineKind
    order: int
    amount: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter showed before and after; `digits` is where it begins again at zero."""

    previous: Decimal
    current: Decimal
    unit: str
    status: MeterStatus
    digits: int | None


@dataclass(frozen=True, slots=True)
class BilledStep:
    """One step of the price as the biller reckoned it: quantity times price in fen."""

    beyond: Decimal
    to: Decimal | None
    price: Decimal
    quantity: Decimal
    amount: int


@dataclass(frozen=True, slots=True)
class BillDetail:
    """What a bill is made of, where its biller says so."""

    lines: tuple[BillLine, ...] = ()
    reading: Reading | None = None
    steps: tuple[BilledStep, ...] = ()


def read_detail(raw: Mapping[str, Any]) -> BillDetail:
    """Return the detail that JSON values say, strictly; raise `ValueError`.

    What does not add up is read as it is told: saying so is the explanation's.
    """
    reading = raw.get("reading")
    return BillDetail(
        lines=tuple(_line(item) for item in _items(raw.get("lines", []))),
        reading=None if reading is None else _reading(_object(reading)),
        steps=tuple(_step(item) for item in _items(raw.get("steps", []))),
    )


def _line(raw: Mapping[str, Any]) -> BillLine:
    return BillLine(
        head=_text(raw.get("head")),
        kind=LineKind(_text(raw.get("kind"))),
        order=_whole(raw.get("order"), least=0),
        amount=_whole(raw.get("amount"), least=-_MOST),
    )


def _reading(raw: Mapping[str, Any]) -> Reading:
    digits = raw.get("digits")
    return Reading(
        previous=_number(raw.get("previous")),
        current=_number(raw.get("current")),
        unit=_text(raw.get("unit")),
        status=MeterStatus(_text(raw.get("status"))),
        digits=None if digits is None else min(_whole(digits, least=1), 12),
    )


def _step(raw: Mapping[str, Any]) -> BilledStep:
    to = raw.get("to")
    return BilledStep(
        beyond=_number(raw.get("beyond")),
        to=None if to is None else _number(to),
        price=_number(raw.get("price")),
        quantity=_number(raw.get("quantity")),
        amount=_whole(raw.get("amount"), least=0),
    )


def _items(raw: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(raw, list) or len(raw) > MOST_LINES:
        raise ValueError("a short list was expected")
    return [_object(item) for item in raw]


def _object(raw: object) -> Mapping[str, Any]:
    if isinstance(raw, Mapping):
        return raw
    raise ValueError("an object was expected")


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not 0 < len(raw) <= MOST_TEXT or not raw.isprintable():
        raise ValueError("a short text was expected")
    return raw


def _whole(raw: object, *, least: int) -> int:
    if type(raw) is not int or not least <= raw <= _MOST:
        raise ValueError("a whole number was expected")
    return raw


def _number(raw: object) -> Decimal:
    """Return a number that is written as a text, so that nobody rounds it on the way."""
    plain = _text(raw)
    if _NUMBER.fullmatch(plain) is None:
        raise ValueError("a plain number was expected")
    return Decimal(plain)
