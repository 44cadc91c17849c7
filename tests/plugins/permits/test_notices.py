"""A citizen is told what others have done with their application, each thing once."""

from collections import Counter

from flask.testing import FlaskClient
from sqlalchemy import text

from app.factory import Rooms
from plugins.permits.values.seats import SeatRole
from tests.conftest import World
from tests.factories import log_in
from tests.plugins.permits.answers import MOVING_ALONE
from tests.plugins.permits.cases import accept, finish, seat
from tests.plugins.permits.clockwork import Office, at

POLICE = "public-security-bureau"
PLAN, SILENT = "works-planning", "traffic-opinion"


def test_a_citizen_hears_of_each_step_once(client: FlaskClient, world: World, rooms: Rooms) -> None:
    me = log_in(client, world, rooms)
    clerk, decider = seat(rooms, POLICE, SeatRole.CLERK), seat(rooms, POLICE, SeatRole.DECIDER)
    application = accept(rooms, me.id, "moving-in", MOVING_ALONE, clerk)
    finish(rooms, application, clerk, decider, "household-registration")
    items = client.get("/v1/me/inbox?limit=100", headers=me.auth).json["items"]
    told = [message for message in items if message["kind"].startswith("permits.")]
    assert Counter(message["kind"] for message in told) == {
        "permits.permit-accepted": 1,
        "permits.permit-decided": 3,
        "permits.permit-ended": 1,
    }
    words = "\n".join(str(message) for message in told)
    for title in ("准予迁入核准", "原户口所在地迁出协同办理", "落户登记"):
        assert f"“{title}”" in words
    assert clerk.id not in words
    assert MOVING_ALONE["new-address"] not in words


def test_a_citizen_hears_of_each_alarm_once(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    me = log_in(client, world, rooms)
    office = Office(rooms)
    office.forget_others()
    with at("2026-03-03 09:59:10"):
        file, late = (office.submit(office.view(me.id)) for _ in range(2))
        for each in (file, late):
            office.caller(each.application().lead)
            each.accept()
    with at("2026-03-04 10:30:00"):  # late, and decided before a worker came by
        late.take(PLAN)
        late.approve(PLAN)
    with office.rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update plugin_permits.clocks set next_at = null where application_id = :id"),
            {"id": late.id},
        )
    for moment in ("03 16:36:05", "04 09:18:05", "04 09:18:30", "04 10:00:05", "04 10:00:30"):
        with at(f"2026-03-{moment}"):
            office.attend()
    items = client.get("/v1/me/inbox?limit=100", headers=me.auth).json["items"]
    told = {
        kind: [str(item) for item in items if item["kind"] == f"permits.permit-{kind}"]
        for kind in ("late", "silence-near", "deemed", "decided")
    }
    overdue = {task for task, kind, _ in file.alarms() if kind == "overdue"}
    assert {PLAN, SILENT} < overdue
    # What silence decides is told as that, and a late decision as a decision.
    assert len(told["late"]) == len(overdue) - 1
    words = "“建设工程规划许可证核发”应于2026-03-04 10:00前办结"
    assert sum(words in letter for letter in told["late"]) == 1
    assert late.alarms_of(PLAN) == [(PLAN, "overdue", "2026-03-04 10:30")]
    (near,) = told["silence-near"]
    assert "办理期限至2026-03-04 10:00；期满后主管部门仍未决定的，依规视为同意" in near
    assert "counts as approved" in near
    (deemed,) = told["deemed"]
    assert "依规视为同意" in deemed
    assert len(told["decided"]) == 1
