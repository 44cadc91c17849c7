"""What the police are told acts once, or is refused for good, however their system behaves."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from sandbox.city import serve_city
from sandbox.store import Store
from sandbox.wire import today
from tests.sandbox.conftest import Caller
from tests.sandbox.police.conftest import AT, DECIDED_AT, Scene, ask, set_scene


def test_a_posting_pays_the_fine_and_acts_once(scene: Scene) -> None:
    number = scene.penalise()
    first = scene.post(number, surcharge=600)
    assert (first.status, first.body["effective"]) == (201, True)
    again = scene.post(number, surcharge=600, paid_at="2026-11-25T09:00:01+08:00")
    assert (again.status, again.body) == (200, first.body | {"effective": False})
    case = scene.case(number)
    assert (case["status"], case["version"]) == ("paid", 3)
    assert (case["decision"]["paid"], case["decision"]["surcharge_paid"]) == (20_000, 600)
    told = {
        "key": f"key-{number}",
        "fine": 20_000,
        "surcharge": 600,
        "currency": "CNY",
        "reference": first.body["reference"],
    }
    found = scene.ask("GET", f"postings/by-key/key-{number}").body
    assert found == told | {"decision_no": number, "at": first.body["at"]}
    listed = scene.told("postings", number)
    assert listed[0] == told | {
        "subject": number,
        "received_at": first.body["at"],
        "outcome": "taken",
        "effective": True,
    }
    assert [(n["outcome"], n["effective"]) for n in listed] == [
        ("taken", True),
        ("repeated", False),
    ]


def test_a_decision_of_the_city_is_written_down_once(scene: Scene) -> None:
    notice_no = scene.record()["notice_no"]
    days = {today()}
    first = scene.decide_by_city(notice_no)
    days.add(today())
    assert (first.status, first.body["status"]) == (201, "decided")
    decision = first.body["decision"]
    assert (decision["kind"], decision["fine"], decision["points"]) == ("penalty", 15_000, 6)
    assert (decision["procedure"], decision["served_by"]) == ("summary", "electronic")
    assert decision["served_on"] in {day.isoformat() for day in days}
    again = scene.decide_by_city(notice_no)
    assert (again.status, again.body) == (200, first.body)
    for changed, status, code in (
        ({"fine": 10_000}, 422, "key-reused"),
        ({"key": f"other-{notice_no}"}, 409, "already-decided"),
    ):
        refused = scene.decide_by_city(notice_no, **changed)
        assert (refused.status, refused.body["code"]) == (status, code)
    assert scene.ask("GET", f"violations/{notice_no}").body == first.body
    assert [n["outcome"] for n in scene.told("told-decisions", notice_no)] == [
        "taken",
        "repeated",
        "key-reused",
        "already-decided",
    ]
    unknown = scene.decide_by_city("1")
    assert (unknown.status, unknown.body["code"]) == (404, "violation-not-found")


def test_who_accepts_gets_the_usual_fine_and_points(scene: Scene) -> None:
    notice_no = scene.record(offence_code="1039")["notice_no"]
    made = scene.decide_by_city(notice_no, fine=None, points=None).body
    decision = made["decision"]
    assert (decision["fine"], decision["points"], made["usual_fine"]) == (10_000, 0, 10_000)


@pytest.mark.parametrize("kind", ["warning", "exempt"])
def test_a_decision_without_money(scene: Scene, kind: str) -> None:
    notice_no = scene.record()["notice_no"]
    for changed in ({"kind": kind}, {"fine": 0}, {"reason": None}, {"points": 2}):
        assert scene.decide_by_city(notice_no, **changed).body["code"] == "invalid"
    made = scene.decide_by_city(notice_no, kind=kind, fine=0, points=0).body
    assert (made["status"], made["decision"]["kind"], made["points"]) == ("decided", kind, 0)
    assert made["decision"]["fine"] == 0


def test_postings_at_the_same_moment_pay_once(scene: Scene) -> None:
    number = scene.penalise()
    with ThreadPoolExecutor(8) as pool:
        same = list(pool.map(lambda _: scene.post(number), range(8)))
    assert sorted(answer.status for answer in same) == [200] * 7 + [201]
    assert len({answer.body["reference"] for answer in same}) == 1
    other = scene.penalise()
    with ThreadPoolExecutor(8) as pool:
        rivals = list(pool.map(lambda n: scene.post(other, key=f"{other}-{n}"), range(8)))
    assert sorted(answer.status for answer in rivals) == [201] + [409] * 7
    assert scene.case(other)["decision"]["paid"] == 20_000


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"fine": 19_999}, 422, "fine-differs"),
        ({"fine": 20_001}, 422, "fine-differs"),
        ({"surcharge": 20_001}, 422, "surcharge-too-high"),
        ({"currency": "USD"}, 422, "currency-differs"),
        ({"decision_no": "1"}, 404, "decision-not-found"),
    ],
)
def test_a_refusal_is_final_and_has_no_effect(
    scene: Scene, changed: dict[str, object], status: int, code: str
) -> None:
    number = scene.penalise()
    refused = scene.post(number, **changed)
    assert (refused.status, refused.body["code"]) == (status, code)
    case = scene.case(number)
    assert (case["status"], case["decision"]["paid"], case["version"]) == ("decided", 0, 2)
    path = f"/police/postings?key=key-{number}"
    (kept,) = scene.call("GET", path).body["items"]
    assert (kept["outcome"], kept["effective"], kept["reference"]) == (code, False, None)
    assert scene.ask("GET", f"postings/by-key/key-{number}").status == 404
    # What was refused may still be paid rightly under the same key.
    assert scene.post(number, surcharge=20_000).status == 201


def test_a_known_key_with_other_words_is_refused(scene: Scene) -> None:
    number, other = scene.penalise(), scene.penalise()
    scene.post(number)
    for changed in ({"surcharge": 1}, {"fine": 1}, {"decision_no": other}):
        refused = scene.post(number, **changed)
        assert (refused.status, refused.body["code"]) == (422, "key-reused")
    assert scene.case(other)["decision"]["paid"] == 0


def test_what_is_paid_withdrawn_or_no_penalty_takes_no_money(scene: Scene) -> None:
    paid, withdrawn = scene.penalise(), scene.penalise()
    warned = scene.penalise(kind="warning", fine=0)
    scene.post(paid)
    scene.call("POST", f"/police/decisions/{withdrawn}/withdrawals")
    for number, code in (
        (paid, "decision-paid"),
        (withdrawn, "decision-withdrawn"),
        (warned, "nothing-to-pay"),
    ):
        before = scene.case(number)
        refused = scene.post(number, key=f"second-{number}")
        assert (refused.status, refused.body["code"]) == (409, code)
        assert scene.case(number) == before


def test_instalments_are_taken_once_they_are_allowed(scene: Scene) -> None:
    number = scene.penalise()
    assert scene.post(number, fine=5_000).body["code"] == "fine-differs"
    assert scene.change(number, "instalments").status == 201
    for part, fine in enumerate((5_000, 7_500)):
        assert scene.post(number, key=f"{number}-{part}", fine=fine).status == 201
    case = scene.case(number)
    assert (case["status"], case["decision"]["paid"]) == ("decided", 12_500)
    too_much = scene.post(number, key=f"{number}-last", fine=7_501)
    assert too_much.body["code"] == "fine-differs"
    assert scene.post(number, key=f"{number}-last", fine=7_500).status == 201
    assert scene.case(number)["status"] == "paid"
    late = scene.change(number, "instalments", key=f"{number}-late")
    assert late.body["code"] == "decision-paid"


def test_the_surcharge_of_all_parts_stays_within_the_fine(scene: Scene) -> None:
    number = scene.penalise()
    scene.change(number, "instalments")
    assert scene.post(number, key=f"{number}-1", fine=1, surcharge=12_000).status == 201
    refused = scene.post(number, key=f"{number}-2", fine=1, surcharge=8_001)
    assert refused.body["code"] == "surcharge-too-high"
    assert scene.post(number, key=f"{number}-3", fine=1, surcharge=8_000).status == 201


def test_a_reduction_lowers_and_never_raises(scene: Scene) -> None:
    number = scene.penalise()
    for figures, code in (
        ({"fine": 20_000, "points": 6}, "fine-not-lower"),
        ({"fine": 20_001, "points": 0}, "fine-not-lower"),
        ({"fine": 10_000, "points": 9}, "points-not-lower"),
    ):
        assert scene.change(number, "reduced", **figures).body["code"] == code
    assert scene.case(number)["decision"]["fine"] == 20_000
    first = scene.change(number, "reduced", fine=10_000, points=3)
    assert (first.status, first.body["effective"]) == (201, True)
    again = scene.change(number, "reduced", fine=10_000, points=3)
    assert (again.status, again.body) == (200, first.body | {"effective": False})
    case = scene.case(number)
    assert (case["decision"]["fine"], case["points"], case["version"]) == (10_000, 3, 3)
    # A payment of the old amount that was on its way comes too late.
    assert scene.post(number).body["code"] == "fine-differs"
    assert [n["outcome"] for n in scene.told("changes", number)] == [
        "fine-not-lower",
        "fine-not-lower",
        "points-not-lower",
        "taken",
        "repeated",
    ]


@pytest.mark.parametrize("paid", [0, 20_000])
def test_a_decision_is_cancelled_paid_or_not(scene: Scene, paid: int) -> None:
    number = scene.penalise()
    if paid:
        assert scene.post(number).status == 201
    assert scene.change(number, "cancelled").status == 201
    case = scene.case(number)
    assert (case["status"], case["decision"]["paid"]) == ("withdrawn", paid)
    assert scene.change(number, "cancelled").status == 200
    assert scene.change(number, "cancelled", key="another").body["code"] == "decision-withdrawn"


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "reduced"},
        {"kind": "cancelled", "fine": 1},
        {"kind": "instalments", "points": 0},
        {"kind": "doubled"},
        {"kind": "cancelled", "reason": ""},
        {"kind": "cancelled", "key": None},
    ],
)
def test_an_outcome_that_is_not_as_agreed_is_not_kept(
    scene: Scene, changed: dict[str, object]
) -> None:
    number = scene.penalise()
    refused = scene.change(number, **changed)
    assert (refused.status, refused.body["code"]) == (422, "invalid")
    assert scene.told("changes", number) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"fine": "20000"},
        {"fine": 0},
        {"surcharge": -1},
        {"fine": 200.5},
        {"fine": True},
        {"currency": "yuan"},
        {"paid_at": "2026-11-25T09:00:00"},
        {"key": ""},
        {"payee": "police"},
    ],
)
def test_a_posting_that_is_not_as_agreed_is_not_kept(
    scene: Scene, changed: dict[str, object]
) -> None:
    number = scene.penalise()
    refused = scene.post(number, **changed)
    assert (refused.status, refused.body["code"]) == (422, "invalid")
    assert scene.told("postings", number) == []


def test_down_takes_nothing(scene: Scene) -> None:
    number = scene.penalise()
    scene.behave("down")
    answers = [
        scene.post(number),
        scene.change(number, "cancelled"),
        scene.ask("GET", f"decisions/{number}"),
        scene.ask("GET", f"postings/by-key/key-{number}"),
        scene.ask("POST", f"decisions/{number}/checks", {"digits": "123456"}),
        scene.ask("POST", "searches", {"plate": scene.plate, "engine": "123456"}),
    ]
    assert {(answer.status, answer.body["code"]) for answer in answers} == {(503, "down")}
    assert (scene.told("postings", number), scene.told("changes", number)) == ([], [])
    scene.behave("ok")
    assert scene.case(number)["status"] == "decided"


def test_a_lost_answer_has_taken_effect(scene: Scene) -> None:
    number = scene.penalise()
    scene.behave("answer_lost", times=2)
    # Looking things up loses nothing: it is not one of the two calls.
    assert scene.case(number)["status"] == "decided"
    facts = {"plate": scene.plate, "engine": scene.engine[-6:]}
    assert scene.ask("POST", "searches", facts).status == 200
    with pytest.raises(urllib3.exceptions.ProtocolError):
        scene.post(number)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        scene.change(number, "cancelled")
    case = scene.case(number)
    assert (case["status"], case["decision"]["paid"]) == ("withdrawn", 20_000)
    assert (scene.post(number).status, scene.change(number, "cancelled").status) == (200, 200)


def test_a_slow_answer_has_taken_effect_before_it_comes() -> None:
    with ThreadPoolExecutor(1) as pool:
        with serve_city() as running:
            city = Caller(running.url, timeout=120.0)
            scene = set_scene(city)
            number = scene.penalise()
            scene.behave("slow", seconds=120)
            late = pool.submit(scene.post, number)
            while not scene.told("postings", number):
                time.sleep(0.01)
            assert not late.done()
        # A city that closes lets go of whoever waits for it.
        assert late.result(timeout=100).status == 201
        city.close()


def test_refusing_for_good(scene: Scene) -> None:
    number = scene.penalise()
    scene.behave("refuse", times=2)
    assert scene.post(number).body["code"] == "refused-by-police"
    assert scene.change(number, "cancelled").body["code"] == "refused-by-police"
    case = scene.case(number)
    assert (case["status"], case["decision"]["paid"]) == ("decided", 0)
    assert scene.call("GET", "/police/behaviour").body["mode"] == "ok"


def test_garbage_means_nothing_and_does_nothing(scene: Scene) -> None:
    number = scene.penalise()
    scene.behave("garbage")
    for answer in (scene.post(number), scene.ask("GET", f"decisions/{number}")):
        assert (answer.status, answer.content_type, answer.body) == (200, "text/html", None)
    assert scene.told("postings", number) == []


def test_what_the_police_took_outlives_a_restart(tmp_path: Path) -> None:
    with serve_city(data_dir=tmp_path) as running:
        city = Caller(running.url)
        notice_no = city("POST", "/police/violations", {"plate": "鄂C10001", "at": AT}).body[
            "notice_no"
        ]
        decision = {"notice_no": notice_no, "decided_at": DECIDED_AT}
        made = city("POST", "/police/decisions", decision).body
        posting = {
            "key": "kept",
            "decision_no": made["decision"]["decision_no"],
            "fine": 20_000,
            "surcharge": 0,
            "currency": "CNY",
            "paid_at": DECIDED_AT,
        }
        first = ask(city, "POST", "postings", posting).body
        city.close()
    with serve_city(data_dir=tmp_path) as running:
        city = Caller(running.url)
        again = ask(city, "POST", "postings", posting)
        assert (again.status, again.body) == (200, first | {"effective": False})
        city.close()


def test_the_file_itself_takes_a_key_once() -> None:
    store = Store(None, seed=lambda _: None)
    taken = (
        "INSERT INTO police_notices (call, key, subject, told, received_at, outcome)"
        " VALUES (?, 'same', '1', '{}', '2026-11-29', ?)"
    )
    with store.change() as connection:
        connection.execute(taken, ["posting", "taken"])
        # Another kind of call has keys of its own, and a repeat or a refusal takes none.
        for call, outcome in (("change", "taken"), ("posting", "repeated"), ("posting", "down")):
            connection.execute(taken, [call, outcome])
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), store.change() as connection:
        connection.execute(taken, ["posting", "taken"])
    store.close()
