"""What another department is asked has its time: lamps, alarms on both lists, and an end."""

from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.sdk import PageRequest
from plugins.permits import service
from plugins.permits.errors import ConsultationNotFound
from plugins.permits.models import ClockAlarm, Consultation
from plugins.permits.values.clock import AlarmView
from plugins.permits.values.tasks import ConsultationView, Opinion
from tests.plugins.permits.clockwork import File, Office, at
from tests.plugins.permits.office import change, moves_of, run_sql
from tests.plugins.permits.test_races import together
from tests.plugins.permits.worked_examples import shown

PLAN, POLICE, WATER = "works-planning", "traffic-police", "water-bureau"
PLANNING, LEAD = "natural-resources-bureau", "housing-construction-bureau"
SUPERVISING = "government-services-office"
BEGUN, ASKED = "2026-04-02 09:59:10", "2026-04-02 10:59:10"
# Asked for three days on Thursday: Friday, Tuesday (Monday is off) and Wednesday.
SOON, OVER = "2026-04-08 11:48:00", "2026-04-08 17:00:00"


@pytest.fixture
def office(rooms: Rooms) -> Office:
    made = Office(rooms)
    made.forget_others()
    for department in (PLANNING, POLICE, WATER, LEAD, SUPERVISING, "education-bureau"):
        made.caller(department)
    return made


def consulted(office: Office, *asked: tuple[str, int]) -> File:
    """Return an application whose planning permit waits for the opinion of others."""
    with at(BEGUN):
        file = office.submit().accept()
    with at(ASKED):
        file.take(PLAN)
        for department, days in asked or [(POLICE, 3)]:
            file.consult(PLAN, department, days)
    return file


def asked_of(file: File) -> list[ConsultationView]:
    return list(file.read(PLAN).consultations)


def answer(file: File, consultation_id: UUID, department: str) -> None:
    with file.unit() as uow:
        service.answer_consultation(
            *(file.office.house, uow, file.office.caller(department), consultation_id),
            *(Opinion.AGREED, "同意"),
        )


def alarms_of(office: Office, department: str, consultation_id: UUID) -> list[AlarmView]:
    """Return what a department has on its list about a consultation."""
    found: list[AlarmView] = []
    page, caller = PageRequest(limit=100), office.caller(department)
    while True:
        with office.house.unit_of_work() as uow:
            listed = service.list_alarms(uow, caller, page, seen=None)
        found += [alarm for alarm in listed.items if alarm.consultation_id == consultation_id]
        if listed.next_cursor is None:
            return found
        page = PageRequest(limit=100, cursor=listed.next_cursor)


def test_who_is_asked_and_who_asks_are_warned_and_then_the_review_goes_on(
    office: Office, rooms: Rooms
) -> None:
    file = consulted(office)
    seen = []
    for moment in ("2026-04-08 11:47:00", SOON, SOON, "2026-04-08 16:59:00", OVER, OVER):
        with at(moment):
            office.attend()
            (asked,) = asked_of(file)
            count = len(alarms_of(office, POLICE, asked.id))
            seen.append((asked.lamp, asked.is_silent, file.task(PLAN).status, count))
    assert seen == [
        ("green", False, "consulting", 0),
        ("yellow", False, "consulting", 1),
        ("yellow", False, "consulting", 1),
        ("yellow", False, "consulting", 1),
        ("red", True, "in_review", 2),
        ("red", True, "in_review", 2),
    ]
    raised = [
        (alarm.kind, alarm.department, alarm.asking, shown(alarm.raised_at), shown(alarm.due_at))
        for alarm in alarms_of(office, POLICE, asked.id)
    ]
    assert raised == [
        ("warning", POLICE, PLANNING, "2026-04-08 11:48", "2026-04-08 17:00"),
        ("overdue", POLICE, PLANNING, "2026-04-08 17:00", "2026-04-08 17:00"),
    ]
    for department in (PLANNING, LEAD, SUPERVISING):
        assert len(alarms_of(office, department, asked.id)) == 2
    assert alarms_of(office, "education-bureau", asked.id) == []
    assert moves_of(rooms, file.task(PLAN).id)[-1] == ("in_review", "consultation-silent")
    # The alarms of the task itself are its own, and none of its limit was stopped.
    own = [alarm[1] for alarm in file.alarms_of(PLAN)]
    assert own == ["warning", "overdue", "warning", "overdue"]
    with pytest.raises(ConsultationNotFound):
        answer(file, asked.id, POLICE)
    with at("2026-04-09 09:30:00"):
        file.approve(PLAN)
    assert file.task(PLAN).status == "approved"
    assert asked_of(file)[0].opinion is None


