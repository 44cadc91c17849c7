"""From a verified employer to a hire over HTTP; who sees what of a curriculum, and until when."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.sdk import now
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.plugins.jobs.conftest import Boss, Officer, make_boss, publish
from tests.plugins.jobs.rows import moves, one

JOBS = "/v1/jobs"
NAME = "欧阳若兰"
CV = {
    "name": NAME,
    "phone": "+8613800001111",
    "headline": "数控车工，八年经验",
    "education": [
        {"school": "十堰技师学院", "degree": "中专", "field": "数控", "since": "2010-09"}
        | {"until": "2013-06"}
    ],
    "work": [
        {"employer": "东风车桥", "post": "车工", "since": "2013-07", "until": None}
        | {"duties": "轴类零件加工"}
    ],
    "skills": ["数控编程", "识图"],
    "wish": {"districts": ["420302"], "salary": 600_000, "employment_types": ["full_time"]},
}


class Seeker:
    """A citizen with a curriculum who looks for work."""

    def __init__(self, client: FlaskClient, who: Citizen) -> None:
        self.client, self.who = client, who

    def put_cv(self, **changed: object) -> TestResponse:
        return self.client.put(f"{JOBS}/cv", json=CV | changed, headers=self.who.auth)

    def apply(self, vacancy: str, words: str = "盼复") -> dict[str, Any]:
        answer = self.try_to_apply(vacancy, words)
        assert answer.status_code == 201, answer.text
        assert answer.headers["Location"] == f"{JOBS}/applications/{answer.json['id']}"
        return dict(answer.json)

    def try_to_apply(self, vacancy: str, words: str = "盼复") -> TestResponse:
        path = f"{JOBS}/vacancies/{vacancy}/applications"
        return self.client.post(path, json={"words": words}, headers=self.who.auth)

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = self.client.get(f"{JOBS}/{path}", headers=self.who.auth)
        assert answer.status_code == 200, answer.text
        return answer.json

    def post(self, path: str, body: object = None) -> TestResponse:
        return self.client.post(f"{JOBS}/{path}", json=body, headers=self.who.auth)

    def delete(self, path: str) -> TestResponse:
        return self.client.delete(f"{JOBS}/{path}", headers=self.who.auth)

    def told(self, kind: str) -> list[str]:
        items = self.client.get("/v1/me/inbox?limit=100", headers=self.who.auth).json["items"]
        return [item["body"]["zh"] for item in items if item["kind"] == f"jobs.{kind}"]


def make_seeker(client: FlaskClient, world: World, rooms: Rooms) -> Seeker:
    seeker = Seeker(client, log_in(client, world, rooms))
    assert seeker.put_cv().status_code == 200
    return seeker


@pytest.fixture
def seeker(client: FlaskClient, world: World, rooms: Rooms) -> Seeker:
    return make_seeker(client, world, rooms)


def received(boss: Boss, application: str) -> str:
    return f"{boss.place}/applications/{application}"


def put(boss: Boss, application: str, what: str, body: object = None) -> TestResponse:
    path = f"{received(boss, application)}/{what}"
    return boss.client.put(path, json=body, headers=boss.headers)


def undo(boss: Boss, application: str, reason: str) -> TestResponse:
    path = f"{received(boss, application)}/hire-cancellation"
    return boss.client.post(path, json={"reason": reason}, headers=boss.headers)


def read_cv(boss: Boss, share: str) -> TestResponse:
    return boss.client.get(f"{boss.place}/shares/{share}", headers=boss.headers)


def refusal(answer: TestResponse) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json", answer.text
    return answer.status_code, answer.json["code"]


def copies(rooms: Rooms, application: str) -> int:
    found = one(
        rooms,
        "select count(*) from plugin_jobs.cv_shares where cv_sealed is not null"
        " and application_id = cast(:id as uuid)",
        id=application,
    )
    return int(found)


def test_from_a_verified_employer_to_a_filled_vacancy(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer
) -> None:
    boss = make_boss(client, world, rooms, officer)
    vacancy = publish(rooms, boss, officer, title="数控车工急聘甲")
    elsewhere = publish(rooms, boss, officer, title="数控铣工")
    found = client.get(f"{JOBS}/vacancies?q=数控车工急聘甲").json["items"]
    assert [item["id"] for item in found] == [vacancy["id"]]

    me, rival = (make_seeker(client, world, rooms) for _ in range(2))
    mine, theirs = me.apply(vacancy["id"]), rival.apply(vacancy["id"])
    also = me.apply(elsewhere["id"])
    assert (mine["status"], mine["employer"]) == ("new", boss.name)
    assert refusal(me.try_to_apply(vacancy["id"])) == (409, "already-applied")

    listed = client.get(f"{boss.place}/applications?status=new", headers=boss.headers).json["items"]
    assert {one["id"] for one in listed} == {mine["id"], theirs["id"], also["id"]}
    assert NAME not in json.dumps(listed, ensure_ascii=False)
    shown = read_cv(boss, mine["share_id"])
    assert shown.status_code == 200, shown.text
    assert (shown.json["cv"], shown.json["words"], shown.json["edition"]) == (CV, "盼复", 1)
    (seen,) = me.get("cv/readings")["items"]
    assert (seen["employer"], seen["share_id"], seen["kind"]) == (
        boss.name,
        mine["share_id"],
        "application",
    )
    assert rival.get("cv/readings")["items"] == []

    assert put(boss, mine["id"], "answer", {"status": "processing"}).json["answered_at"] is None
    at = (now() + timedelta(days=3)).isoformat()
    path = f"{received(boss, mine['id'])}/interviews"
    body = {"at": at, "place": "白浪中路1号二楼"}
    invited = client.post(path, json=body, headers=boss.headers)
    assert (invited.status_code, invited.json["status"]) == (201, "invited")
    assert refusal(client.post(path, json=body, headers=boss.headers)) == (409, "interview-stands")
    comes = client.put(
        f"{JOBS}/interviews/{invited.json['id']}/answer",
        json={"comes": True},
        headers=me.who.auth,
    )
    assert (comes.status_code, comes.json["status"]) == (200, "accepted")
    assert me.get(f"applications/{mine['id']}")["interview"]["place"] == "白浪中路1号二楼"
    assert len(me.told("interview-invited")) == 1

    hired = put(boss, mine["id"], "hire")
    assert (hired.status_code, hired.json["status"]) == (200, "accepted")
    assert client.get(f"{JOBS}/vacancies/{vacancy['id']}").json["status"] == "filled"
    lost = rival.get(f"applications/{theirs['id']}")
    assert (lost["status"], lost["reason"], lost["reason_title"]["zh"]) == (
        "refused",
        "position_filled",
        "职位已招满",
    )
    gone = me.get(f"applications/{also['id']}")
    assert (gone["status"], gone["share_id"]) == ("obsolete", None)
    assert any("已录用" in text for text in me.told("application-moved"))
    assert any("未通过" in text for text in rival.told("application-moved"))
    assert refusal(read_cv(boss, theirs["share_id"])) == (404, "cv-share-not-found")
    assert [copies(rooms, one["id"]) for one in (mine, theirs, also)] == [1, 0, 0]
    assert moves(rooms, mine["id"]) == [
        ("new", "citizen"),
        ("processing", "employer"),
        ("accepted", "employer"),
    ]


def test_a_consent_that_is_withdrawn_shows_nothing_a_moment_later(
    client: FlaskClient, world: World, rooms: Rooms, boss: Boss, officer: Officer, seeker: Seeker
) -> None:
    vacancy = publish(rooms, boss, officer)
    application = seeker.apply(vacancy["id"])
    to_firm = seeker.post("cv/shares", {"employer_id": boss.employer, "days": 30})
    to_all = seeker.post("cv/shares", {"days": 30})
    assert (to_firm.status_code, to_all.status_code) == (201, 201)
    assert refusal(seeker.post("cv/shares", {"days": 9})) == (409, "cv-already-shared")
    shares = [application["share_id"], to_firm.json["id"], to_all.json["id"]]
    assert [read_cv(boss, share).status_code for share in shares] == [200, 200, 200]
    assert len(seeker.get("cv/readings")["items"]) == 3

    other = make_boss(client, world, rooms, officer)
    assert [read_cv(other, share).status_code for share in shares] == [404, 404, 200]
    listed = client.get(f"{other.place}/candidates?limit=100", headers=other.headers).json["items"]
    assert to_all.json["id"] in {item["share_id"] for item in listed}
    assert to_firm.json["id"] not in {item["share_id"] for item in listed}

    assert seeker.delete("cv/shares").status_code == 204
    assert {one["status"] for one in seeker.get("cv/shares")["items"]} == {"withdrawn"}
    for firm in (boss, other):
        for share in shares:
            answer = read_cv(firm, share)
            assert refusal(answer) == (404, "cv-share-not-found")
            assert NAME not in answer.text
    assert copies(rooms, application["id"]) == 0
    assert len(seeker.get("cv/readings")["items"]) == 4  # nobody saw anything since
    assert seeker.get(f"applications/{application['id']}")["status"] == "new"

    assert seeker.delete("cv").status_code == 204
    assert client.get(f"{JOBS}/cv", headers=seeker.who.auth).status_code == 404
    assert refusal(seeker.try_to_apply(vacancy["id"])) == (409, "already-applied")
    withdrawn = seeker.post(f"applications/{application['id']}/withdrawal")
    assert (withdrawn.status_code, withdrawn.json["status"]) == (200, "withdrawn")
    assert refusal(seeker.try_to_apply(vacancy["id"])) == (404, "cv-not-found")


def test_foreign_applications_are_absent(
    client: FlaskClient, world: World, rooms: Rooms, boss: Boss, officer: Officer, seeker: Seeker
) -> None:
    vacancy = publish(rooms, boss, officer)
    application = seeker.apply(vacancy["id"])
    other = make_boss(client, world, rooms, officer)
    stranger = make_seeker(client, world, rooms)
    missing = (404, "job-application-not-found")
    for answer in (
        client.get(received(other, application["id"]), headers=other.headers),
        put(other, application["id"], "answer", {"status": "processing"}),
        put(other, application["id"], "hire"),
        stranger.post(f"applications/{application['id']}/withdrawal"),
    ):
        assert refusal(answer) == missing
    # A member of another firm is nobody at this one, and so is its applicant.
    for who in (other.headers, seeker.who.auth):
        path = received(boss, application["id"])
        assert refusal(client.get(path, headers=who)) == (404, "employer-not-found")
        cv = client.get(f"{boss.place}/shares/{application['share_id']}", headers=who)
        assert refusal(cv) == (404, "employer-not-found")
    assert seeker.get("cv/readings")["items"] == []
    assert moves(rooms, application["id"]) == [("new", "citizen")]


def test_a_refusal_has_a_reason_of_the_list(
    rooms: Rooms, boss: Boss, officer: Officer, seeker: Seeker
) -> None:
    application = seeker.apply(publish(rooms, boss, officer)["id"])
    for body in (
        {"status": "refused"},
        {"status": "refused", "reason": "ugly"},
        {"status": "processing", "reason": "other"},
        {"status": "accepted"},
        {"status": "withdrawn"},
    ):
        assert refusal(put(boss, application["id"], "answer", body)) == (422, "invalid-input")
    body = {"status": "refused", "reason": "lacks_licence"}
    done = put(boss, application["id"], "answer", body)
    assert done.json["reason_title"] == {"zh": "缺少职业资格证书", "en": "A licence is missing"}
    assert done.json["answered_at"] is not None
    again = put(boss, application["id"], "answer", {"status": "processing"})
    assert refusal(again) == (409, "illegal-transition")
    assert copies(rooms, application["id"]) == 0


def test_a_hire_that_its_citizen_denies_gives_back_what_it_took(
    client: FlaskClient, world: World, rooms: Rooms, boss: Boss, officer: Officer, seeker: Seeker
) -> None:
    vacancy = publish(rooms, boss, officer, open_positions=2)
    elsewhere = make_boss(client, world, rooms, officer)
    other = publish(rooms, elsewhere, officer)
    mine, also = seeker.apply(vacancy["id"]), seeker.apply(other["id"])
    assert put(boss, mine["id"], "hire").status_code == 200
    assert seeker.get(f"applications/{also['id']}")["status"] == "obsolete"
    anew = put(elsewhere, also["id"], "answer", {"status": "processing"})
    assert refusal(anew) == (409, "illegal-transition")  # it comes back by the hire's end alone
    path = f"applications/{mine['id']}/hire-cancellation"
    for body in (None, {}, {"reason": "did_not_start"}):
        assert refusal(seeker.post(path, body))[0] in {415, 422}
    denied = seeker.post(path, {"reason": "hire_denied"})
    assert (denied.json["status"], denied.json["reason"]) == ("cancelled", "hire_denied")
    assert seeker.get(f"applications/{also['id']}")["status"] == "processing"
    hires = "select count(*) from plugin_jobs.hires where vacancy_id = cast(:id as uuid)"
    assert one(rooms, hires, id=vacancy["id"]) == 0
    again = undo(boss, mine["id"], "did_not_start")
    assert refusal(again) == (409, "illegal-transition")


def test_whoever_applied_is_told_that_a_vacancy_was_closed(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer, seeker: Seeker
) -> None:
    boss = make_boss(client, world, rooms, officer)
    withdrawn, filled = (publish(rooms, boss, officer) for _ in range(2))
    first, second = seeker.apply(withdrawn["id"]), seeker.apply(filled["id"])
    assert boss.do(withdrawn["id"], "withdrawal").status_code == 200
    assert boss.do(filled["id"], "filling").status_code == 200
    ends = [seeker.get(f"applications/{one['id']}") for one in (first, second)]
    assert [(end["status"], end["reason"]) for end in ends] == [
        ("cancelled", "vacancy_withdrawn"),
        ("refused", "position_filled"),
    ]
    assert len(seeker.told("application-moved")) == 2
    assert [copies(rooms, one["id"]) for one in (first, second)] == [0, 0]
    third = seeker.apply(publish(rooms, boss, officer)["id"])
    suspended = officer.put(f"employers/{boss.employer}/suspension", {"reason": "fraud"})
    assert suspended.status_code == 200, suspended.text
    end = seeker.get(f"applications/{third['id']}")
    assert (end["status"], end["reason"]) == ("cancelled", "employer_suspended")
    assert copies(rooms, third["id"]) == 0


def test_a_hire_by_mistake_is_undone_and_everybody_is_told(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer
) -> None:
    boss = make_boss(client, world, rooms, officer)
    vacancy = publish(rooms, boss, officer, title="镗工急聘乙")
    me, rival = (make_seeker(client, world, rooms) for _ in range(2))
    mine, theirs = me.apply(vacancy["id"]), rival.apply(vacancy["id"])
    early = undo(boss, mine["id"], "hired_by_mistake")
    assert refusal(early) == (409, "illegal-transition")  # nobody is hired yet
    assert put(boss, mine["id"], "hire").status_code == 200
    for reason in ("", "hire_denied", "oops"):
        assert refusal(undo(boss, mine["id"], reason)) == (422, "invalid-input")
    assert boss.see(vacancy["id"])["status"] == "filled"

    undone = undo(boss, mine["id"], "hired_by_mistake")
    assert (undone.status_code, undone.json["status"]) == (200, "processing")
    assert (undone.json["reason"], undone.json["share_id"]) == (None, mine["share_id"])
    shown = boss.see(vacancy["id"])
    assert (shown["status"], shown["closed_at"], shown["closed_cause"]) == ("published", None, None)
    found = client.get(f"{JOBS}/vacancies?q=镗工急聘乙").json["items"]
    assert [item["id"] for item in found] == [vacancy["id"]]
    lost = rival.get(f"applications/{theirs['id']}")
    assert (lost["status"], lost["reason"]) == ("refused", "position_filled")  # and it stays so
    (told,) = me.told("hire-undone")
    assert ("误标录用" in told, "处理中" in told) == (True, True)
    assert len(rival.told("vacancy-open-again")) == 1
    assert me.told("vacancy-open-again") == []
    inbox = client.get("/v1/me/inbox?limit=100", headers=boss.headers).json["items"]
    assert [item["kind"] for item in inbox].count("jobs.position-free") == 1
    assert moves(rooms, mine["id"]) == [
        ("new", "citizen"),
        ("accepted", "employer"),
        ("processing", "hired_by_mistake"),
    ]
    assert [state for state, _ in moves(rooms, vacancy["id"])][-2:] == ["filled", "published"]

    anew = rival.apply(vacancy["id"])
    assert put(boss, anew["id"], "hire").status_code == 200
    assert me.get(f"applications/{mine['id']}")["reason"] == "position_filled"
    assert boss.see(vacancy["id"])["status"] == "filled"
