"""What meets in the same moment has one lawful outcome: positions, applications, withdrawals."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from app.factory import Rooms
from app.sdk import House
from plugins.jobs import service
from tests.plugins.jobs.rows import many, one
from tests.plugins.jobs.seekers import (
    Firm,
    apply_for,
    at_once,
    attempt,
    make_applicant,
    make_firm,
    statuses,
)

RACES = [
    pytest.param(12, id="short"),
    pytest.param(200, marks=pytest.mark.timed, id="two-hundred"),
]
HIRES = "select count(*) from plugin_jobs.hires where vacancy_id = :id"
COPIES = (
    "select count(*) from plugin_jobs.cv_shares where application_id = cast(:id as uuid)"
    " and cv_sealed is not null"
)


@pytest.fixture
def firm(rooms: Rooms, house: House) -> Firm:
    return make_firm(rooms, house)


@pytest.mark.promise("jobs")
@pytest.mark.parametrize("races", RACES)
def test_two_hires_for_the_last_position(
    rooms: Rooms, house: House, firm: Firm, races: int, shows: Callable[[str], None]
) -> None:
    for _ in range(races):
        vacancy = firm.vacancy()
        pair = [apply_for(house, make_applicant(rooms, house), vacancy) for _ in range(2)]
        came = at_once(*(lambda one=one: firm.hire(one) for one in pair))
        assert sorted(came) == ["done", "no-position-left"]
        assert sorted(statuses(rooms, pair)) == ["accepted", "refused"]
        assert statuses(rooms, [pair[came.index("done")]]) == ["accepted"]
        assert (firm.status_of(vacancy), one(rooms, HIRES, id=vacancy)) == ("filled", 1)
        assert one(rooms, COPIES, id=pair[came.index("no-position-left")]) == 0
    shows(f"{races} races hire/hire on the last position: {races} times one hire")


@pytest.mark.promise("jobs")
@pytest.mark.parametrize("races", RACES)
def test_the_same_application_twice(
    rooms: Rooms, house: House, firm: Firm, races: int, shows: Callable[[str], None]
) -> None:
    living = (
        "select count(*) from plugin_jobs.applications"
        " where citizen_reference = :who and vacancy_id = :id"
    )
    for _ in range(races):
        vacancy, me = firm.vacancy(), make_applicant(rooms, house)

        def apply(vacancy: object = vacancy, me: object = me) -> str:
            return attempt(house, lambda uow: service.apply_for(house, uow, me, vacancy, ""))

        assert sorted(at_once(apply, apply)) == ["already-applied", "done"]
        assert one(rooms, living, who=me.reference, id=vacancy) == 1
    shows(f"{races} races apply/apply: {races} times one application")


@pytest.mark.promise("jobs")
@pytest.mark.parametrize("races", RACES)
def test_a_withdrawal_meets_a_hire(
    rooms: Rooms, house: House, firm: Firm, races: int, shows: Callable[[str], None]
) -> None:
    seen: Counter[str] = Counter()
    for n in range(races):
        vacancy, me = firm.vacancy(), make_applicant(rooms, house)
        application = apply_for(house, me, vacancy)

        def withdraw(application: object = application, me: object = me, n: int = n) -> str:
            sleep(n % 6 * 0.005)  # a hire has more to do before it holds anything
            return attempt(
                house, lambda uow: service.withdraw_application(uow, me.reference, application)
            )

        hired, withdrawn = at_once(lambda one=application: firm.hire(one), withdraw)
        assert sorted([hired, withdrawn]) == ["done", "illegal-transition"]
        (status,) = statuses(rooms, [application])
        won = hired == "done"
        assert status == ("accepted" if won else "withdrawn")
        assert one(rooms, HIRES, id=vacancy) == int(won)
        assert firm.status_of(vacancy) == ("filled" if won else "published")
        assert one(rooms, COPIES, id=application) == int(won)
        seen[status] += 1
    assert sum(seen.values()) == races
    shows(f"{races} races withdraw/hire: {dict(seen)}, one lawful outcome each")


@pytest.mark.promise("jobs")
@pytest.mark.parametrize("races", RACES)
def test_two_firms_hire_the_same_citizen(
    rooms: Rooms, house: House, firm: Firm, races: int, shows: Callable[[str], None]
) -> None:
    other = make_firm(rooms, house)
    for _ in range(races):
        me = make_applicant(rooms, house)
        one_of, two_of = firm.vacancy(), other.vacancy()
        first, second = apply_for(house, me, one_of), apply_for(house, me, two_of)
        rivals = [apply_for(house, make_applicant(rooms, house), v) for v in (one_of, two_of)]
        came = at_once(lambda one=first: firm.hire(one), lambda one=second: other.hire(one))
        assert sorted(came) == ["done", "illegal-transition"]
        assert sorted(statuses(rooms, [first, second])) == ["accepted", "obsolete"]
        won = came.index("done")
        assert statuses(rooms, [rivals[won], rivals[1 - won]]) == ["refused", "new"]
    shows(f"{races} races of two firms for one citizen: {races} times one hire, one obsolete")


def test_forty_hires_at_once_fill_seven_positions_and_answer_the_others(
    rooms: Rooms, house: House, firm: Firm
) -> None:
    vacancy = firm.vacancy(7)
    crowd = [apply_for(house, make_applicant(rooms, house), vacancy) for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        came = Counter(pool.map(firm.hire, crowd))
    assert came == {"done": 7, "no-position-left": 33}
    assert Counter(statuses(rooms, crowd)) == {"accepted": 7, "refused": 33}
    seats = "select seat from plugin_jobs.hires where vacancy_id = :id order by seat"
    assert many(rooms, seats, id=vacancy) == [1, 2, 3, 4, 5, 6, 7]
    assert firm.status_of(vacancy) == "filled"
