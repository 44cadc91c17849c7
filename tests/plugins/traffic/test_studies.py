"""Study takes points away: proven by the police, once, within the most of a cycle."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.factory import Rooms
from app.http.server import Server
from tests.conftest import World
from tests.factories import Citizen, city, later, log_in, verify
from tests.plugins.traffic.conftest import (
    attend,
    behave,
    city_today,
    letters,
    make_car,
    refusal,
    told,
)
from tests.plugins.traffic.test_licence import PATH, consent, make_licence
from tests.plugins.traffic.test_models import insert

POINTS, STUDIES = f"{PATH}/points", f"{PATH}/studies"


@dataclass(frozen=True)
class Driver:
    """Somebody with a licence, and what the police have of it."""

    client: FlaskClient
    world: World
    member: Citizen
    number: str

    def offend(self, times: int = 1, served_days_ago: int = 0) -> list[str]:
        """Be fined for driving against a light: six points each."""
        car, numbers = make_car(self.world), []
        for _ in range(times):
            body = {"plate": car.plate, "driver": self.number, "at": now().isoformat()}
            made = city(self.world, "POST", "/police/violations", body)
            served = city_today() - timedelta(days=served_days_ago)
            decision = {
                "notice_no": made["notice_no"],
                "fine": 20_000,
                "decided_at": now().isoformat(),
                "served_on": served.isoformat(),
            }
            decided = city(self.world, "POST", "/police/decisions", decision)
            numbers.append(str(decided["decision"]["decision_no"]))
        return numbers

    def study(self, kind: str = "online", on: date | None = None, **more: object) -> str:
        """Take a course; return its number."""
        finished = (on or city_today()).isoformat()
        body = {"licence": self.number, "kind": kind, "finished_on": finished, **more}
        return str(city(self.world, "POST", "/police/studies", body)["study_no"])

    def ask(self, study_no: str) -> Any:  # noqa: ANN401 - an answer
        return self.client.post(STUDIES, json={"study_no": study_no}, headers=self.member.auth)

    def points(self) -> dict[str, Any]:
        answer = self.client.get(POINTS, headers=self.member.auth)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json
        return body


@pytest.fixture
def driver(client: FlaskClient, world: World, rooms: Rooms) -> Driver:
    member = log_in(client, world, rooms)
    number = verify(client, world, member)["resident_id"]
    consent(client, member)
    wanted = {"file_number": make_licence(world, number)}
    assert client.post(PATH, json=wanted, headers=member.auth).status_code == 201
    return Driver(client, world, member, number)


@pytest.mark.promise("M15")
def test_courses_take_points_away_up_to_the_most_of_a_cycle(
    driver: Driver, world: World, shows: Callable[[str], None]
) -> None:
    driver.offend()
    before = driver.points()
    assert (before["points"], before["left"], before["study_left"]) == (6, 6, 6)
    kinds = {"classroom": 2, "online": 1, "service": 1}
    for kind, worth in kinds.items():
        study_no = driver.study(kind)
        answer = driver.ask(study_no)
        assert answer.status_code == 201, answer.text
        assert (answer.json["status"], answer.json["points"]) == ("credited", worth)
        (credit,) = told(world, "credits", study_no)
        assert (credit["points"], credit["key"]) == (worth, answer.json["id"])
        assert refusal(driver.ask(study_no)) == (409, "study-not-open")
    after = driver.points()
    assert (after["points"], after["study_left"]) == (2, 2)
    assert len(letters(driver.client, driver.member, "study-credited")) == 3
    listed = driver.client.get(STUDIES, headers=driver.member.auth).json["items"]
    assert [one["points"] for one in listed] == [2, 1, 1]
    # Two points are left: a course takes no more away than there is, and of none nothing.
    assert driver.ask(driver.study("classroom")).json["points"] == 2
    assert (driver.points()["points"], driver.points()["study_left"]) == (0, 0)
    assert refusal(driver.ask(driver.study())) == (409, "study-not-open")
    shows("6 points, courses of 2+1+1+2 points: 0 points, a further course refused")


def test_what_the_police_do_not_prove_is_refused(driver: Driver) -> None:
    driver.offend()
    driver.points()
    failed = driver.study(passed=False)
    for study_no in (failed, "XF2026999999"):
        assert refusal(driver.ask(study_no)) == (422, "study-not-proven")
    long_ago = driver.study(on=city_today() - timedelta(days=400))
    assert refusal(driver.ask(long_ago)) == (409, "study-not-open")
    assert driver.points()["points"] == 6


def test_a_full_licence_and_one_with_an_open_case_have_other_duties(
    driver: Driver, world: World
) -> None:
    driver.offend()
    car = make_car(world)
    body = {"plate": car.plate, "driver": driver.number, "at": now().isoformat()}
    case = city(world, "POST", "/police/violations", body)["notice_no"]
    assert driver.points()["study_left"] == 6
    study_no = driver.study()
    assert refusal(driver.ask(study_no)) == (409, "study-not-open")
    city(world, "POST", f"/police/violations/{case}/withdrawals", {})
    driver.offend()
    with later(11):
        full = driver.points()
        assert (full["points"], full["is_full"], full["study_left"]) == (12, True, 0)
        assert refusal(driver.ask(study_no)) == (409, "study-not-open")


def test_a_credit_whose_answer_is_lost_is_told_again_and_counts_once(
    driver: Driver, police: World, rooms: Rooms
) -> None:
    driver.offend()
    driver.points()
    study_no = driver.study("classroom")
    behave(police, "answer_lost", times=1)
    asked = driver.ask(study_no)
    assert (asked.status_code, asked.json["status"]) == (201, "requested")
    assert driver.points()["points"] == 6
    for _ in range(2):
        attend(rooms)
    (mine,) = driver.client.get(STUDIES, headers=driver.member.auth).json["items"]
    assert mine["status"] == "credited"
    assert driver.points()["points"] == 4
    assert [one["effective"] for one in told(police, "credits", study_no)].count(True) == 1
    assert len(letters(driver.client, driver.member, "study-credited")) == 1


def test_what_the_police_refuse_takes_nothing_away(
    driver: Driver, police: World, rooms: Rooms
) -> None:
    driver.offend()
    driver.points()
    study_no = driver.study()
    behave(police, "refuse")
    asked = driver.ask(study_no)
    assert (asked.json["status"], asked.json["refusal"]) == ("refused", "refused-by-police")
    behave(police, "ok")
    assert driver.points()["points"] == 6
    assert driver.ask(study_no).json["status"] == "credited"  # what was refused may be asked again
    assert len(letters(driver.client, driver.member, "study-refused")) == 1


def test_of_eight_courses_at_once_no_more_counts_than_a_cycle_has(
    driver: Driver, app: Server, world: World
) -> None:
    driver.offend()
    driver.points()
    courses = [driver.study("classroom") for _ in range(5)]

    def ask(study_no: str) -> int:
        with app.test_client() as mine:
            body = {"study_no": study_no}
            answer = mine.post(STUDIES, json=body, headers=driver.member.auth)
            while answer.status_code == 503:  # seats at the provider are few
                answer = mine.post(STUDIES, json=body, headers=driver.member.auth)
            return answer.status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, courses)) == [201] * 3 + [409] * 2
    credited = [told(world, "credits", study_no) for study_no in courses]
    assert sum(one["points"] for told_of in credited for one in told_of if one["effective"]) == 6


def study(**changed: object) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "status": "requested",
        "version": 1,
        "letterbox": "",
        "licence_index": b"x",
        "study_no": f"XF{uuid4().hex[:8]}",
        "kind": "online",
        "finished_on": "2026-11-22",
        "points": 1,
        "requested_at": "2026-11-22T00:00:00Z",
    } | changed


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"status": "given", "decided_at": "2026-11-22T00:00:00Z"}, "ck_studies_status"),
        ({"kind": "sleep"}, "ck_studies_kind"),
        ({"points": 0}, "ck_studies_points"),
        ({"status": "credited"}, "ck_studies_decided"),
        ({"refusal": "no"}, "ck_studies_refusal"),
    ],
)
def test_the_table_refuses_what_must_never_be(
    rooms: Rooms, changed: dict[str, object], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "studies", study(**changed))


def test_a_course_counts_once_whoever_writes(rooms: Rooms) -> None:
    kept = insert(rooms, "studies", study())
    with pytest.raises(IntegrityError, match="uq_studies_study_no_live"):
        insert(rooms, "studies", study(study_no=kept["study_no"]))
    with rooms.units.open(actor="test") as uow:
        gone = "delete from plugin_traffic.studies where id = :id"
        uow.execute(text(gone), {"id": UUID(str(kept["id"]))})
