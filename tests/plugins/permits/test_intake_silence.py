"""Saying nothing at intake accepts: at the minute, as of the day of receipt, and only once."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.core.errors import IllegalMove
from app.factory import Rooms
from app.sdk import CITY_TIME
from plugins.permits import service
from plugins.permits.errors import IntakeOver
from plugins.permits.models import ClockAlarm, Supplement
from plugins.permits.schemas.clock import ApplicationClockSchema, ClockExportSchema
from plugins.permits.service.clock import next_duty, silence_accepts_at
from plugins.permits.service.holidays import make_calendar, year_notices
from plugins.permits.values.applications import INTAKE_SILENCE, NotAcceptedReason
from plugins.permits.values.bundles import Limit, Starts
from plugins.permits.values.clock import Alarm, Duty, Step
from plugins.permits.values.tasks import Ask, Lamp
from tests.conftest import World
from tests.factories import log_in
from tests.plugins.permits.clockwork import SERVICES, File, Office, at
from tests.plugins.permits.office import moves_of, rows
from tests.plugins.permits.test_clock_routes import FIELDS
from tests.plugins.permits.test_races import together
from tests.plugins.permits.worked_examples import shown
from tools import approval_clock

CALENDAR = make_calendar(year_notices())
LEAD = "housing-construction-bureau"
RECEIVED = "2026-03-03 09:59:10"
# A Tuesday: Wednesday to Friday, Monday and Tuesday are five working days.
OVER = "2026-03-10 17:00:00"
IN_MEANWHILE = ("2026-03-03 16:36:00", "2026-03-04 10:00:00", "2026-03-10 13:30:00")
EARLIEST, LATEST = map(datetime.fromisoformat, ("2025-01-01", "2026-11-01"))


@pytest.fixture
def office(rooms: Rooms) -> Office:
    made = Office(rooms)
    made.forget_others()
    made.caller(LEAD)
    return made


def submitted(office: Office, moment: str = RECEIVED) -> File:
    with at(moment):
        return office.submit()


@contextmanager
def acting(file: File) -> Iterator[tuple[Any, ...]]:
    """Open a unit for the lead department's officer, and say what each act begins with."""
    with file.unit() as uow:
        yield file.office.house, uow, file.office.caller(LEAD), file.id


def refuse(file: File, version: int) -> None:
    with acting(file) as who:
        reason = NotAcceptedReason.OTHER_AUTHORITY
        service.refuse_intake(*who, version, reason, "请到省厅办理")


def ask(file: File, version: int) -> None:
    with acting(file) as who:
        service.ask_at_intake(*who, version, Ask("请补正"))


def test_until_the_last_minute_the_citizen_can_be_told(office: Office) -> None:
    file = submitted(office)
    for moment in IN_MEANWHILE:
        with at(moment):
            office.attend()
    assert shown(file.clock(None).next_at) == "2026-03-10 17:00"
    with at("2026-03-10 16:59:00"):
        office.attend()
        assert file.application().status == "submitted"
        file.ask_at_intake()
    with at("2026-03-11 09:00:00"):
        office.attend()
    assert file.application().status == "supplement_required"


def test_saying_nothing_accepts_as_of_the_day_of_receipt(office: Office, rooms: Rooms) -> None:
    file = submitted(office)
    received = file.application().submitted_at
    for moment in (*IN_MEANWHILE, OVER, OVER):
        with at(moment):
            office.attend()
    application = file.application()
    assert (application.status, application.reason) == ("in_progress", "not-told-in-time")
    assert application.accepted_at == received
    assert moves_of(rooms, file.id)[2:] == [("accepted", "deemed"), ("in_progress", "tasks-opened")]
    (said,) = rows(
        rooms,
        "select data from event_log where entity_id = :id and to_state = 'accepted'",
        id=file.id,
    )
    assert received is not None
    assert said[0] == {"reason": "not-told-in-time", "as_of": received.isoformat()}
    # The department was warned long before, by what the bundle promises, and at nine tenths.
    assert file.alarms_of("intake") == [
        ("intake", "warning", "2026-03-03 16:36"),
        ("intake", "overdue", "2026-03-04 10:00"),
        ("intake", "last_warning", "2026-03-10 13:30"),
    ]
    with file.unit() as uow:
        last = select(ClockAlarm.due_at).where(
            ClockAlarm.application_id == file.id, ClockAlarm.kind == Alarm.LAST_WARNING
        )
        assert shown(uow.scalars(last).one()) == "2026-03-10 17:00"
    # The others had no task until now: their own limit of a day begins now.
    assert shown(file.task("works-planning").due_at) == "2026-03-11 17:00"
    assert file.task("works-planning").lamp == "green"


