"""The city keeps its word: messages, people, and a memory that survives a kill."""

import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import stdnum.cn.ric
import urllib3

from sandbox.city import serve_city
from sandbox.register.resident_id import AREAS
from tests.ports import port_of_a_run
from tests.sandbox.conftest import Caller

ROOT = Path(__file__).parents[2]
PHONES = (f"+86138071{number:05d}" for number in count(1))


def messages_to(city: Caller, phone: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = city("GET", f"/sms/messages?to=%2B{phone[1:]}").body["items"]
    return items


def test_messages_are_listed_newest_first_with_their_code(city: Caller) -> None:
    phone = next(PHONES)
    for text in ("验证码 482913，5分钟内有效", "没有码 1234567", "账单 12345 已出"):
        assert city("POST", "/sms/messages", {"to": phone, "text": text}).status == 202
    items = messages_to(city, phone)
    assert [(item["text"], item["code"], item["to"]) for item in items] == [
        ("账单 12345 已出", None, phone),
        ("没有码 1234567", None, phone),
        ("验证码 482913，5分钟内有效", "482913", phone),
    ]
    assert city("GET", f"/sms/messages?to={phone}").body["items"] == items
    assert city("GET", "/sms/messages?to=%2B8613999999999").body == {"items": []}


def test_the_same_key_is_one_message(city: Caller) -> None:
    phone = next(PHONES)
    message = {"to": phone, "text": "验证码 111222"}
    key = {"Idempotency-Key": "once"}
    first = city("POST", "/sms/messages", message, headers=key)
    second = city("POST", "/sms/messages", message, headers=key)
    assert (first.status, second.status, second.body) == (202, 202, first.body)
    other = city("POST", "/sms/messages", message | {"text": "别的"}, headers=key)
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")
    assert [item["id"] for item in messages_to(city, phone)] == [first.body["id"]]


def test_a_lost_answer_still_sends_the_message(city: Caller) -> None:
    phone = next(PHONES)
    message = {"to": phone, "text": "验证码 333444"}
    city("PUT", "/sms/behaviour", {"mode": "answer_lost", "times": 1})
    with pytest.raises(urllib3.exceptions.ProtocolError):
        city("POST", "/sms/messages", message, headers={"Idempotency-Key": "lost"})
    again = city("POST", "/sms/messages", message, headers={"Idempotency-Key": "lost"})
    assert again.status == 202
    assert [item["id"] for item in messages_to(city, phone)] == [again.body["id"]]


def test_a_gateway_that_is_down_sends_nothing(city: Caller) -> None:
    phone = next(PHONES)
    city("PUT", "/sms/behaviour", {"mode": "down"})
    refused = city("POST", "/sms/messages", {"to": phone, "text": "你好"})
    city("PUT", "/sms/behaviour", {"mode": "ok"})
    assert (refused.status, refused.body["code"]) == (503, "down")
    assert refused.content_type == "application/problem+json"
    assert messages_to(city, phone) == []


def test_everybody_in_the_register_has_a_valid_number_of_shiyan(city: Caller) -> None:
    people = city("GET", "/register/people").body["items"]
    for person in people:
        number = person["resident_id"]
        # Not stdnum's validate: it refuses whoever was born before the area got its code.
        assert stdnum.cn.ric.calc_check_digit(number) == number[-1]
        assert number[:6] in AREAS
        assert number[6:14] == person["born"].replace("-", "")
    assert {"𬱖" in p["name"] or "㛃" in p["name"] for p in people} == {True, False}
    assert {"未成年人", "老年人", "生僻字", "少数民族姓名"} <= {p["note"] for p in people}
    assert "阿依古丽·买买提" in {person["name"] for person in people}


def test_a_new_person_is_known_at_once(city: Caller) -> None:
    made = [city("POST", "/register/people", {"name": "李雷", "born": "1990-05-01"}) for _ in "12"]
    assert [answer.status for answer in made] == [201, 201]
    numbers = [answer.body["resident_id"] for answer in made]
    assert len(set(numbers)) == 2
    assert [stdnum.cn.ric.validate(number) for number in numbers] == numbers
    listed = city("GET", "/register/people").body["items"]
    assert [answer.body for answer in made] == listed[-2:]
    assert made[0].body | {"resident_id": ""} == {
        "name": "李雷",
        "born": "1990-05-01",
        "resident_id": "",
        "note": None,
    }


@pytest.mark.parametrize(
    ("name", "number", "result"),
    [
        ("张伟", "420302198503120017", "match"),
        ("刘洋", "420302198503120017", "mismatch"),
        ("张伟", "420302198503120033", "unknown"),
        ("阿依古丽·买买提", "420302199007150019", "match"),
        ("阿依古丽•买买提", "420302199007150019", "mismatch"),
        ("陈𬱖", "420302197809210010", "match"),
    ],
)
def test_a_check_compares_name_and_number(
    city: Caller, name: str, number: str, result: str
) -> None:
    answer = city("POST", "/register/checks", {"name": name, "resident_id": number})
    assert (answer.status, answer.body) == (200, {"result": result})


def test_a_linked_check_compares_the_person_and_what_is_theirs(city: Caller) -> None:
    zhang = {"name": "张伟", "resident_id": "420302198503120017"}
    liu = {"name": "刘洋", "resident_id": "420302199211300010"}
    people = {p["name"]: p["resident_id"] for p in city("GET", "/register/people").body["items"]}
    liu["resident_id"] = people["刘洋"]
    card = {"kind": "bank-card", "number": "6222020000000009"}

    def ask(person: dict[str, str], **changes: str) -> str:
        answer = city("POST", "/register/linked-checks", {**person, **card, **changes})
        assert answer.status == 200
        return str(answer.body["result"])

    assert ask(zhang) == "unknown"
    given = city("POST", f"/register/people/{zhang['resident_id']}/holdings", card)
    assert (given.status, given.body) == (201, card)
    assert [ask(zhang), ask(liu), ask(zhang, name="张三")] == ["match", "mismatch", "mismatch"]
    assert ask(zhang, kind="driving-licence") == "unknown"
    nobody = city("POST", "/register/people/110105194912310020/holdings", card)
    assert (nobody.status, nobody.body["code"]) == (404, "person-not-found")


def test_a_face_check_waits_for_a_face_and_is_decided_once(city: Caller) -> None:
    person = {"name": "张伟", "resident_id": "420302198503120017"}
    key = {"Idempotency-Key": "face-1"}
    begun = city("POST", "/register/face-checks", person, headers=key)
    assert begun.status == 201
    assert city("POST", "/register/face-checks", person, headers=key).body == begun.body
    other = city("POST", "/register/face-checks", {**person, "name": "刘洋"}, headers=key)
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")
    check = f"/register/face-checks/{begun.body['id']}"
    assert city("GET", check).body == {"status": "waiting"}
    face = f"/register/faces/{begun.body['token']}"
    good = {"is_live": True, "is_same_person": True}
    assert city("POST", face, good).body == {"status": "passed"}
    assert city("GET", check).body == {"status": "passed"}
    assert city("POST", face, {**good, "is_live": False}).status == 404
    assert city("GET", "/register/face-checks/face_none").status == 404
    wrong = city(
        "POST",
        "/register/face-checks",
        {**person, "name": "刘洋"},
        headers={"Idempotency-Key": "face-2"},
    )
    assert city("POST", f"/register/faces/{wrong.body['token']}", good).body["status"] == "failed"


def test_a_register_that_is_down_says_so_and_one_that_is_slow_keeps_waiting(city: Caller) -> None:
    check = {"name": "张伟", "resident_id": "420302198503120017"}
    city("PUT", "/register/behaviour", {"mode": "down", "times": 1})
    assert city("POST", "/register/checks", check).status == 503
    assert city("POST", "/register/checks", check).body == {"result": "match"}
    city("PUT", "/register/behaviour", {"mode": "slow", "times": 1, "seconds": 60})
    impatient = Caller(city.url, timeout=0.5)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        impatient("POST", "/register/checks", check)
    impatient.close()
    deadline = time.monotonic() + 30  # a crowded city looks at it after the caller has left
    while city("GET", "/register/behaviour").body["mode"] != "ok":
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/sms/messages", {"to": "+8613807190001"}),
        ("POST", "/sms/messages", {"to": "13807190001", "text": "x"}),
        ("POST", "/sms/messages", {"to": "+8613807190001", "text": ""}),
        ("POST", "/sms/messages", {"to": "+8613807190001", "text": "x", "from": "me"}),
        ("POST", "/sms/messages", {"to": "+8613807190001", "text": "\ud800"}),
        ("POST", "/sms/messages", {"to": 8613807190001, "text": "x"}),
        ("POST", "/sms/messages", ["x"]),
        ("GET", "/sms/messages?limit=0", None),
        ("GET", "/sms/messages?phone=1", None),
        ("POST", "/register/checks", {"name": "张伟", "resident_id": "420302198503120018"}),
        ("POST", "/register/checks", {"name": "张伟", "resident_id": "420302198502300013"}),
        ("POST", "/register/checks", {"name": " ", "resident_id": "420302198503120017"}),
        ("POST", "/register/people", {"name": "李雷", "born": "1990-5-1"}),
        ("POST", "/register/people", {"name": "李雷", "born": "2190-05-01"}),
        ("POST", "/register/people", {"name": "李雷", "born": "1990-05-01", "note": "x"}),
        ("PUT", "/register/behaviour", {"mode": "refuse"}),
        ("POST", "/register/linked-checks", {"name": "张伟", "resident_id": "420302198503120017"}),
        ("POST", "/register/face-checks", {"name": "张伟", "resident_id": "420302198503120017"}),
        ("PUT", "/register/behaviour", {"mode": "down", "times": 0}),
        ("PUT", "/sms/behaviour", {}),
    ],
)
def test_what_is_not_as_agreed_is_refused(
    city: Caller, method: str, path: str, body: object
) -> None:
    answer = city(method, path, body)
    assert (answer.status, answer.body["code"]) == (422, "invalid")
    assert answer.content_type == "application/problem+json"
    assert answer.body["detail"]