def test_one_who_is_silent_keeps_nobody_from_answering(office: Office, rooms: Rooms) -> None:
    file = consulted(office, (POLICE, 1), (WATER, 5))
    task = file.task(PLAN)
    assert shown(file.clock(PLAN).next_at) == "2026-04-02 16:36"  # the lamp of the task itself
    with at("2026-04-03 17:00:00"):
        office.attend()
        police, water = asked_of(file)
    assert (police.is_silent, water.is_silent, water.ended_at) == (True, False, None)
    assert moves_of(rooms, task.id)[-1] == ("consulting", "consultation-silent")
    assert file.task(PLAN).version == task.version + 1
    assert shown(file.clock(PLAN).next_at) == "2026-04-09 17:00"
    with at("2026-04-09 16:59:00"):
        answer(file, water.id, WATER)
        office.attend()
    assert file.task(PLAN).status == "in_review"
    assert [(one.is_silent, one.opinion) for one in asked_of(file)] == [
        (True, None),
        (False, "agreed"),
    ]
    assert alarms_of(office, POLICE, water.id) == []


def test_a_late_answer_counts_until_the_silence_was_noted(office: Office) -> None:
    file = consulted(office)
    (asked,) = asked_of(file)
    with at("2026-04-10 10:00:00"):  # no worker has come by
        answer(file, asked.id, POLICE)
        office.attend()
    (answered,) = asked_of(file)
    assert (answered.opinion, answered.is_silent, answered.lamp) == ("agreed", False, "red")
    assert file.task(PLAN).status == "in_review"
    assert alarms_of(office, POLICE, asked.id) == []


def test_an_answer_and_the_end_of_its_time_exclude_each_other(office: Office) -> None:
    files = [consulted(office) for _ in range(6)]
    for number, file in enumerate(files):
        (asked,) = asked_of(file)
        both = [partial(answer, file, asked.id, POLICE), office.attend]
        with at("2026-04-10 10:00:00"):
            said = together(*both)[0] if number % 2 else together(*reversed(both))[1]
            office.attend()
        (over,) = asked_of(file)
        is_heard = said == "done"
        assert said in ("done", "permit-consultation-not-found")
        assert (over.opinion is not None, over.is_silent) == (is_heard, not is_heard)
        assert file.task(PLAN).status == "in_review"
        kinds = [alarm.kind for alarm in alarms_of(office, POLICE, asked.id)]
        assert kinds == ([] if is_heard else ["warning", "overdue"])


def test_postgresql_keeps_the_promises_of_consultations(office: Office, rooms: Rooms) -> None:
    file = consulted(office)
    (asked,) = asked_of(file)
    with at(SOON):
        office.attend()
    again = (
        "insert into plugin_permits.clock_alarms (id, clock_id, kind, application_id, task,"
        " department, lead, due_at, raised_at, consultation_id, asking) select gen_random_uuid(),"
        " clock_id, kind, application_id, task, department, lead, due_at, raised_at,"
        " consultation_id, asking from plugin_permits.clock_alarms where consultation_id = :id"
    )
    with pytest.raises(IntegrityError, match="uq_clock_alarms_consultation_id_kind"):
        run_sql(rooms, again, id=asked.id)
    with pytest.raises(IntegrityError, match="ck_clock_alarms_asking"):
        change(rooms, "clock_alarms", "asking = null", "consultation_id = :id", id=asked.id)
    for what in ("is_silent = true", "is_silent = true, ended_at = due_at - interval '1 minute'"):
        with pytest.raises(IntegrityError, match="ck_consultations_is_silent"):
            change(rooms, "consultations", what, "id = :id", id=asked.id)
    with file.unit() as uow:
        kept = select(ClockAlarm.kind).where(ClockAlarm.consultation_id == asked.id)
        assert uow.scalars(kept).all() == ["warning"]
        assert uow.get_one(Consultation, asked.id).is_silent is False
