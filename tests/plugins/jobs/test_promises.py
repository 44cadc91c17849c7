"""What time brings: promised answers, the end of consents, and what is said of employers."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.sdk import House, now
from plugins.jobs import service
from plugins.jobs.errors import ShareNotFound
from plugins.jobs.provider import JobsProvider
from plugins.jobs.values.applications import (
    REFUSAL_TITLES,
    STATE_TITLES,
    Answer,
    ApplicationStatus,
    RefusalReason,
    promise_moments,
)
from plugins.jobs.values.profiles import NewShare
from tests.factories import later
from tests.plugins.jobs.rows import many, one, run
from tests.plugins.jobs.seekers import (
    CV,
    WORDS,
    Firm,
    apply_for,
    attempt,
    make_applicant,
    make_firm,
    statuses,
)

DAY = 86_400
REFUSED = Answer(ApplicationStatus.REFUSED, RefusalReason.OTHER)


@pytest.fixture
def firm(rooms: Rooms, house: House) -> Firm:
    return make_firm(rooms, house)


def answer(firm: Firm, application: UUID, said: Answer = REFUSED) -> str:
    return attempt(
        firm.house,
        lambda uow: service.answer_application(
            firm.house, uow, firm.member, firm.id, application, said
        ),
    )


def test_fourteen_reasons_and_eleven_states_have_titles() -> None:
    assert set(REFUSAL_TITLES) == set(RefusalReason)
    assert len(REFUSAL_TITLES) == 14
    assert set(STATE_TITLES) == set(ApplicationStatus)
    assert len(STATE_TITLES) == 11


def test_a_reminder_comes_two_days_before_or_half_way() -> None:
    moment = now()
    assert promise_moments(moment, 7) == (moment + timedelta(5), moment + timedelta(7))
    assert promise_moments(moment, 1) == (moment + timedelta(hours=12), moment + timedelta(1))


def test_a_promise_that_is_not_kept_closes_and_counts(
    rooms: Rooms, house: House, firm: Firm
) -> None:
    vacancy = firm.vacancy(promise=4)
    late = [apply_for(house, make_applicant(rooms, house), vacancy) for _ in range(3)]
    kept = [apply_for(house, make_applicant(rooms, house), vacancy) for _ in range(3)]
    postponed = Answer(ApplicationStatus.POSTPONED)
    with later(DAY):
        assert [answer(firm, one) for one in kept] == ["done"] * 3
    provider = rooms.deps[JobsProvider]
    reminded = (
        "select count(*) from plugin_jobs.applications"
        " where employer_id = :id and reminded_at is not null"
    )
    with later(2 * DAY - 60):
        provider.attend()
        assert one(rooms, reminded, id=firm.id) == 0
    with later(2 * DAY + 60):
        provider.attend()
        assert one(rooms, reminded, id=firm.id) == 3
        assert answer(firm, late[0], Answer(ApplicationStatus.PROCESSING)) == "done"
        assert statuses(rooms, late) == ["processing", "new", "new"]
    with later(4 * DAY + 60):
        provider.attend()
        assert statuses(rooms, late) == ["closed_no_answer"] * 3
        assert statuses(rooms, kept) == ["refused"] * 3
        assert answer(firm, late[0], postponed) == "illegal-transition"
        with house.unit_of_work() as uow:
            record = service.show_answering(uow, firm.id)
    assert (record.applications, record.answered_in_time_percent) == (6, 50)
    assert record.median_days == pytest.approx(1.0)
    copies = "select count(*) from plugin_jobs.cv_shares where cv_sealed is not null and"
    assert one(rooms, f"{copies} employer_id = :id", id=firm.id) == 0


def test_nothing_is_said_of_fewer_than_five(rooms: Rooms, house: House, firm: Firm) -> None:
    vacancy = firm.vacancy()
    for _ in range(4):
        answer(firm, apply_for(house, make_applicant(rooms, house), vacancy))
    waiting = apply_for(house, make_applicant(rooms, house), vacancy)
    with house.unit_of_work() as uow:
        record = service.show_answering(uow, firm.id)
    assert (record.applications, record.median_days) == (None, None)
    answer(firm, waiting)
    with house.unit_of_work() as uow:
        record = service.show_answering(uow, firm.id)
    assert (record.applications, record.answered_in_time_percent) == (5, 100)


def test_the_last_application_that_is_wanted_closes_and_can_still_be_hired(
    rooms: Rooms, house: House, firm: Firm
) -> None:
    vacancy = firm.vacancy(most=2)
    pair = [apply_for(house, make_applicant(rooms, house), vacancy) for _ in range(2)]
    assert firm.status_of(vacancy) == "closed_by_cap"
    third = make_applicant(rooms, house)
    came = attempt(house, lambda uow: service.apply_for(house, uow, third, vacancy, ""))
    assert came == "vacancy-not-open"
    assert firm.hire(pair[0]) == "done"
    assert (firm.status_of(vacancy), statuses(rooms, pair)) == ("filled", ["accepted", "refused"])


def test_a_consent_ends_by_itself_and_before_anybody_comes(
    rooms: Rooms, house: House, firm: Firm
) -> None:
    me = make_applicant(rooms, house)

    def look() -> str:
        return service.read_shared_cv(house, firm.member, firm.id, share.id).cv.name

    with house.unit_of_work() as uow:
        share = service.give_share(uow, me, NewShare(firm.id, 2))
    assert look() == CV.name
    status = "select status from plugin_jobs.cv_shares where id = :id"
    with later(2 * DAY + 60):
        with pytest.raises(ShareNotFound):
            look()
        assert one(rooms, status, id=share.id) == "given"
        rooms.deps[JobsProvider].attend()
        assert one(rooms, status, id=share.id) == "expired"
        with house.unit_of_work() as uow:  # the place of an old one is free
            assert service.give_share(uow, me, NewShare(firm.id, 2)).status == "given"
    sights = "select count(*) from plugin_jobs.cv_sights where share_id = :id"
    assert one(rooms, sights, id=share.id) == 1


def test_a_person_takes_everything_along_and_is_forgotten(
    rooms: Rooms, house: House, firm: Firm
) -> None:
    me, provider = make_applicant(rooms, house), rooms.deps[JobsProvider]
    application = apply_for(house, me, firm.vacancy())
    with house.unit_of_work() as uow:
        share = service.give_share(uow, me, NewShare(None, 30))
    service.read_shared_cv(house, firm.member, firm.id, share.id)
    copy = provider.export(me)
    assert copy["cv"]["cv"]["name"] == CV.name  # type: ignore[index]
    assert [len(copy[name]) for name in ("cv_shares", "cv_readings", "applications")] == [2, 1, 1]  # type: ignore[arg-type]
    for _ in range(2):
        provider.erase(me)
        assert not any(provider.export(me).values())
    assert statuses(rooms, [application]) == ["withdrawn"]
    assert answer(firm, application) == "job-application-not-found"
    for table in ("cvs", "cv_shares", "cv_sights", "applications"):
        found = f"select count(*) from plugin_jobs.{table} t where to_jsonb(t)::text like :who"  # noqa: S608
        assert one(rooms, found, who=f"%{me.reference}%") == 0, table
    with pytest.raises(ShareNotFound):
        service.read_shared_cv(house, firm.member, firm.id, share.id)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("update {a} set status = 'hired' where id = :id", "ck_applications_status"),
        ("update {a} set status = 'refused' where id = :id", "ck_applications_reason"),
        ("update {a} set reason = 'other' where id = :id", "ck_applications_reason"),
        ("update {a} set citizen_reference = null where id = :id", "ck_applications_citizen"),
        ("update {a} set status = 'accepted' where id = :id", "ck_applications_answered"),
        ("update {a} set status = 'obsolete' where id = :id", "ck_applications_obsolete_by"),
        (
            (
                "insert into {a} select (jsonb_populate_record(null::{a}, to_jsonb(t)"
                " || jsonb_build_object('id', gen_random_uuid()))).* from {a} t where id = :id"
            ),
            "uq_applications_living",
        ),
        (
            "update {s} set status = 'withdrawn', ended_at = now() where application_id = :id",
            "ck_cv_shares_copy",
        ),
        (
            "update {s} set expires_at = given_at + interval '181 d' where application_id = :id",
            "ck_cv_shares_expiry",
        ),
        ("update {s} set employer_id = null where application_id = :id", "ck_cv_shares_employer"),
        (
            "insert into {h} values (:id, :vacancy, 2, 1, now())",
            "ck_hires_seat",
        ),
        (
            "insert into {h} values (:id, :vacancy, 2, 2, now())",
            "fk_hires_vacancy_id_open_positions_vacancies",
        ),
    ],
)
def test_statements_by_hand_break_nothing(
    rooms: Rooms, house: House, firm: Firm, statement: str, constraint: str
) -> None:
    vacancy = firm.vacancy()
    application = apply_for(house, make_applicant(rooms, house), vacancy)
    tables = {"a": "applications", "s": "cv_shares", "h": "hires"}
    full = statement.format(**{name: f"plugin_jobs.{table}" for name, table in tables.items()})
    values = {"id": application} | ({"vacancy": vacancy} if ":vacancy" in full else {})
    with pytest.raises(IntegrityError, match=constraint):
        run(rooms, full, **values)
    assert statuses(rooms, [application]) == ["new"]


def test_what_is_kept_is_sealed(rooms: Rooms, house: House, firm: Firm) -> None:
    me = make_applicant(rooms, house)
    apply_for(house, me, firm.vacancy())
    (cv,) = many(
        rooms,
        "select cv_sealed from plugin_jobs.cvs where citizen_reference = :who",
        who=me.reference,
    )
    (copy,) = many(
        rooms,
        "select cv_sealed from plugin_jobs.cv_shares where citizen_reference = :who",
        who=me.reference,
    )
    for sealed in (cv, copy):
        assert not any(text.encode() in bytes(sealed) for text in (CV.name, CV.phone or "", WORDS))
