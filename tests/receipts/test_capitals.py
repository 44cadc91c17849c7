"""Amounts in capitals, against the rules of thumb of a bank clerk and read back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.receipts.service.capitals import amount_in_capitals


@pytest.mark.parametrize(
    ("yuan", "capitals"),
    [
        ("0.00", "零元整"),
        ("0.01", "壹分"),
        ("0.10", "壹角整"),
        ("0.56", "伍角陆分"),
        ("1.00", "壹元整"),
        ("10.00", "壹拾元整"),
        ("10.50", "壹拾元伍角整"),
        ("42.50", "肆拾贰元伍角整"),
        ("42.05", "肆拾贰元零伍分"),
        ("100.00", "壹佰元整"),
        ("101.00", "壹佰零壹元整"),
        ("110.01", "壹佰壹拾元零壹分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("1001.00", "壹仟零壹元整"),
        ("1409.50", "壹仟肆佰零玖元伍角整"),
        ("1680.32", "壹仟陆佰捌拾元叁角贰分"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("10000.00", "壹万元整"),
        ("10001.00", "壹万零壹元整"),
        ("10010.00", "壹万零壹拾元整"),
        ("11000.00", "壹万壹仟元整"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("107000.53", "壹拾万柒仟元伍角叁分"),
        ("1000000.00", "壹佰万元整"),
        ("10000001.00", "壹仟万零壹元整"),
        ("20030405.06", "贰仟零叁万零肆佰零伍元零陆分"),
        ("99999999.99", "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
        ("100000000.00", "壹亿元整"),
        ("100000001.00", "壹亿零壹元整"),
        ("100001000.00", "壹亿零壹仟元整"),
        ("100010000.00", "壹亿零壹万元整"),
        ("100010001.00", "壹亿零壹万零壹元整"),
        ("110000000.00", "壹亿壹仟万元整"),
        ("1010000000.00", "壹拾亿壹仟万元整"),
        ("2000000000.00", "贰拾亿元整"),
        ("999999999999.99", "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_capitals_as_a_bank_writes_them(yuan: str, capitals: str) -> None:
    assert amount_in_capitals(int(yuan.replace(".", ""))) == capitals


# The rules of thumb for cheques: write every digit with its place, then strike the spare zeros.
STRIKES = (
    ("零[仟佰拾]", "零"),
    ("零+", "零"),
    ("零([亿万元])", r"\1"),
    ("亿万", "亿零"),
    ("零+", "零"),
    ("零元", "元"),
    ("^[零亿万]*元?", ""),
    ("零角零分$", "整"),
    ("零分$", "整"),
    ("零角", "零"),
    ("^零", ""),
    ("^整$", "零元整"),
)
amounts = st.one_of(
    st.integers(0, 10**14 - 1),
    st.text("00000123456789", min_size=1, max_size=14).map(int),
)


def by_striking(amount: int) -> str:
    digits = f"{amount:014d}".translate(str.maketrans("0123456789", "零壹贰叁肆伍陆柒捌玖"))
    places = "仟佰拾亿仟佰拾万仟佰拾元角分"
    words = "".join(digit + place for digit, place in zip(digits, places, strict=True))
    for pattern, instead in STRIKES:
        words = re.sub(pattern, instead, words)
    return words


def value(capitals: str) -> int:
    """Read capitals back: the other direction, knowing nothing of zeros."""
    whole, _, rest = capitals.rpartition("元")
    total = group = digit = 0
    for character in whole:
        if character in "亿万":
            total, group, digit = (
                total + (group + digit) * {"亿": 10**8, "万": 10**4}[character],
                0,
                0,
            )
        elif character in "拾佰仟":
            group, digit = group + digit * {"拾": 10, "佰": 100, "仟": 1000}[character], 0
        else:
            digit = "零壹贰叁肆伍陆柒捌玖".index(character)
    cents = {unit: "零壹贰叁肆伍陆柒捌玖".index(d) for d, unit in re.findall("(.)([角分])", rest)}
    return (total + group + digit) * 100 + cents.get("角", 0) * 10 + cents.get("分", 0)


@given(amounts)
def test_capitals_agree_with_the_rules_of_thumb(amount: int) -> None:
    assert amount_in_capitals(amount) == by_striking(amount)


@given(amounts)
def test_capitals_can_be_read_back_and_leave_no_room_for_forgery(amount: int) -> None:
    capitals = amount_in_capitals(amount)
    assert value(capitals) == amount
    assert "零零" not in capitals
    assert re.search("零[拾佰仟万亿角分]", capitals) is None
    assert capitals.endswith("分" if amount % 10 else "整")
    # every place has a digit in front: 壹拾, never a bare 拾
    assert re.search("(^|[零拾佰仟万亿元角分])[拾佰仟角分]", capitals) is None


@pytest.mark.parametrize("amount", [-1, 10**14])
def test_amounts_without_capitals_are_refused(amount: int) -> None:
    with pytest.raises(ValueError, match="no capitals"):
        amount_in_capitals(amount)
