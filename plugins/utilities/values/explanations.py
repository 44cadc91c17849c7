"""What a bill's figures are when they are reckoned once more, and how much was used when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class FigureKind(StrEnum):
    """Which figure is reckoned: the use, a step of the price, charges, all lines, lateness."""

    QUANTITY = "quantity"
    STEP = "step"
    CHARGES = "charges"
    LINES = "lines"
    LATE_FEE = "late_fee"


class Doubt(StrEnum):
    """Why a figure cannot be reckoned."""

    NO_READING = "no-reading"
    METER_NOT_WORKING = "meter-not-working"
    READINGS_GO_BACKWARDS = "readings-go-backwards"
    NO_RULE = "no-rule"


@dataclass(frozen=True, slots=True)
class ExplainedFigure:
    """One figure as the biller told it and as the rule makes it; None where there is none.

    `differs` is true when both are there and are not the same. `rule` and `source` name where the
    reckoning comes from, `unit` is `fen` or the meter's.
    """

    kind: FigureKind
    unit: str
    told: Decimal | None
    reckoned: Decimal | None
    rule: str | None = None
    source: str | None = None
    doubt: Doubt | None = None
    beyond: Decimal | None = None
    to: Decimal | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None

    @property
    def differs(self) -> bool:
        """Say whether the biller's figure is another one than the rule's."""
        return self.told is not None and self.reckoned is not None and self.told != self.reckoned


@dataclass(frozen=True, slots=True)
class Explanation:
    """A bill reckoned once more; `is_unusual` compares its use with the periods before."""

    bill_id: UUID
    amount: int
    currency: str
    figures: Sequence[ExplainedFigure]
    differs: bool
    is_unusual: bool
    usual: Decimal | None


@dataclass(frozen=True, slots=True)
class Consumed:
    """What was used in one period and what it cost; `usual` is the median of those before."""

    bill_id: UUID
    period_from: date
    period_to: date
    quantity: Decimal | None
    unit: str | None
    amount: int
    currency: str
    usual: Decimal | None
    is_unusual: bool
