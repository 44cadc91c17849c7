"""What citizens say of employers is decided by the desk once, and its figures are the tables'."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.sdk import House
from plugins.jobs.provider import JobsProvider
from plugins.jobs.service.reports import report_employer
from plugins.jobs.values.reports import NewReport, ReportGround
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.plugins.jobs.conftest import Boss, Officer, make_boss, make_officer, publish
from tests.plugins.jobs.rows import moves, one, run
from tests.plugins.jobs.seekers import make_applicant, make_firm

WORDS = "入职前收取押金二百元"


def told(client: FlaskClient, who: Citizen, kind: str) -> int:
    items = client.get("/v1/me/inbox", headers=who.auth).json["items"]
    return [item["kind"] for item in items].count(f"jobs.{kind}")


def test_a_complaint_that_suspends_an_employer(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer
) -> None:
    boss = make_boss(client, world, rooms, officer)
    vacancy = publish(rooms, boss, officer)
    me = log_in(client, world, rooms)
    body = {"employer_id": boss.employer, "ground": "fees", "words": WORDS}
    made = client.post("/v1/jobs/reports", json=body, headers=me.auth)
    assert (made.status_code, made.json["status"]) == (201, "received")
    again = client.post("/v1/jobs/reports", json=body, headers=me.auth)
    assert (again.status_code, again.json["code"]) == (409, "employer-report-under-way")
    listed = officer.get("reports?status=received&limit=100").json["items"]
    assert [one["words"] for one in listed if one["id"] == made.json["id"]] == [WORDS]
    path = f"reports/{made.json['id']}/decision"
    foreign = make_officer(client, rooms, "water-bureau")
    for answer in (
        foreign.get("reports"),
        foreign.get("statistics"),
        foreign.put(path, {"outcome": "warned"}),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "other-departments-jobs")
    assert officer.put(path, {"outcome": "received"}).status_code == 422
    done = officer.put(path, {"outcome": "suspended"})
    assert (done.status_code, done.json["status"]) == (200, "suspended")
    assert officer.put(path, {"outcome": "warned"}).json["code"] == "illegal-transition"
    mine = client.get("/v1/jobs/reports", headers=me.auth).json["items"]
    assert [(one["status"], one["employer"]) for one in mine] == [("suspended", boss.name)]
    assert told(client, me, "report-decided") == 1
    assert moves(rooms, boss.employer)[-1] == ("suspended", "charged-applicants")
    assert client.get(f"/v1/jobs/vacancies/{vacancy['id']}").json["status"] == "withdrawn"


def test_a_warning_leaves_an_employer_at_work(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer, boss: Boss
) -> None:
    me = log_in(client, world, rooms)
    body = {"employer_id": boss.employer, "ground": "other", "words": WORDS}
    for outcome in ("not_founded", "warned"):
        made = client.post("/v1/jobs/reports", json=body, headers=me.auth)
        assert made.status_code == 201, made.text
        done = officer.put(f"reports/{made.json['id']}/decision", {"outcome": outcome})
        assert done.json["status"] == outcome
    inbox = client.get("/v1/me/inbox?limit=100", headers=dict(boss.headers)).json["items"]
    assert [item["kind"] for item in inbox].count("jobs.employer-warned") == 1
    status = "select status from plugin_jobs.employers where id = cast(:id as uuid)"
    assert one(rooms, status, id=boss.employer) == "verified"


def test_figures_are_those_of_the_tables(rooms: Rooms, house: House, officer: Officer) -> None:
    firm = make_firm(rooms, house)
    before = officer.get("statistics").json
    firm.vacancy(3)
    after = officer.get("statistics").json
    assert after["positions_open"] == before["positions_open"] + 3
    assert after["vacancies"]["published"] == before["vacancies"].get("published", 0) + 1
    assert after["employers"] == before["employers"]


def test_what_was_said_is_sealed_and_forgotten(rooms: Rooms, house: House) -> None:
    firm, me = make_firm(rooms, house), make_applicant(rooms)
    wanted = NewReport(firm.id, ReportGround.FALSE_HIRE, WORDS)
    with house.unit_of_work() as uow:
        report = report_employer(house, uow, me, wanted)
    provider = rooms.deps[JobsProvider]
    assert provider.export(me)["employer_reports"][0]["words"] == WORDS  # type: ignore[index]
    sealed = "select words_sealed from plugin_jobs.employer_reports where id = :id"
    assert WORDS.encode() not in bytes(one(rooms, sealed, id=report.id))
    with pytest.raises(IntegrityError, match="ck_employer_reports_decided_at"):
        run(
            rooms,
            "update plugin_jobs.employer_reports set status = 'warned' where id = :id",
            id=report.id,
        )
    for _ in range(2):
        provider.erase(me)
        assert not any(provider.export(me).values())
    assert one(rooms, sealed, id=report.id) is None
