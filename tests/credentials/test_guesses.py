"""Against guessing: what is counted, where it stops, and that unknown names look the same."""

from app.credentials import service
from app.credentials.errors import MeansBlocked, TooManyGuesses
from app.credentials.values import Owner, Policy
from app.factory import Rooms
from tests.credentials.support import (
    ELSEWHERE,
    GOOD,
    OTHER,
    citizen,
    deps_of,
    within,
)
from tests.factories import later, to_the_next
from tests.identity.support import count, in_parallel

DAY = 86_400
ACCOUNTS = "select coalesce(max(consecutive), -1) from guess_counters where account = :account"


def account(rooms: Rooms, owner: Owner | None, claimed: str = "") -> bytes:
    name = f"{owner.kind}:{owner.id}" if owner else f"nobody:{claimed}"
    return deps_of(rooms).keyring.code_digest("guessed-account", name)


def guess(
    rooms: Rooms,
    owner: Owner | None,
    password: str = OTHER,
    *,
    claimed: str = "",
    address: str = ELSEWHERE,
    **changes: object,
) -> str:
    """Try a password and return how it came out."""
    deps = deps_of(rooms, **changes)
    try:
        found = within(
            rooms,
            lambda uow: service.check_password(uow, deps, owner, password, claimed=claimed),
            address,
        )
    except (TooManyGuesses, MeansBlocked) as refusal:
        return refusal.code
    return "right" if found.is_right else "wrong"


def with_password(rooms: Rooms) -> Owner:
    owner = citizen()
    deps = deps_of(rooms)
    within(rooms, lambda uow: service.set_password(uow, deps, owner, GOOD, Policy.CITIZEN))
    return owner


def test_ten_failures_in_a_quarter_of_an_hour_from_one_network(rooms: Rooms) -> None:
    owner = with_password(rooms)
    outcomes = [guess(rooms, owner) for _ in range(12)]
    assert outcomes == ["wrong"] * 10 + ["too-many-guesses"] * 2
    assert guess(rooms, owner, GOOD) == "too-many-guesses"
    assert guess(rooms, owner, GOOD, address="198.51.100.1") == "right"
    with later(901):
        assert guess(rooms, owner, GOOD) == "right"


def test_a_right_one_clears_the_failures_before_it(rooms: Rooms) -> None:
    owner = with_password(rooms)
    for _ in range(3):
        assert [guess(rooms, owner) for _ in range(9)] == ["wrong"] * 9
        assert guess(rooms, owner, GOOD) == "right"
    assert count(rooms, ACCOUNTS, account=account(rooms, owner)) == 0


def test_parallel_guesses_do_not_pass_the_limit(rooms: Rooms) -> None:
    owner = with_password(rooms)
    outcomes = in_parallel([lambda: guess(rooms, owner)] * 40)
    assert (outcomes.count("wrong"), outcomes.count("too-many-guesses")) == (10, 30)


def test_a_hundred_in_a_row_from_anywhere_shut_the_password_and_nothing_else(
    rooms: Rooms,
) -> None:
    owner = with_password(rooms)
    outcomes = [guess(rooms, owner, address=f"198.18.{turn}.1") for turn in range(103)]
    assert outcomes == ["wrong"] * 100 + ["means-blocked"] * 3
    assert guess(rooms, owner, GOOD) == "means-blocked"
    with later(400 * DAY):
        assert guess(rooms, owner, GOOD) == "means-blocked"
        within(rooms, service.forget_expired)
        assert guess(rooms, owner, GOOD) == "means-blocked"
    deps = deps_of(rooms)
    codes = within(rooms, lambda uow: service.make_recovery_codes(uow, deps, owner))
    assert within(rooms, lambda uow: service.use_recovery_code(uow, deps, owner, codes[0]))
    within(rooms, lambda uow: service.set_password(uow, deps, owner, OTHER, Policy.CITIZEN))
    assert guess(rooms, owner, OTHER) == "right"


def test_a_name_that_nobody_has_is_counted_and_shut_like_any_other(rooms: Rooms) -> None:
    owner, claimed = with_password(rooms), "+8613800000001"
    known = [guess(rooms, owner) for _ in range(12)]
    unknown = [guess(rooms, None, claimed=claimed) for _ in range(12)]
    assert known == unknown
    known = [guess(rooms, owner, address=f"198.19.{turn}.1") for turn in range(95)]
    unknown = [
        guess(rooms, None, claimed=claimed, address=f"198.19.{turn}.1") for turn in range(95)
    ]
    assert known == unknown == ["wrong"] * 90 + ["means-blocked"] * 5
    assert count(rooms, ACCOUNTS, account=account(rooms, None, claimed)) == 100


def test_guessing_all_over_the_city_is_braked_for_ten_minutes(rooms: Rooms) -> None:
    owner = with_password(rooms)
    begin = 70 * DAY + to_the_next(600)
    with later(begin):
        outcomes = [
            guess(rooms, citizen(), address=f"198.20.{turn}.1", failed_passwords=5)
            for turn in range(8)
        ]
        assert outcomes == ["wrong"] * 5 + ["too-many-guesses"] * 3
        assert guess(rooms, owner, GOOD, failed_passwords=5) == "too-many-guesses"
        at_home = guess(rooms, owner, GOOD, address="127.0.0.1", failed_passwords=5)
        assert at_home == "right"
    with later(begin + 601):
        assert guess(rooms, owner, GOOD, failed_passwords=5) == "right"


def test_failures_are_forgotten_in_time(rooms: Rooms) -> None:
    owner = with_password(rooms)
    guess(rooms, owner)
    mine = account(rooms, owner)
    rows = "select count(*) from guesses where account = :account"
    with later(2 * DAY):
        within(rooms, service.forget_expired)
        assert count(rooms, rows, account=mine) == 0
        assert count(rooms, ACCOUNTS, account=mine) == 1
    with later(91 * DAY):
        within(rooms, service.forget_expired)
        assert count(rooms, ACCOUNTS, account=mine) == -1


def test_each_failure_is_in_the_trail(rooms: Rooms) -> None:
    owner = with_password(rooms)
    for _ in range(11):
        guess(rooms, owner)
    rows = (
        "select count(*) from audit_entries where subject_id = :id and event = "
        "'credentials.guessed' and result = 'refused'"
    )
    assert count(rooms, rows, id=owner.id) == 11
