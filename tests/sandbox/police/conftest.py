"""A fresh vehicle and licence, and what can be done about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from sandbox.police.access import CITY_KEY
from tests.sandbox.conftest import Answer, Caller

SERIAL = count(1)
AT = "2026-11-20T08:15:00+08:00"
DECIDED_AT = "2026-11-24T10:00:00+08:00"


@dataclass(frozen=True, slots=True)
class Scene:
    """One vehicle with its driver, before the police."""

    call: Caller
    plate: str
    engine: str
    licence: str
    archive: str

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Call as the city does, with its key."""
        return ask(self.call, method, path, body)

    def record(self, **changed: object) -> dict[str, Any]:
        wanted = {"plate": self.plate, "driver": self.licence, "at": AT} | changed
        answer = self.call("POST", "/police/violations", wanted)
        assert answer.status == 201
        made: dict[str, Any] = answer.body
        return made

    def decide(self, **changed: object) -> dict[str, Any]:
        """Return a decided case, of 200 yuan unless said otherwise."""
        wanted = {
            "notice_no": self.record()["notice_no"],
            "decided_at": DECIDED_AT,
            "served_on": "2026-11-24",
        }
        answer = self.call("POST", "/police/decisions", wanted | changed)
        assert answer.status == 201
        made: dict[str, Any] = answer.body
        return made

    def penalise(self, **changed: object) -> str:
        return str(self.decide(**changed)["decision"]["decision_no"])

    def post(self, number: str, **changed: object) -> Answer:
        notice = {
            "key": f"key-{number}",
            "decision_no": number,
            "fine": 20_000,
            "surcharge": 0,
            "currency": "CNY",
            "paid_at": "2026-11-25T09:00:00+08:00",
        }
        return self.ask("POST", "postings", notice | changed)

    def decide_by_city(self, notice_no: str, **changed: object) -> Answer:
        body = {
            "key": f"decision-{notice_no}",
            "kind": "penalty",
            "fine": 15_000,
            "points": 6,
            "reason": "accepted",
        }
        return self.ask("POST", f"violations/{notice_no}/decisions", body | changed)

    def change(self, decision_no: str, kind: str, **changed: object) -> Answer:
        body = {
            "key": f"change-{decision_no}",
            "kind": kind,
            "fine": None,
            "points": None,
            "reason": "the plate was read wrongly",
        }
        return self.ask("POST", f"decisions/{decision_no}/changes", body | changed)

    def case(self, decision_no: str) -> dict[str, Any]:
        """Return a case; only for times when the police answer."""
        answer = self.ask("GET", f"decisions/{decision_no}")
        assert answer.status == 200
        shown: dict[str, Any] = answer.body
        return shown

    def told(self, what: str, subject: str) -> list[dict[str, Any]]:
        """Return what arrived of postings, changes or told-decisions, whatever mode is set."""
        items: list[dict[str, Any]] = self.call("GET", f"/police/{what}?subject={subject}").body[
            "items"
        ]
        return items

    def behave(self, mode: str, **more: object) -> None:
        assert self.call("PUT", "/police/behaviour", {"mode": mode, **more}).status == 200


def ask(city: Caller, method: str, path: str, body: object = None) -> Answer:
    """Call the police as the city does, with its key."""
    headers = {"Authorization": f"Bearer {CITY_KEY}"}
    return city(method, f"/police/{path}", body, headers=headers)


@pytest.fixture
def scene(city: Caller) -> Iterator[Scene]:
    made = set_scene(city)
    yield made
    made.behave("ok")


def set_scene(city: Caller) -> Scene:
    """Register a vehicle and a driver of their own."""
    number = next(SERIAL)
    person = city("POST", "/register/people", {"name": "李雷", "born": "1990-05-01"}).body
    made = Scene(
        city, f"鄂C{number:05d}", f"LJ465Q{number:06d}", person["resident_id"], f"{number:012d}"
    )
    vehicle = {"plate": made.plate, "engine": made.engine, "class": "小型汽车"}
    assert city("POST", "/police/vehicles", vehicle).body == vehicle
    licence = {"licence": made.licence, "archive": made.archive, "issued_on": "2012-02-29"}
    issued = city("POST", "/police/licences", licence)
    assert (issued.status, issued.body) == (201, licence | {"class": "C1"})
    return made
