"""Resident identity numbers."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity.errors import DocumentNotSupported, ResidentIdInvalid
from app.identity.service.resident_id import born_on, canonical_resident_id
from tests.factories import later, today_for

# Worked out by hand from GB 11643: the first is the standard's own example.
GOOD = ["11010519491231002X", "440524188001010014"]
WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
BIRTHDAYS = st.dates(date(1850, 1, 1), date(2026, 11, 21))


def with_check(body: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


@st.composite
def numbers(draw: st.DrawFn) -> str:
    area = draw(st.integers(100_000, 999_999))
    return with_check(f"{area}{draw(BIRTHDAYS):%Y%m%d}{draw(st.integers(0, 999)):03d}")


@pytest.mark.parametrize("number", GOOD)
def test_good_numbers(number: str) -> None:
    assert canonical_resident_id(number) == number
    assert canonical_resident_id(f" {number.lower()} ") == number


@pytest.mark.parametrize(
    "number",
    [
        "",
        "11010519491231002",
        "11010519491231002XX",
        "110105194912310020",
        "110105194902300023",
        "010105194912310024",
        "1101051949123100２X",
        "110105491231002",
        "A1010519491231002X",
        "110105194912310O2X",
        "11010519491231002Ⅹ",
    ],
)
def test_bad_numbers(number: str) -> None:
    with pytest.raises(ResidentIdInvalid):
        canonical_resident_id(number)


@pytest.mark.parametrize(
    ("area", "born"),
    [
        ("420381", "19800214"),  # Danjiangkou got its code in 1994
        ("420304", "19750630"),  # Yunyang in 2014
        ("420322", "19431008"),  # Yunxi, Zhushan, Zhuxi and Fang before 1994
        ("420323", "19660117"),
        ("420324", "19581201"),
        ("420325", "19900505"),
        ("512201", "19700101"),  # Wanxian, long dissolved
        ("810000", "19880808"),  # residence permits: Hong Kong, Macau, Taiwan
        ("820000", "19990909"),
        ("830000", "20001010"),
        ("911840", "19850505"),  # a foreigner's card of permanent residence
    ],
)
def test_the_area_decides_nothing(area: str, born: str) -> None:
    number = with_check(f"{area}{born}012")
    assert canonical_resident_id(number) == number


@pytest.mark.parametrize("number", ["BGR110074052700", "usa420082110901"])
def test_a_permit_of_the_older_form_is_refused_by_name(number: str) -> None:
    with pytest.raises(DocumentNotSupported):
        canonical_resident_id(number)


@pytest.mark.parametrize(
    "born",
    [
        "20210229",
        "19000229",
        "20201301",
        "20200001",
        "20200100",
        "20200431",
        "29990101",
        "18491231",
    ],
)
def test_a_birthday_that_is_none_is_refused(born: str) -> None:
    with pytest.raises(ResidentIdInvalid):
        canonical_resident_id(with_check(f"420302{born}001"))


def test_a_birthday_counts_from_its_own_day_in_the_city() -> None:
    tomorrow = today_for(5) + timedelta(days=1)
    number = with_check(f"420302{tomorrow:%Y%m%d}001")
    with pytest.raises(ResidentIdInvalid):
        canonical_resident_id(number)
    with later(86_400):
        assert canonical_resident_id(number) == number
    assert canonical_resident_id(with_check("42030220200229001"))


@given(numbers())
def test_every_number_of_the_standard_is_taken_as_it_is(number: str) -> None:
    assert canonical_resident_id(f"  {number.lower()}\t") == number
    assert f"{born_on(number):%Y%m%d}" == number[6:14]


@given(numbers(), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(number: str, place: int, step: int) -> None:
    digit = (int(number[place]) + step) % 10
    with pytest.raises(ResidentIdInvalid):
        canonical_resident_id(f"{number[:place]}{digit}{number[place + 1 :]}")


@given(numbers(), st.integers(0, 15))
def test_two_neighbours_changed_round_are_always_found(number: str, place: int) -> None:
    left, right = number[place], number[place + 1]
    swapped = number[:place] + right + left + number[place + 2 :]
    if left == right:
        assert canonical_resident_id(swapped) == number
    else:
        with pytest.raises(ResidentIdInvalid):
            canonical_resident_id(swapped)


@given(st.one_of(st.text(max_size=24), st.text("0123456789xX", min_size=17, max_size=19)))
def test_any_other_text_is_refused_and_nothing_worse(text: str) -> None:
    try:
        number = canonical_resident_id(text)
    except (ResidentIdInvalid, DocumentNotSupported):
        return
    assert number == text.strip().upper() == with_check(number[:17])