@pytest.mark.parametrize("act", [ask, refuse])
def test_who_comes_too_late_finds_it_accepted_though_no_worker_came(
    office: Office, rooms: Rooms, act: Callable[[File, int], None]
) -> None:
    file = submitted(office)
    version = file.application().version
    before = moves_of(rooms, file.id)
    with at(OVER), pytest.raises(IntakeOver):
        act(file, version)
    assert moves_of(rooms, file.id) == before
    with at("2026-03-12 10:00:00"):
        file.accept()
    application = file.application()
    assert (application.status, application.reason) == ("in_progress", "not-told-in-time")
    assert application.accepted_at == application.submitted_at
    with pytest.raises(IllegalMove):
        act(file, application.version)


def test_what_waits_for_a_superior_is_not_told(office: Office) -> None:
    file = submitted(office)
    with at("2026-03-04 09:30:00"):
        file.ask_at_intake()
    with at("2026-03-05 09:30:00"):
        file.answer()
    # Told once, in time; what was handed in on Thursday has five days of its own.
    with at("2026-03-12 16:59:00"):
        office.attend()
        file.ask_at_intake()
        assert file.application().status == "submitted"
    with file.unit() as uow:
        wanted = select(Supplement).where(
            Supplement.application_id == file.id, Supplement.status == "wanted"
        )
        second = uow.scalars(wanted).one()
    with at("2026-03-12 17:00:00"):
        version = file.application().version
        with acting(file) as who, pytest.raises(IntakeOver):
            service.judge_at_intake(*who, second.id, version, allowed=True)
        office.attend()
    application = file.application()
    assert (application.status, application.reason) == ("in_progress", "not-told-in-time")
    assert shown(application.accepted_at) == "2026-03-05 09:30"
    with file.unit() as uow:
        assert uow.get_one(Supplement, second.id).status == "declined"


