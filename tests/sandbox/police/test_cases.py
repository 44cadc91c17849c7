"""Violations and decisions are found by two facts, and say what they rest on."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.conftest import Answer, Caller
from tests.sandbox.police.conftest import AT, DECIDED_AT, Scene, ask


def search(city: Caller, **facts: str) -> Answer:
    return ask(city, "POST", "searches", facts)


def test_a_violation_is_found_by_plate_and_engine(scene: Scene) -> None:
    made = scene.record()
    found = search(scene.call, plate=scene.plate, engine=scene.engine[-6:].lower())
    assert found.body == {"items": [made], "licence": None}
    assert scene.ask("GET", f"violations/{made['notice_no']}").body == made
    evidence = made.pop("evidence")
    assert made == {
        "notice_no": made["notice_no"],
        "plate": scene.plate,
        "vehicle_class": "小型汽车",
        "offence_code": "1625",
        "title": {
            "zh": "驾驶机动车违反道路交通信号灯通行",
            "en": "Driving against a traffic light",
        },
        "legal_basis": "《中华人民共和国道路交通安全法》第九十条",
        "points": 6,
        "usual_fine": 20_000,
        "place": "人民中路与公园路路口",
        "at": "2026-11-20T00:15:00.000Z",
        "speed": None,
        "officer": "420300117",
        "authority": "十堰市公安局交通管理支队",
        "driver": scene.licence[-4:],
        "status": "recorded",
        "decision": None,
        "version": 1,
    }
    for picture in evidence:
        path = urlsplit(picture["url"]).path.removeprefix("/police/")
        shown = scene.ask("GET", path)
        assert shown.content_type == "image/png"
        assert hashlib.sha256(shown.content).hexdigest() == picture["sha256"]
    assert len({picture["sha256"] for picture in evidence}) == 2


def test_a_decision_is_found_by_licence(scene: Scene) -> None:
    older = scene.record(at="2026-11-01T08:00:00+08:00", driver=None)
    made = scene.decide(points=3, served_by="in-person")
    found = search(scene.call, licence=scene.licence, archive=scene.archive).body
    assert found["licence"] == {"issued_on": "2012-02-29", "class": "C1"}
    # A violation whose driver nobody knows is the vehicle's only.
    assert found["items"] == [made]
    by_plate = search(scene.call, plate=scene.plate, engine=scene.engine[-6:]).body["items"]
    assert by_plate == [made, older]
    assert scene.case(made["decision"]["decision_no"]) == made
    assert (made["status"], made["points"], made["version"]) == ("decided", 3, 2)
    assert made["decision"] == {
        "decision_no": made["decision"]["decision_no"],
        "kind": "penalty",
        "procedure": "summary",
        "fine": 20_000,
        "points": 3,
        "currency": "CNY",
        "decided_at": "2026-11-24T02:00:00.000Z",
        "served_on": "2026-11-24",
        "served_by": "in-person",
        "instalments": False,
        "paid": 0,
        "surcharge_paid": 0,
    }


def test_what_is_found_by_one_fact_only_is_not_told(scene: Scene) -> None:
    scene.record()
    for facts in (
        {"plate": scene.plate, "engine": "000000"},
        {"plate": "鄂C99999", "engine": scene.engine[-6:]},
        {"licence": scene.licence, "archive": "999999999999"},
        {"licence": "420302198503120017", "archive": scene.archive},
    ):
        refused = search(scene.call, **facts)
        assert (refused.status, refused.body["code"]) == (404, "not-found")
    for wrong in (
        {"plate": scene.plate},
        {"plate": scene.plate, "archive": scene.archive},
        {"plate": scene.plate, "engine": scene.engine[-6:], "archive": scene.archive},
        {},
    ):
        assert search(scene.call, **wrong).body["code"] == "invalid"


def test_a_second_fact_is_compared_and_not_told(scene: Scene) -> None:
    path = f"decisions/{scene.penalise()}/checks"

    def check(digits: str) -> object:
        return scene.ask("POST", path, {"digits": digits}).body

    other = "111111" if scene.engine[-6:] != "111111" else "222222"
    assert check(scene.engine[-6:]) == {"result": "match"}
    assert check(scene.licence[-4:].lower()) == {"result": "match"}
    assert check(other) == {"result": "mismatch"}
    assert scene.ask("POST", path, {"digits": "12"}).status == 422
    unknown = scene.ask("POST", "decisions/1/checks", {"digits": other})
    assert (unknown.status, unknown.body["code"]) == (404, "decision-not-found")


def test_an_offence_may_bring_its_own_words(scene: Scene) -> None:
    offence = {
        "title": {"zh": "超过规定时速", "en": "Speeding"},
        "legal_basis": "《中华人民共和国道路交通安全法》第九十条",
        "points": 3,
    }
    speed = {"measured": 78, "limit": 60}
    made = scene.record(offence_code="9001", offence=offence, speed=speed)
    assert (made["speed"], made["points"]) == (speed, 3)
    assert made["title"] == offence["title"]
    wordless = {"plate": scene.plate, "at": AT, "offence_code": "9001"}
    assert scene.call("POST", "/police/violations", wordless).body["code"] == "invalid"


def test_a_violation_is_decided_once_also_by_many_at_once(scene: Scene) -> None:
    wanted = {"notice_no": scene.record()["notice_no"], "decided_at": DECIDED_AT}
    with ThreadPoolExecutor(8) as pool:
        decide = partial(scene.call, "POST", "/police/decisions")
        answers = list(pool.map(decide, [wanted] * 8))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7
    assert {a.body["code"] for a in answers if a.status == 409} == {"already-decided"}


@pytest.mark.parametrize(
    ("kind", "fine", "status"),
    [
        ("warning", 0, 201),
        ("exempt", 0, 201),
        ("warning", 100, 422),
        ("penalty", 0, 422),
        ("penalty", None, 201),
        ("exempt", None, 201),
        ("penalty", 1, 201),
    ],
)
def test_only_a_penalty_asks_for_money(
    scene: Scene, kind: str, fine: int | None, status: int
) -> None:
    number = scene.record()["notice_no"]
    wanted = {"notice_no": number, "decided_at": DECIDED_AT, "kind": kind, "fine": fine}
    answer = scene.call("POST", "/police/decisions", wanted)
    assert answer.status == status
    if status == 201:
        usual = 20_000 if kind == "penalty" else 0
        assert answer.body["decision"]["fine"] == (usual if fine is None else fine)


def test_a_penalty_is_amended_and_withdrawn_without_a_word(scene: Scene) -> None:
    number = scene.penalise()
    path = f"/police/decisions/{number}"
    amended = scene.call("PUT", path, {"fine": 25_000, "points": 3}).body
    assert amended == scene.case(number)
    assert (amended["decision"]["fine"], amended["points"], amended["version"]) == (25_000, 3, 3)
    withdrawn = scene.call("POST", f"{path}/withdrawals")
    assert (withdrawn.status, withdrawn.body["status"]) == (201, "withdrawn")
    assert scene.call("POST", f"{path}/withdrawals").body == withdrawn.body
    refused = scene.call("PUT", path, {"fine": 1, "points": 0})
    assert (refused.status, refused.body["code"]) == (409, "decision-withdrawn")


def test_a_violation_is_struck_off_and_takes_no_decision(scene: Scene) -> None:
    number = scene.record()["notice_no"]
    path = f"/police/violations/{number}/withdrawals"
    struck = scene.call("POST", path)
    assert (struck.status, struck.body["status"]) == (201, "withdrawn")
    assert scene.call("POST", path).body == struck.body
    body = {"notice_no": number, "decided_at": DECIDED_AT}
    for refused in (scene.call("POST", "/police/decisions", body), scene.decide_by_city(number)):
        assert (refused.status, refused.body["code"]) == (409, "withdrawn")
    assert scene.ask("GET", f"violations/{number}").body == struck.body


@pytest.mark.parametrize("said", [None, "Bearer police-sandbox-kez", "police-sandbox-key", ""])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "searches"),
        ("GET", "violations/1"),
        ("GET", "decisions/1"),
        ("POST", "decisions/1/checks"),
        ("GET", "evidence/1/1"),
        ("POST", "violations/1/decisions"),
        ("POST", "postings"),
        ("GET", "postings/by-key/1"),
        ("POST", "decisions/1/changes"),
    ],
)
def test_nobody_is_heard_without_the_key(
    city: Caller, method: str, path: str, said: str | None
) -> None:
    headers = {} if said is None else {"Authorization": said}
    refused = city(method, f"/police/{path}", {}, headers=headers)
    assert (refused.status, refused.body["code"]) == (401, "unauthorized")


def test_a_warning_cannot_be_amended_into_money(scene: Scene) -> None:
    number = scene.penalise(kind="warning", fine=0)
    refused = scene.call("PUT", f"/police/decisions/{number}", {"fine": 1, "points": 0})
    assert (refused.status, refused.body["code"]) == (409, "no-penalty")
    assert scene.case(number)["decision"]["fine"] == 0


def test_the_first_vehicles_have_one_decision_and_one_violation(city: Caller) -> None:
    vehicles = city("GET", "/police/vehicles").body["items"]
    first = [v for v in vehicles if v["plate"] in {"鄂C10001", "鄂CD10002"}]
    assert len(first) == 2
    for vehicle in first:
        found = search(city, plate=vehicle["plate"], engine=vehicle["engine"][-6:]).body
        assert [case["status"] for case in found["items"]] == ["recorded", "decided"]
    people = {p["name"]: p["resident_id"] for p in city("GET", "/register/people").body["items"]}
    licences = {item["licence"] for item in city("GET", "/police/licences").body["items"]}
    assert {people["张伟"], people["刘洋"]} <= licences


def test_vehicles_and_licences_are_made_once(scene: Scene) -> None:
    vehicle = {"plate": scene.plate, "engine": scene.engine}
    licence = {"licence": scene.licence, "archive": scene.archive, "issued_on": "2012-02-29"}
    for what, body, code in (
        ("vehicles", vehicle, "vehicle-exists"),
        ("licences", licence, "licence-exists"),
    ):
        refused = scene.call("POST", f"/police/{what}", body)
        assert (refused.status, refused.body["code"]) == (409, code)


@pytest.mark.parametrize(
    ("what", "body", "status", "code"),
    [
        ("vehicles", {"plate": "鄂CO1234", "engine": "LJ465Q"}, 422, "invalid"),
        ("vehicles", {"plate": "C12345", "engine": "LJ465Q"}, 422, "invalid"),
        (
            "licences",
            {"licence": "420302198503120018", "archive": "1" * 12, "issued_on": "2012-02-29"},
            422,
            "invalid",
        ),
        ("violations", {"plate": "鄂C99999", "at": AT}, 404, "vehicle-not-found"),
        ("violations", {"plate": "鄂C10001", "at": "2026-11-20T08:15:00"}, 422, "invalid"),
        ("decisions", {"notice_no": "1", "decided_at": DECIDED_AT}, 404, "violation-not-found"),
        ("decisions/1/withdrawals", None, 404, "decision-not-found"),
    ],
)
def test_what_makes_no_sense_is_refused(
    city: Caller, what: str, body: dict[str, Any] | None, status: int, code: str
) -> None:
    refused = city("POST", f"/police/{what}", body)
    assert (refused.status, refused.body["code"]) == (status, code)


def test_a_driver_must_have_a_licence(scene: Scene, city: Caller) -> None:
    nobody = city("POST", "/register/people", {"name": "韩梅", "born": "1991-05-01"}).body
    violation = {"plate": scene.plate, "at": AT, "driver": nobody["resident_id"]}
    assert city("POST", "/police/violations", violation).body["code"] == "licence-not-found"
    decision = violation | {"notice_no": scene.record()["notice_no"], "decided_at": DECIDED_AT}
    del decision["plate"], decision["at"]
    assert city("POST", "/police/decisions", decision).body["code"] == "licence-not-found"


@pytest.mark.parametrize(
    "path", ["violations/1", "decisions/1", "evidence/1/1", "postings/by-key/nobody"]
)
def test_what_is_not_there_is_said_so(city: Caller, path: str) -> None:
    assert ask(city, "GET", path).status == 404
