"""Money: integer minor units (fen) and an ISO 4217 code, never a float."""

from dataclasses import dataclass

MAX_AMOUNT = 10**10
"""The largest amount of one item, in minor units: ten to the tenth, one hundred million yuan."""

CURRENCIES = ("CNY",)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency; adding another currency raises ValueError."""

    amount: int
    currency: str = "CNY"

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        return Money(self.amount + other.amount, self.currency)

    def __str__(self) -> str:
        sign = "-" if self.amount < 0 else ""
        whole, cents = divmod(abs(self.amount), 100)
        return f"{sign}{whole:,}.{cents:02d} {self.currency}"


def yuan(amount: int) -> str:
    """Return fen as citizens read them: 4250 -> ¥42.50."""
    sign = "-" if amount < 0 else ""
    whole, cents = divmod(abs(amount), 100)
    return f"{sign}¥{whole:,}.{cents:02d}"
