"""What meets in the same moment has one lawful outcome: positions, applications, withdrawals."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from uuid import UUID

import pytest

from app.factory import Rooms
from app.sdk import Citizen, House
from plugins.jobs import service
from plugins.jobs.values.applications import CancelCause
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


@pytest.mark.promise("jobs")
@pytest.mark.parametrize("races", RACES)
def test_an_undoing_meets_the_hire_that_fills(
    rooms: Rooms, house: House, firm: Firm, races: int, shows: Callable[[str], None]
) -> None:
    seen: Counter[str] = Counter()
    for _ in range(races):
        vacancy = firm.vacancy(2)
        first, second, third = (
            apply_for(house, make_applicant(rooms, house), vacancy) for _ in range(3)
        )
        assert firm.hire(first) == "done"
        came = at_once(lambda one=first: firm.undo(one), lambda one=second: firm.hire(one))
        assert came == ["done", "done"]
        assert statuses(rooms, [first, second]) == ["processing", "accepted"]
        # Filled and open again, or never filled: one position is taken, and one is free.
        assert (firm.status_of(vacancy), one(rooms, HIRES, id=vacancy)) == ("published", 1)
        (late,) = statuses(rooms, [third])
        assert one(rooms, COPIES, id=third) == int(late == "new")
        seen[late] += 1
    assert set(seen) <= {"new", "refused"}
    shows(f"{races} races undo/hire: {races} times one taken, one free; the third {dict(seen)}")


@pytest.mark.promise("jobs")
@pytest.mark.parametrize("races", RACES)
def test_an_undoing_meets_the_end_of_its_vacancy(
    rooms: Rooms, house: House, firm: Firm, races: int, shows: Callable[[str], None]
) -> None:
    seen: Counter[str] = Counter()
    for n in range(races):
        vacancy = firm.vacancy(2)
        application = apply_for(house, make_applicant(rooms, house), vacancy)
        assert firm.hire(application) == "done"

        def fill(vacancy: UUID = vacancy, n: int = n) -> str:
            sleep(n % 6 * 0.005)  # an undoing has more to do before it holds the vacancy
            return firm.fill(vacancy)

        came = at_once(lambda one=application: firm.undo(one), fill)
        assert came == ["done", "done"]
        assert (firm.status_of(vacancy), one(rooms, HIRES, id=vacancy)) == ("filled", 0)
        assert one(rooms, COPIES, id=application) == 0
        seen[statuses(rooms, [application])[0]] += 1
    # Looked at again and then told that it is filled, or not looked at any more.
    assert set(seen) <= {"refused", "cancelled"}
    shows(f"{races} races undo/fill: {dict(seen)}, nobody hired, nobody left waiting")


@pytest.mark.promise("jobs")
@pytest.mark.parametrize("races", RACES)
def test_both_sides_undo_one_hire(
    rooms: Rooms, house: House, firm: Firm, races: int, shows: Callable[[str], None]
) -> None:
    other = make_firm(rooms, house)
    seen: Counter[str] = Counter()
    for _ in range(races):
        me = make_applicant(rooms, house)
        vacancy, elsewhere = firm.vacancy(), other.vacancy()
        mine, also = apply_for(house, me, vacancy), apply_for(house, me, elsewhere)
        assert firm.hire(mine) == "done"

        def deny(me: Citizen = me, mine: UUID = mine) -> str:
            cause = CancelCause.HIRE_DENIED
            return attempt(
                house,
                lambda uow: service.undo_own_hire(house, uow, me.reference, mine, cause),
            )

        came = at_once(lambda one=mine: firm.undo(one), deny, lambda one=also: other.hire(one))
        assert sorted(came[:2]) == ["done", "illegal-transition"]
        was_denied, went_on = came[1] == "done", came[2] == "done"
        assert came[2] in {"done", "illegal-transition"}
        ended = "cancelled" if was_denied else "obsolete" if went_on else "processing"
        assert statuses(rooms, [mine, also]) == [ended, "accepted" if went_on else "processing"]
        assert (firm.status_of(vacancy), one(rooms, HIRES, id=vacancy)) == ("published", 0)
        assert one(rooms, HIRES, id=elsewhere) == int(went_on)
        seen[f"{ended}, {came[2]} elsewhere"] += 1
    shows(f"{races} races undo/deny/hire elsewhere: {dict(seen)}, one undoing each")


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
