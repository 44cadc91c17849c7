"""People and things for tests: fresh for each call, valid by default."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from flask.testing import FlaskClient

from app.core import clock
from app.core.tokens import Tokens
from app.factory import Rooms
from app.staff import service as staff_service
from app.staff.values import Role
from tests.clockwork import wind
from tests.conftest import World

SEALED_WITHIN = 3_600.0
PATIENCE = 60.0
_given: set[str] = set()


@dataclass(frozen=True)
class Citizen:
    """A citizen with one live session."""

    id: str
    phone: str
    token: str
    refresh: str
    session_id: str

    @property
    def auth(self) -> dict[str, str]:
        """Return the header that a request of this citizen carries."""
        return bearer(self.token)


def bearer(token: str) -> dict[str, str]:
    """Return the header of a token."""
    return {"Authorization": f"Bearer {token}"}


def make_phone() -> str:
    """Return a mainland number that nobody has used."""
    # Of a hundred million, two are the same among some thousands more often than one would think.
    while (phone := f"+86138{secrets.randbelow(10**8):08d}") in _given:
        pass
    _given.add(phone)
    return phone


def city(world: World, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Call the sandbox city and return the JSON it answers."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(  # noqa: S310 - loopback
        world.city + path,
        data=data,
        method=method,
        headers={"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
        return json.loads(answer.read())


def texts_to(world: World, phone: str) -> list[str]:
    """Return the texts that a number was sent, newest first."""
    items = city(world, "GET", f"/sms/messages?to={quote(phone)}")["items"]
    return [item["text"] for item in items]


def run_jobs(rooms: Rooms) -> None:
    """Run every job that is due now."""
    rooms.jobs.drain(rooms.units)


def await_text(world: World, rooms: Rooms, phone: str, words: str) -> str:
    """Run jobs until a number was sent a text with these words, and return it."""
    deadline = monotonic() + PATIENCE
    while True:
        run_jobs(rooms)
        found = [text for text in texts_to(world, phone) if words in text]
        if found:
            return found[0]
        assert monotonic() < deadline, f"no text says {words}"
        sleep(0.1)  # the gateway of a crowded machine may have been asked in vain


def ask_code(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    phone: str,
    purpose: str = "login",
    *,
    is_new: bool = False,
) -> tuple[str, str]:
    """Ask for a code and read the SMS: return the challenge's id and the code.

    A number that is new has been sent none yet.
    """
    before = 0 if is_new else len(codes_to(world, phone))
    answer = client.post("/v1/auth/challenges", json={"phone": phone, "purpose": purpose})
    assert answer.status_code == 202, answer.text
    deadline = monotonic() + PATIENCE
    run_jobs(rooms)
    while len(codes := codes_to(world, phone)) == before:
        assert monotonic() < deadline, "no code came"
        sleep(0.1)  # the gateway of a crowded machine may have been asked in vain
        run_jobs(rooms)
    return answer.json["id"], codes[0]


def codes_to(world: World, phone: str) -> list[str]:
    """Return the codes that a number was sent, newest first."""
    items = city(world, "GET", f"/sms/messages?to={quote(phone)}")["items"]
    return [item["code"] for item in items if item["code"]]


def log_in(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    phone: str | None = None,
    *,
    device: str = "我的手机",
) -> Citizen:
    """Log in as the journey does, with a number nobody has used unless one is given.

    A second log-in with the same number needs `later(61)`: codes are sent once a minute.
    """
    is_new = phone is None
    phone = phone or make_phone()
    challenge_id, code = ask_code(client, world, rooms, phone, is_new=is_new)
    answer = client.post(
        "/v1/auth/sessions",
        json={
            "challenge_id": challenge_id,
            "code": code,
            "device": {"name": device, "platform": "android"},
        },
    )
    assert answer.status_code == 201, answer.text
    body = answer.json
    return Citizen(
        id=body["citizen"]["id"],
        phone=phone,
        token=body["access_token"],
        refresh=body["refresh_token"],
        session_id=body["session"]["id"],
    )


def make_person(world: World, name: str = "李雷", born: str = "1990-05-01") -> dict[str, str]:
    """Put a person into the population register: `{"name", "resident_id", "born", "note"}`."""
    person: dict[str, str] = city(world, "POST", "/register/people", {"name": name, "born": born})
    return person


def verify(
    client: FlaskClient, world: World, citizen: Citizen, person: dict[str, str] | None = None
) -> dict[str, str]:
    """Raise a citizen to `verified` as a person of the register (a fresh one), and return it."""
    person = person or make_person(world)
    claim = {"name": person["name"], "resident_id": person["resident_id"]}
    deadline = monotonic() + PATIENCE
    answer = client.post("/v1/me/verifications", json=claim, headers=citizen.auth)
    while answer.status_code == 503 and monotonic() < deadline:
        sleep(0.1)  # the register of a crowded machine may have been asked in vain
        answer = client.post("/v1/me/verifications", json=claim, headers=citizen.auth)
    assert answer.status_code == 201, answer.text
    return person


def staff_token(rooms: Rooms, role: str, department: str | None = None) -> str:
    """Return the access token of a fresh member of staff."""
    with rooms.units.open(actor="test") as uow:
        staff = staff_service.create_staff(uow, f"test {role}", Role(role), department)
        return staff_service.issue_sandbox_token(uow, rooms.deps[Tokens], staff)


def to_the_next(period: int) -> float:
    """Return the seconds until the clock's next period of so many seconds begins.

    Whoever counts by the clock's periods begins to count anew where one ends.
    """
    return period - clock.now().timestamp() % period


def today_for(seconds: float) -> date:
    """Return the city's day, waiting for the next one unless it lasts for so many seconds more.

    So that what a test does and what it looks for are of one day, also at midnight.
    """
    _, ends = clock.city_day(date.fromisoformat(clock.city_date()))
    left = (ends - clock.now()).total_seconds()
    if left < seconds:
        sleep(left + 0.01)
    return date.fromisoformat(clock.city_date())


@contextmanager
def later(seconds: float) -> Iterator[None]:
    """Set business time so many seconds ahead of the machine's for the enclosed lines."""
    if seconds > SEALED_WITHIN:
        wind()
    clock.travel(timedelta(seconds=seconds))
    try:
        yield
    finally:
        clock.travel(timedelta(0))