@pytest.mark.promise("P34")
def test_an_officer_and_the_end_of_the_time_have_one_lawful_outcome(
    office: Office, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    files = [submitted(office) for _ in range(12)]
    for moment in IN_MEANWHILE:
        with at(moment):
            office.attend()
    versions = {file.id: file.application().version for file in files}
    seen: Counter[tuple[str, str]] = Counter()
    with at("2026-03-10 16:59:59.750000"):  # the time ends while they act
        for number, file in enumerate(files):
            act = partial((ask, refuse)[number % 2], file, versions[file.id])
            both = (act, office.attend)
            officer = together(*both)[0] if number % 3 else together(*reversed(both))[1]
            seen[officer, file.application().status] += 1
    with at("2026-03-10 17:00:30"):
        office.attend()
    silent = 0
    for number, file in enumerate(files):
        ends = {move for move in moves_of(rooms, file.id)[2:] if move[0] != "in_progress"}
        told = [("supplement_required", "supplement"), ("not_accepted", "other-authority")]
        assert ends in ({("accepted", "deemed")}, {told[number % 2]})
        silent += ends == {("accepted", "deemed")}
    shows(
        f"{len(files)} officers act in the second in which silence accepts: "
        f"{len(files) - silent} were in time, {silent} accepted by silence, 0 both"
    )
    codes = {officer for officer, _ in seen}
    assert codes <= {"done", "permit-intake-over", "permit-version-stale", "illegal-transition"}
    assert seen.total() == len(files)
    assert not any(
        status in ("accepted", "in_progress") for officer, status in seen if officer == "done"
    )


def test_the_offline_program_finds_when_silence_accepted(office: Office) -> None:
    file = submitted(office)
    with at("2026-03-11 10:29:10"):
        office.attend()
    with at("2026-03-11 16:00:00"), file.unit() as uow:
        mine = (uow, file.citizen.reference, file.id, SERVICES)
        clock = ApplicationClockSchema().dump(service.find_clock(*mine, None))
        export = json.loads(json.dumps(ClockExportSchema().dump(service.export_clock(*mine))))
    said = approval_clock.recompute(export, clock["read_at"])
    ours = [{name: task[name] for name in FIELDS} for task in clock["tasks"]]
    assert json.loads(json.dumps(ours).replace(".000Z", "Z")) == said["tasks"]
    intake, *others = said["tasks"]
    assert (intake["silence_at"], intake["state"]) == ("2026-03-10T09:00:00Z", "stopped")
    assert (intake["lamp"], intake["is_overdue"]) == ("red", True)
    assert not any(task["silence_at"] for task in others)
    # A worker that came a day late has not made it any later, and the minutes are the lead's.
    assert [event["cause"] for event in export["tasks"][0]["events"]] == ["citizen", "deemed"]
    assert [(h["department"], h["minutes"]) for h in intake["held"]] == [(LEAD, 360 + 5 * 420 + 90)]
    forged = json.loads(json.dumps(export))
    forged["tasks"][0]["events"][0]["at"] = "2026-03-04T01:59:10.000000+00:00"
    assert approval_clock.recompute(forged, clock["read_at"])["tasks"][0]["silence_at"] == (
        "2026-03-11T09:00:00Z"
    )


def test_the_citizen_hears_that_it_counts_as_accepted(
    office: Office, client: FlaskClient, world: World, rooms: Rooms
) -> None:
    me = log_in(client, world, rooms)
    with at(RECEIVED):
        office.submit(office.view(me.id))
    for moment in (OVER, OVER):
        with at(moment):
            office.attend()
    items = client.get("/v1/me/inbox?limit=100", headers=me.auth).json["items"]
    told = [item for item in items if item["kind"].startswith("permits.permit-")]
    told = [item for item in told if "fee" not in item["kind"]]
    assert Counter(item["kind"] for item in told) == {
        "permits.permit-late": 1,
        "permits.permit-accepted-by-silence": 1,
    }
    (accepted,) = [str(item) for item in told if "silence" in item["kind"]]
    assert "自收到申请材料之日（2026-03-03）起即为受理" in accepted
    assert "accepted as of 2026-03-03" in accepted


@settings(max_examples=60)
@given(
    st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)),
    st.integers(0, 40 * 86_400),
)
def test_silence_accepts_in_its_minute_and_never_before(begin: datetime, seconds: int) -> None:
    steps = [Step(begin, "submitted")]
    over = silence_accepts_at(steps, INTAKE_SILENCE, CALENDAR)
    assert over is not None
    coming = [day_of(begin) + timedelta(days=n) for n in range(1, 30)]
    fifth = [day for day in coming if CALENDAR.is_working(day)][4]
    assert shown(over) == f"{fifth} 17:00"
    raised = {Alarm.WARNING: begin, Alarm.OVERDUE: begin, Alarm.LAST_WARNING: begin}
    for moment in (over - timedelta(microseconds=1), over, begin + timedelta(seconds=seconds)):
        due = next_duty(
            *(steps, Limit(1, Starts.AT_ONCE), CALENDAR, max(moment, begin)),
            lamp=Lamp.RED,
            given=raised,
            is_deemed=False,
            silence=INTAKE_SILENCE,
        )
        assert due is not None
        assert (due.duty, due.at) == (Duty.ACCEPT, over)
    told = [*steps, Step(over - timedelta(seconds=1), "supplement_required", pause=Limit(15))]
    assert silence_accepts_at(told, INTAKE_SILENCE, CALENDAR) is None
    assert silence_accepts_at(steps, None, CALENDAR) is None


def day_of(moment: datetime) -> date:
    return moment.astimezone(CITY_TIME).date()
