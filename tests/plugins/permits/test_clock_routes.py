"""Clocks over HTTP: citizens see who holds a file, anybody recomputes it, the desk sees to it."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.clock import city_date
from app.core.tokens import Tokens
from app.factory import Rooms
from app.sdk import new_id
from app.staff import service as staff_service
from app.staff.values import Role
from plugins.permits import service
from plugins.permits.values.applications import DraftWish
from plugins.permits.values.seats import SeatRole
from tests.conftest import World
from tests.factories import Citizen, bearer, log_in
from tests.plugins.permits.answers import CONSTRUCTION
from tests.plugins.permits.clockwork import SERVICES, File, Office, at
from tools import approval_clock

SUPERVISING = "government-services-office"
FIELDS = (
    *("task", "department", "state", "limit", "consumed", "remaining", "starts_at", "warn_at"),
    *("due_at", "pause_due_at", "lamp", "is_overdue", "held", "silence_at"),
)


@dataclass(frozen=True)
class Desk:
    """A member of staff of a department at the desk."""

    client: FlaskClient
    headers: dict[str, str]

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/v1/permits/desk/{path}", headers=self.headers)

    def put(self, path: str, body: object = None) -> TestResponse:
        return self.client.put(f"/v1/permits/desk/{path}", json=body, headers=self.headers)


def sit(client: FlaskClient, rooms: Rooms, department: str, *roles: SeatRole) -> Desk:
    with rooms.units.open(actor="test") as uow:
        staff = staff_service.create_staff(uow, "officer", Role.DEPARTMENT_OPERATOR, department)
        token = staff_service.issue_sandbox_token(uow, rooms.deps[Tokens], staff)
        staff_id = staff if isinstance(staff, UUID) else staff.id
        for role in roles:
            service.give_seat(uow, staff_id, role, department, decides_alone=False)
    return Desk(client, bearer(token))


@pytest.fixture
def me(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


@pytest.fixture
def office(rooms: Rooms) -> Office:
    made = Office(rooms)
    made.forget_others()
    for department in ("housing-construction-bureau", "natural-resources-bureau"):
        made.caller(department)
    return made


def history_of(office: Office, me: Citizen) -> File:
    """Return an application that was asked about, answered, and partly decided; long ago."""
    who = office.view(me.id)
    with at("2026-03-03 10:00:20"):
        file = office.submit(who)
    with at("2026-03-03 11:07:10"):
        file.accept()
    with at("2026-03-03 14:00:00.000001"):
        file.take("works-planning")
        file.ask("works-planning")
    with at("2026-03-05 09:59:10"):
        file.answer()
    with at("2026-03-05 15:29:10"):
        file.approve("works-planning")
        office.attend()
    return file


def test_the_citizen_sees_who_holds_the_file_and_anybody_recomputes_it(
    client: FlaskClient, office: Office, me: Citizen
) -> None:
    file = history_of(office, me)
    place = f"/v1/permits/applications/{file.id}"
    clock = client.get(f"{place}/clock", headers=me.auth)
    assert clock.status_code == 200, clock.text
    export = client.get(f"{place}/events", headers=me.auth)
    assert export.status_code == 200, export.text
    text_of_export = export.get_data(as_text=True)
    said = approval_clock.recompute(json.loads(text_of_export), clock.json["read_at"])
    ours = [{name: task[name] for name in FIELDS} for task in clock.json["tasks"]]
    assert json.loads(json.dumps(ours).replace(".000Z", "Z")) == said["tasks"]
    path = json.loads(json.dumps(clock.json["critical_path"]).replace(".000Z", "Z"))
    assert path == said["critical_path"]
    tasks = {task["task"]: task for task in clock.json["tasks"]}
    plan = tasks["works-planning"]
    assert (plan["state"], plan["lamp"], plan["is_overdue"]) == ("stopped", "yellow", False)
    # Tuesday 11:08 to 14:01, Thursday 10:00 to 15:30; the citizen had it in between.
    assert plan["consumed"] == 52 + 61 + 120 + 150
    assert [(h["holder"], h["minutes"]) for h in plan["held"]] == [
        ("department", 383),
        ("applicant", 179 + 420 + 60),
    ]
    intake = tasks["intake"]
    assert (intake["consumed"], intake["department"]) == (67, "housing-construction-bureau")
    assert clock.json["critical_path"][0]["task"] == "intake"
    assert clock.json["plan"] is None
    # Nobody is named in what is handed out.
    assert not any(staff in text_of_export for staff in office.staff_ids)
    assert file.citizen.reference not in text_of_export


def test_a_plan_says_who_has_to_finish_by_when(
    client: FlaskClient, office: Office, me: Citizen
) -> None:
    file = history_of(office, me)
    by = date.fromisoformat(city_date()) + timedelta(days=40)
    answer = client.get(f"/v1/permits/applications/{file.id}/clock?finish_by={by}", headers=me.auth)
    plan = answer.json["plan"]
    assert plan["finish_by"] == f"{by}T09:00:00.000Z"
    assert plan["keeps_limits"] is True
    planned = {task["task"]: task for task in plan["tasks"]}
    assert "works-planning" not in planned
    assert planned["construction-permit"]["minutes"] == 420
    assert planned["drawing-review"]["minutes"] == 0
    order = [planned[task]["finish_by"] for task in ("drawing-review", "construction-permit")]
    assert order == sorted(order)


def test_before_it_is_submitted_no_clock_runs(
    client: FlaskClient, office: Office, me: Citizen
) -> None:
    who = office.view(me.id)
    with office.house.unit_of_work() as uow:
        draft = service.begin_application(
            office.house, uow, who, DraftWish("construction-start", CONSTRUCTION), SERVICES
        )
    for name in ("clock", "events"):
        answer = client.get(f"/v1/permits/applications/{draft.id}/{name}", headers=me.auth)
        assert (answer.status_code, answer.json["code"]) == (404, "permit-clock-not-found")


def test_a_stranger_finds_nothing(
    client: FlaskClient, world: World, rooms: Rooms, office: Office, me: Citizen
) -> None:
    file = office.submit(office.view(me.id))
    other = log_in(client, world, rooms)
    for name in ("clock", "events"):
        answer = client.get(f"/v1/permits/applications/{file.id}/{name}", headers=other.auth)
        assert (answer.status_code, answer.json["code"]) == (404, "permit-application-not-found")


def test_only_the_supervising_department_sets_a_day_and_says_why(
    client: FlaskClient, rooms: Rooms
) -> None:
    supervisor = sit(client, rooms, SUPERVISING, SeatRole.SUPERVISOR)
    clerk = sit(client, rooms, SUPERVISING, SeatRole.CLERK)
    other = sit(client, rooms, "natural-resources-bureau", SeatRole.SUPERVISOR)
    today = date.fromisoformat(city_date())
    # Two years ahead, where no other test looks, and another day each time.
    day = today + timedelta(days=700 + new_id().int % 90)
    wish = {
        "day": day.isoformat(),
        "is_working": day.weekday() >= 5,
        "reason": "市政府决定调休",
    }
    before = supervisor.get(f"calendar?year={day.year}").json
    assert before["is_provisional"] is True
    for desk, code in ((clerk, "permit-seat-needed"), (other, "permit-calendar-not-yours")):
        refused = desk.put("calendar", wish)
        assert (refused.status_code, refused.json["code"]) == (403, code)
    past = supervisor.put("calendar", {**wish, "day": f"{today - timedelta(days=1)}"})
    assert (past.status_code, past.json["code"]) == (409, "permit-calendar-day-over")
    far = supervisor.put("calendar", {**wish, "day": f"{today + timedelta(days=801)}"})
    assert (far.status_code, far.json["code"]) == (422, "permit-calendar-too-far")
    assert supervisor.put("calendar", {**wish, "day": "2026-13-01"}).status_code == 422
    assert supervisor.get(f"calendar?year={day.year}").json["version"] == before["version"]
    answered = supervisor.put("calendar", wish)
    assert answered.status_code == 200, answered.text
    assert (answered.json["is_working"], answered.json["source"]) == (
        *(wish["is_working"], wish["reason"]),
    )
    again = supervisor.put("calendar", wish)
    assert again.json["version"] == answered.json["version"]
    year = supervisor.get(f"calendar?year={day.year}").json
    assert [entry["is_working"] for entry in year["days"] if entry["day"] == day.isoformat()] == [
        wish["is_working"]
    ]
    with rooms.units.open(actor="test") as uow:
        told = uow.scalars(
            text("select count(*) from audit_entries where event = 'permits.calendar_day_set'")
        ).one()
    assert told >= 1


def test_alarms_are_on_the_lists_of_whoever_has_to_see_to_them(
    client: FlaskClient, rooms: Rooms, office: Office
) -> None:
    with at("2026-03-03 10:00:00"):
        file = office.submit().accept()
    with at("2026-03-05 16:30:00"):
        office.attend()
    mine = sit(client, rooms, "natural-resources-bureau", SeatRole.SUPERIOR)
    lead = sit(client, rooms, "housing-construction-bureau", SeatRole.SUPERVISOR)
    supervisor = sit(client, rooms, SUPERVISING, SeatRole.SUPERVISOR)
    stranger = sit(client, rooms, "education-bureau", SeatRole.SUPERVISOR)

    def listed(desk: Desk, query: str = "") -> dict[str, str]:
        found: dict[str, str] = {}
        cursor = ""
        while True:
            page = desk.get(f"alarms?limit=100{query}{cursor}").json
            for alarm in page["items"]:
                if alarm["application_id"] == str(file.id) and alarm["task"] == "works-planning":
                    found[alarm["kind"]] = alarm["id"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    for desk in (mine, lead, supervisor):
        assert set(listed(desk)) == {"warning", "overdue"}
    assert listed(stranger) == {}
    overdue = listed(lead)["overdue"]
    refused = stranger.put(f"alarms/{overdue}/sight")
    assert (refused.status_code, refused.json["code"]) == (404, "permit-alarm-not-found")
    seen = lead.put(f"alarms/{overdue}/sight")
    assert seen.status_code == 200, seen.text
    assert seen.json["seen_at"] is not None
    again = supervisor.put(f"alarms/{overdue}/sight")
    assert again.json["seen_at"] == seen.json["seen_at"]
    assert set(listed(lead, "&seen=false")) == {"warning"}
    assert set(listed(lead, "&seen=true")) == {"overdue"}