def test_only_json_is_read(city: Caller) -> None:
    answer = city(
        "POST",
        "/sms/messages",
        {"to": "+8613807190001", "text": "x"},
        headers={"Content-Type": "text/plain"},
    )
    assert (answer.status, answer.body["code"]) == (422, "invalid")


def test_an_unknown_path_is_a_problem_too(city: Caller) -> None:
    answer = city("GET", "/nowhere")
    assert (answer.status, answer.body["code"]) == (404, "not-found")
    assert city("DELETE", "/sms/messages").status == 405


def test_a_city_starts_again_with_what_it_had(tmp_path: Path) -> None:
    for expected in ([], ["first"]):
        with serve_city(data_dir=tmp_path) as running:
            caller = Caller(running.url)
            items = caller("GET", "/sms/messages").body["items"]
            assert [item["text"] for item in items] == expected
            caller("POST", "/sms/messages", {"to": "+8613807190001", "text": "first"})
            assert len(caller("GET", "/register/people").body["items"]) == 7
            caller.close()


def start_city(port: int, data_dir: Path) -> tuple[subprocess.Popen[bytes], Caller]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "sandbox.city", "--port", str(port), "--data-dir", str(data_dir)],
        cwd=ROOT,
    )
    caller = Caller(f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 30
    while True:
        try:
            assert caller("GET", "/livez").status == 200
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        else:
            return process, caller


def test_a_killed_city_has_lost_nothing_it_answered(tmp_path: Path) -> None:
    port = port_of_a_run()
    process, caller = start_city(port, tmp_path)
    posting = {
        "key": "k1",
        "reference": "KILL-1",
        "amount": 4250,
        "currency": "CNY",
        "paid_at": "2026-11-22T02:35:10Z",
    }
    bill = {"account": "1002003001", "reference": "KILL-1", "amount": 4250, "currency": "CNY"}
    days = {"period_from": "2026-10-01", "period_to": "2026-10-31", "due_date": "2026-12-07"}
    assert caller("POST", "/billers/shiyan-water/bills", bill | days).status == 201
    booked = caller("POST", "/billers/shiyan-water/postings", posting)
    caller("PUT", "/billers/shiyan-gas/behaviour", {"mode": "refuse"})
    process.kill()
    process.wait()
    caller.close()
    process, caller = start_city(port, tmp_path)
    assert caller("POST", "/billers/shiyan-water/postings", posting).body == booked.body
    notices = caller("GET", "/billers/shiyan-water/postings?key=k1").body["items"]
    assert [notice["effective"] for notice in notices] == [True, False]
    assert caller("GET", "/billers/shiyan-gas/behaviour").body["mode"] == "refuse"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    caller.close()
