"""A hire is undone for some weeks: its position is free, and what it ended comes back as it can."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.sdk import Citizen, House, new_id, now
from plugins.jobs import service
from plugins.jobs.models import Employer, Vacancy, VacancySource
from plugins.jobs.provider import JobsProvider
from plugins.jobs.service.vacancies import advert_of, open_vacancy
from plugins.jobs.values import EmployerReason
from plugins.jobs.values.applications import (
    CANCEL_TITLES,
    CITIZEN_UNDOES,
    EMPLOYER_UNDOES,
    CancelCause,
    read_undo_term,
)
from tests.factories import later
from tests.plugins.jobs.rows import many, moves, one, run
from tests.plugins.jobs.seekers import (
    Firm,
    apply_for,
    attempt,
    make_applicant,
    make_firm,
    statuses,
)

DAY = 86_400
SEATS = "select seat from plugin_jobs.hires where vacancy_id = :id order by seat"
REASON = "select reason from plugin_jobs.applications where id = :id"
COPIES = (
    "select count(*) from plugin_jobs.cv_shares where application_id = :id"
    " and cv_sealed is not null"
)


@pytest.fixture
def firm(rooms: Rooms, house: House) -> Firm:
    return make_firm(rooms, house)


def hired(firm: Firm, vacancy: UUID) -> UUID:
    application = apply_for(firm.house, make_applicant(firm.rooms, firm.house), vacancy)
    assert firm.hire(application) == "done"
    return application


def deny(house: House, me: Citizen, application: UUID) -> str:
    cause = CancelCause.HIRE_DENIED
    return attempt(
        house, lambda uow: service.undo_own_hire(house, uow, me.reference, application, cause)
    )


@pytest.mark.parametrize("reason", EMPLOYER_UNDOES)
def test_a_hire_that_is_undone_frees_its_own_seat(
    rooms: Rooms, firm: Firm, reason: CancelCause
) -> None:
    vacancy = firm.vacancy(3)
    crew = [hired(firm, vacancy) for _ in range(3)]
    assert (firm.status_of(vacancy), many(rooms, SEATS, id=vacancy)) == ("filled", [1, 2, 3])
    assert firm.undo(crew[1], reason) == "done"
    assert (firm.status_of(vacancy), many(rooms, SEATS, id=vacancy)) == ("published", [1, 3])
    is_mistake = reason == CancelCause.HIRED_BY_MISTAKE
    assert statuses(rooms, crew[1:2]) == ["processing" if is_mistake else "cancelled"]
    assert one(rooms, REASON, id=crew[1]) == (None if is_mistake else reason)
    assert one(rooms, COPIES, id=crew[1]) == int(is_mistake)
    assert moves(rooms, str(crew[1]))[1:] == [
        ("accepted", "employer"),
        ("processing" if is_mistake else "cancelled", reason),
    ]
    assert firm.undo(crew[1], reason) == "illegal-transition"
    hired(firm, vacancy)
    assert (firm.status_of(vacancy), many(rooms, SEATS, id=vacancy)) == ("filled", [1, 2, 3])


def test_thirty_days_and_no_longer(rooms: Rooms, house: House, firm: Firm) -> None:
    vacancy, me = firm.vacancy(2), make_applicant(rooms, house)
    mine, other = apply_for(house, me, vacancy), hired(firm, vacancy)
    assert firm.hire(mine) == "done"
    with later(30 * DAY + 60):
        assert firm.undo(other) == "hire-final"
        assert deny(house, me, mine) == "hire-final"
    assert (firm.status_of(vacancy), many(rooms, SEATS, id=vacancy)) == ("filled", [1, 2])
    assert statuses(rooms, [mine, other]) == ["accepted", "accepted"]
    with later(30 * DAY - 60):
        assert deny(house, me, mine) == "done"
    assert one(rooms, REASON, id=mine) == "hire_denied"


def test_a_term_that_is_none_is_refused_at_the_start(house: House) -> None:
    assert read_undo_term(house.settings) == timedelta(days=30)
    for days in ("0", "91", "-1", "soon", ""):
        with pytest.raises(ValueError, match=r"hire_undo_days|invalid literal"):
            read_undo_term({"hire_undo_days": days})
    assert {*EMPLOYER_UNDOES, *CITIZEN_UNDOES} <= set(CANCEL_TITLES) == set(CancelCause)


def test_what_the_hire_made_obsolete_comes_back_once(
    rooms: Rooms, house: House, firm: Firm
) -> None:
    other, me = make_firm(rooms, house), make_applicant(rooms, house)
    places = [other.vacancy() for _ in range(3)]
    also = [apply_for(house, me, place) for place in places]
    mine = apply_for(house, me, firm.vacancy())
    assert firm.hire(mine) == "done"
    assert statuses(rooms, also) == ["obsolete"] * 3
    anew = apply_for(house, me, places[0])
    assert other.fill(places[1]) == "done"
    assert firm.undo(mine) == "done"
    assert statuses(rooms, [mine, *also]) == ["processing", "obsolete", "obsolete", "processing"]
    assert statuses(rooms, [anew]) == ["new"]
    assert other.hire(also[2]) == "done"
    assert statuses(rooms, [mine, anew]) == ["obsolete", "obsolete"]


def test_what_an_employer_called_filled_stays_so(rooms: Rooms, firm: Firm) -> None:
    vacancy = firm.vacancy(2)
    application = hired(firm, vacancy)
    assert firm.fill(vacancy) == "done"
    assert firm.undo(application) == "done"
    assert (firm.status_of(vacancy), many(rooms, SEATS, id=vacancy)) == ("filled", [])
    # Nobody can be hired there any more: no mistake is looked at again.
    assert statuses(rooms, [application]) == ["cancelled"]
    assert one(rooms, REASON, id=application) == "hired_by_mistake"


def test_after_its_last_day_it_hires_whoever_has_applied(rooms: Rooms, firm: Firm) -> None:
    vacancy = firm.vacancy()
    application = hired(firm, vacancy)
    over = "update plugin_jobs.vacancies set valid_through = valid_through - 91 where id = :id"
    run(rooms, over, id=vacancy)
    assert firm.undo(application) == "done"
    assert (firm.status_of(vacancy), statuses(rooms, [application])) == ("expired", ["processing"])
    assert firm.hire(application) == "done"
    assert firm.status_of(vacancy) == "filled"


def test_with_all_applications_it_takes_no_more(rooms: Rooms, house: House, firm: Firm) -> None:
    vacancy = firm.vacancy(most=2)
    pair = [apply_for(house, make_applicant(rooms, house), vacancy) for _ in range(2)]
    assert firm.hire(pair[0]) == "done"
    assert firm.undo(pair[0]) == "done"
    assert firm.status_of(vacancy) == "closed_by_cap"
    assert statuses(rooms, pair) == ["processing", "refused"]


def test_the_same_work_is_not_open_twice(rooms: Rooms, house: House, firm: Firm) -> None:
    vacancy = firm.vacancy()
    application = hired(firm, vacancy)
    with house.unit_of_work() as uow:
        employer = uow.get_one(Employer, firm.id)
        open_vacancy(uow, employer, advert_of(uow.get_one(Vacancy, vacancy)), cause="test")
    assert firm.undo(application) == "done"
    assert (firm.status_of(vacancy), statuses(rooms, [application])) == ("filled", ["cancelled"])


def test_what_its_feed_has_left_stays_filled(rooms: Rooms, house: House, firm: Firm) -> None:
    vacancy = firm.vacancy()
    application = hired(firm, vacancy)
    with house.unit_of_work() as uow:
        uow.add(
            VacancySource(
                kind="test",
                source_id=str(new_id()),
                vacancy_id=vacancy,
                content_digest=b"",
                gone_at=now(),
            )
        )
    assert firm.undo(application) == "done"
    assert (firm.status_of(vacancy), statuses(rooms, [application])) == ("filled", ["cancelled"])


def test_a_citizen_denies_what_a_suspended_employer_said(
    rooms: Rooms, house: House, firm: Firm
) -> None:
    vacancy, me = firm.vacancy(), make_applicant(rooms, house)
    application = apply_for(house, me, vacancy)
    assert firm.hire(application) == "done"
    with house.unit_of_work() as uow:
        service.suspend_employer(house, uow, new_id(), firm.id, EmployerReason.FRAUD)
    assert firm.undo(application) == "employer-not-verified"
    stranger = make_applicant(rooms)
    assert deny(house, stranger, application) == "job-application-not-found"
    assert deny(house, me, application) == "done"
    assert (firm.status_of(vacancy), many(rooms, SEATS, id=vacancy)) == ("filled", [])


def test_whoever_was_erased_is_not_looked_at_again(rooms: Rooms, house: House, firm: Firm) -> None:
    vacancy, me = firm.vacancy(), make_applicant(rooms, house)
    application = apply_for(house, me, vacancy)
    assert firm.hire(application) == "done"
    rooms.deps[JobsProvider].erase(me)
    assert firm.undo(application) == "job-application-not-found"
    assert (firm.status_of(vacancy), many(rooms, SEATS, id=vacancy)) == ("filled", [1])


def test_statements_by_hand_hire_nobody_twice(rooms: Rooms, firm: Firm) -> None:
    vacancy = firm.vacancy(2)
    first, second = hired(firm, vacancy), hired(firm, vacancy)
    assert firm.undo(first) == "done"
    taken = "insert into plugin_jobs.hires values (:id, :vacancy, 2, 2, now())"
    with pytest.raises(IntegrityError, match="uq_hires_vacancy_id_seat"):
        run(rooms, taken, id=first, vacancy=vacancy)
    wrong = "update plugin_jobs.applications set status = 'cancelled', reason = 'x' where id = :id"
    with pytest.raises(IntegrityError, match="ck_applications_reason"):
        run(rooms, wrong, id=second)
    assert many(rooms, SEATS, id=vacancy) == [2]
