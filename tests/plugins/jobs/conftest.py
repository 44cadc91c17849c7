"""Citizens who hire, officers who check, and vacancies on their way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from stdnum.cn.uscc import calc_check_digit
from werkzeug.test import TestResponse

from app.core.tokens import Tokens
from app.factory import Rooms
from app.http.server import Server
from app.sdk import House
from app.staff import service as staff_service
from app.staff.values import Role
from plugins.jobs.provider import JobsProvider
from plugins.jobs.values import city_today
from tests.conftest import World
from tests.factories import bearer, log_in, make_person, verify
from tests.plugins.jobs.rows import one

_SERIAL = count(1)
EMPLOYERS = "/v1/jobs/employers"
DESK = "/v1/jobs/desk"


def make_code() -> str:
    """Return a credit code that nobody has."""
    start = f"91420300{uuid4().int % 10**9:09d}"
    return start + str(calc_check_digit(start))


def advert(**changed: object) -> dict[str, Any]:
    """Return an advert that breaks no rule, and is like no other."""
    return {
        "title": f"装配钳工{next(_SERIAL)}号",
        "description": "负责变速箱装配与检验，两班倒，包工作餐。",
        "employment_type": "full_time",
        "district": "420302",
        "pay_from": 500_000,
        "pay_to": 800_000,
        "pay_unit": "month",
        "valid_through": (city_today() + timedelta(days=30)).isoformat(),
    } | changed


@dataclass(frozen=True)
class Boss:
    """A citizen who acts for an employer."""

    client: FlaskClient
    headers: Mapping[str, str]
    employer: str
    name: str
    credit_code: str

    @property
    def place(self) -> str:
        return f"{EMPLOYERS}/{self.employer}"

    def post(self, **changed: object) -> TestResponse:
        """Post a vacancy."""
        body = advert(**changed)
        return self.client.post(f"{self.place}/vacancies", json=body, headers=self.headers)

    def do(self, vacancy: str, what: str) -> TestResponse:
        """Publish, withdraw or fill a vacancy."""
        path = f"{self.place}/vacancies/{vacancy}/{what}"
        return self.client.post(path, headers=self.headers)

    def change(self, vacancy: str, **changed: object) -> TestResponse:
        path = f"{self.place}/vacancies/{vacancy}"
        return self.client.put(path, json=advert(**changed), headers=self.headers)

    def see(self, vacancy: str) -> dict[str, Any]:
        answer = self.client.get(f"{self.place}/vacancies/{vacancy}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json)


@dataclass(frozen=True)
class Officer:
    """An officer of the department that answers for jobs."""

    client: FlaskClient
    headers: Mapping[str, str]
    id: UUID

    def put(self, path: str, body: object) -> TestResponse:
        return self.client.put(f"{DESK}/{path}", json=body, headers=self.headers)

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"{DESK}/{path}", headers=self.headers)

    def post(self, path: str, body: object = None) -> TestResponse:
        return self.client.post(f"{DESK}/{path}", json=body, headers=self.headers)

    def decide(self, revision: str, reason: str | None = None) -> TestResponse:
        """Verify a wording, or refuse it with a reason."""
        return self.put(f"revisions/{revision}/decision", decision(reason))

    def decide_employer(self, employer: str, reason: str | None = None) -> TestResponse:
        return self.put(f"employers/{employer}/decision", decision(reason))


def decision(reason: str | None = None) -> dict[str, str]:
    return {"decision": "verify"} if reason is None else {"decision": "refuse", "reason": reason}


def make_officer(
    client: FlaskClient, rooms: Rooms, department: str = "human-resources-bureau"
) -> Officer:
    with rooms.units.open(actor="test") as uow:
        staff = staff_service.create_staff(uow, "officer", Role.DEPARTMENT_OPERATOR, department)
        token = staff_service.issue_sandbox_token(uow, rooms.deps[Tokens], staff)
    return Officer(client, bearer(token), staff if isinstance(staff, UUID) else staff.id)


def make_citizen(client: FlaskClient, world: World, rooms: Rooms) -> Mapping[str, str]:
    """Return the headers of a fresh citizen whose name is proven."""
    citizen = log_in(client, world, rooms)
    verify(client, world, citizen, make_person(world))
    return citizen.auth


def register(
    client: FlaskClient, headers: Mapping[str, str], code: str, name: str = "十堰机械有限公司"
) -> TestResponse:
    body = {"credit_code": code, "name": name, "district": "420302"}
    return client.post(EMPLOYERS, json=body, headers=headers)


def make_boss(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer, name: str | None = None
) -> Boss:
    """Return a citizen who acts for a fresh employer that the desk has verified."""
    headers, code = make_citizen(client, world, rooms), make_code()
    name = name or f"十堰机械{next(_SERIAL)}厂"
    made = register(client, headers, code, name)
    assert made.status_code == 201, made.text
    assert officer.decide_employer(made.json["id"]).status_code == 200
    return Boss(client, headers, made.json["id"], name, code)


def waiting_revision(rooms: Rooms, vacancy: str) -> str:
    """Return the wording of a vacancy that waits for the desk."""
    return str(
        one(
            rooms,
            "select id from plugin_jobs.vacancy_revisions"
            " where vacancy_id = :id and status = 'proposed'",
            id=vacancy,
        )
    )


def publish(rooms: Rooms, boss: Boss, officer: Officer, **changed: object) -> dict[str, Any]:
    """Return a vacancy that was posted, verified and published."""
    made = boss.post(**changed)
    assert made.status_code == 201, made.text
    decided = officer.decide(waiting_revision(rooms, made.json["id"]))
    assert decided.status_code == 200, decided.text
    published = boss.do(made.json["id"], "publication")
    assert published.status_code == 200, published.text
    return dict(published.json)


@pytest.fixture(scope="module")
def shared_client(app: Server) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def officer(shared_client: FlaskClient, rooms: Rooms) -> Officer:
    return make_officer(shared_client, rooms)


@pytest.fixture(scope="module")
def boss(shared_client: FlaskClient, world: World, rooms: Rooms, officer: Officer) -> Boss:
    return make_boss(shared_client, world, rooms, officer)


@pytest.fixture(scope="module")
def house(rooms: Rooms) -> House:
    return rooms.deps[JobsProvider].house
