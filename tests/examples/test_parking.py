"""The example company: what a stay costs, what is booked, and that it knows nothing of ours."""

import ast
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.settings import ROOT
from examples.parking.books import Refused
from examples.parking.fees import Fees, Notice, price
from examples.parking.places import CAR_PARKS, Places, Wish

FOLDER = ROOT / "examples" / "parking"
LIBRARIES = {"cryptography"}


def notice(
    key: str = "k", reference: str = "F-1", amount: int = 600, payee: str = "wudang-parking"
) -> Notice:
    return Notice(key, reference, amount, "CNY", "2026-11-29T00:00:00+00:00", payee)


@pytest.fixture
def fees(tmp_path: Path) -> Fees:
    made = Fees(tmp_path / "books.sqlite")
    made.record_stay("F-1", "鄂C·A1234", 95)
    return made


def test_it_imports_the_standard_library_and_one_other() -> None:
    named: set[str] = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                named.add(str(node.module).partition(".")[0])
    assert named - set(sys.stdlib_module_names) == LIBRARIES


@pytest.mark.parametrize(
    ("minutes", "fen"),
    [(0, 0), (15, 0), (16, 300), (60, 300), (61, 600), (600, 3000), (1440, 3000), (1500, 3300)],
)
def test_a_stay_costs_by_the_begun_hour(minutes: int, fen: int) -> None:
    assert price(minutes) == fen


def test_a_free_stay_is_no_fee(fees: Fees) -> None:
    assert fees.record_stay("F-2", "鄂C·A1234", 10) is None
    with pytest.raises(Refused) as refused:
        fees.find("F-2")
    assert refused.value.code == "no-such-fee"


def test_a_notice_is_booked_once_and_answered_alike(fees: Fees) -> None:
    first = fees.book(notice())
    assert fees.book(notice()) == first == fees.find_booking("k")
    for other, code in (
        (notice(key="other"), "already-paid"),
        (notice(amount=1), "key-reused"),
        (notice(reference="F-9"), "key-reused"),
    ):
        with pytest.raises(Refused) as refused:
            fees.book(other)
        assert refused.value.code == code
    with pytest.raises(Refused):
        fees.find_booking("other")


@pytest.mark.parametrize(
    "wrong", [notice(amount=601), notice(payee="cousin"), notice(reference="F-9")]
)
def test_what_is_not_owed_is_not_booked(fees: Fees, wrong: Notice) -> None:
    with pytest.raises(Refused):
        fees.book(wrong)
    with pytest.raises(Refused) as refused:
        fees.find_booking("k")
    assert refused.value.code == "no-such-payment"
    assert fees.find("F-1").amount == 600


def test_the_books_themselves_hold_a_payment_to_one(fees: Fees, tmp_path: Path) -> None:
    fees.book(notice())
    books = sqlite3.connect(tmp_path / "books.sqlite")
    with pytest.raises(sqlite3.IntegrityError):
        books.execute(
            "INSERT INTO payments (key, reference, amount, paid_at, booked_at)"
            " VALUES ('another', 'F-1', 600, '', '')"
        )
    books.close()


def test_a_nonce_is_claimed_once_and_forgotten_when_it_is_over(fees: Fees) -> None:
    assert fees.claim_nonce("n", expires=100, at=50)
    assert not fees.claim_nonce("n", expires=100, at=99)
    assert fees.claim_nonce("n", expires=200, at=101)


def test_a_citizen_is_forgotten_and_what_was_paid_is_not(fees: Fees) -> None:
    fees.remember("somebody", "F-1")
    fees.book(notice())
    fees.forget("somebody")
    assert fees.data_of("somebody") == []
    assert fees.find_booking("k").reference == "PK-000001"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "books.sqlite")


def wish(car_park: str = "north", citizen: str = "somebody", minutes: int = 90) -> Wish:
    return Wish(citizen, car_park, "鄂C·A1234", minutes)


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.status, refused.value.code


def test_a_place_is_reserved_once_for_a_key(places: Places) -> None:
    assert places.reserve("k", wish()) == places.reserve("k", wish()) == "R-000001"
    assert places.count_free("north", None) == CAR_PARKS["north"] - 1
    for other in (wish("golden-summit"), wish(citizen="else"), wish(minutes=91)):
        assert refusal(lambda: places.reserve("k", other)) == (422, "key-reused")  # noqa: B023
    assert places.reserve("other", wish()) == "R-000002"


def test_five_at_once_with_one_key_get_one_place(places: Places) -> None:
    with ThreadPoolExecutor(5) as pool:
        numbers = set(pool.map(lambda _: places.reserve("k", wish()), range(5)))
    assert numbers == {"R-000001"}
    assert places.count_free("north", None) == CAR_PARKS["north"] - 1


def test_a_full_car_park_reserves_no_more(places: Places) -> None:
    full = CAR_PARKS["golden-summit"]
    for number in range(full):
        places.reserve(str(number), wish("golden-summit"))
    assert places.count_free("golden-summit", None) == 0
    assert refusal(lambda: places.reserve("more", wish("golden-summit"))) == (409, "no-space")
    assert places.reserve("0", wish("golden-summit")) == "R-000001", "a repeat is no new one"
    places.forget("somebody")
    assert places.count_free("golden-summit", None) == full
    assert places.data_of("somebody") == []


def test_a_place_is_free_again_when_its_time_is_over(places: Places, tmp_path: Path) -> None:
    places.reserve("k", wish())
    books = sqlite3.connect(tmp_path / "books.sqlite")
    books.execute("UPDATE reservations SET until = '2026-01-01T00:00:00.000+00:00'")
    books.commit()
    books.close()
    assert places.count_free("north", None) == CAR_PARKS["north"]


def test_who_wants_to_know_of_a_day_reads_of_its_beginning(places: Places) -> None:
    places.reserve("k", wish(minutes=1440))
    assert places.count_free("north", "2000-01-01") == CAR_PARKS["north"] - 1, "as it is now"
    assert places.count_free("north", "2999-12-31") == CAR_PARKS["north"]
    for day in ("2026-02-30", "tomorrow!!", "0000-00-00"):
        assert refusal(lambda: places.count_free("north", day)) == (422, "no-such-day")  # noqa: B023
    assert refusal(lambda: places.count_free("south", None)) == (404, "no-such-car-park")
    assert refusal(lambda: places.reserve("k", wish("south"))) == (404, "no-such-car-park")


def test_what_is_kept_about_a_citizen_is_theirs_alone(places: Places) -> None:
    places.reserve("a", wish())
    places.reserve("b", wish(citizen="else"))
    (kept,) = places.data_of("somebody")
    assert kept.pop("until") > "2026"
    assert kept == {
        "number": "R-000001",
        "car_park": "north",
        "plate": "鄂C·A1234",
        "minutes": 90,
    }
    places.forget("somebody")
    assert [one["number"] for one in places.data_of("else")] == ["R-000002"]
