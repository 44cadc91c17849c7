"""Money is whole fen of one currency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import Money, yuan

amounts = st.integers(-(10**12), 10**12)


@given(amounts, amounts)
def test_adding_is_exact(one: int, two: int) -> None:
    assert Money(one) + Money(two) == Money(one + two)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="CNY and USD cannot be added"):
        Money(1) + Money(1, "USD")


@pytest.mark.parametrize(
    ("amount", "said", "shown"),
    [
        (0, "0.00 CNY", "¥0.00"),
        (1, "0.01 CNY", "¥0.01"),
        (-1, "-0.01 CNY", "-¥0.01"),
        (4250, "42.50 CNY", "¥42.50"),
        (-100, "-1.00 CNY", "-¥1.00"),
        (123456789, "1,234,567.89 CNY", "¥1,234,567.89"),
    ],
)
def test_it_is_said_as_people_say_it(amount: int, said: str, shown: str) -> None:
    assert (str(Money(amount)), yuan(amount)) == (said, shown)


@given(amounts)
def test_what_is_shown_is_what_is_meant(amount: int) -> None:
    digits = yuan(amount).replace("¥", "").replace(",", "").replace(".", "")
    assert int(digits) == amount
