"""Members of staff for tests: invited, accepted and logged in as over HTTP."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pyotp
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.clock import now
from app.core.tokens import Principal
from app.factory import Rooms
from app.http.authentication import Authenticator
from app.staff import service
from app.staff.service import StaffDeps
from app.staff.values import ROLES, Role
from tests.factories import bearer

T = TypeVar("T")
THREADS = 5  # what the house serves at a time before it sheds
PASSWORD = "Brass-Kettle-77-Orchard"
REASON = "市民来电核实账单"


@dataclass
class Member:
    """A member of staff with an open session."""

    id: str
    login: str
    secret: str
    password: str = PASSWORD
    token: str = ""
    renewal: str = ""
    session_id: str = ""
    signed_in: dict[str, Any] = field(default_factory=dict)

    @property
    def auth(self) -> dict[str, str]:
        """Return the header that a request of this member carries."""
        return bearer(self.token)


def deps_of(rooms: Rooms) -> StaffDeps:
    deps: StaffDeps = rooms.deps[StaffDeps]
    return deps


def run(rooms: Rooms, statement: str, **values: object) -> Any:  # noqa: ANN401 - a row or none
    """Run SQL as the service's own role, commit, and return the first row, if there is one."""
    with rooms.units.open(actor="test") as uow:
        result = uow.execute(text(statement), values)
        return result.first() if result.returns_rows else None


def count(rooms: Rooms, statement: str, **values: object) -> int:
    """Return the one number that a statement selects."""
    return int(run(rooms, statement, **values)[0])


def principal_of(rooms: Rooms, token: str) -> Principal:
    who: Principal = rooms.deps[Authenticator].authenticate(token, fresh=True)
    return who


def give(rooms: Rooms, staff_id: str, *roles: str) -> None:
    """Give roles to somebody behind the back of four eyes; PostgreSQL still keeps offices apart."""
    for role in roles:
        office = ROLES[Role(role)].office
        run(rooms, "update staff set office = :office where id = :id", office=office, id=staff_id)
        run(
            rooms,
            "insert into staff_roles (staff_id, role, office, granted_at) "
            "values (:id, :role, :office, :at)",
            id=staff_id,
            role=role,
            office=office,
            at=now(),
        )


def invite(rooms: Rooms, label: str = "窗口", department: str | None = None) -> tuple[str, str]:
    """Invite somebody: return their id and the token."""
    with rooms.units.open(actor="test") as uow:
        invited = service.invite_member(uow, deps_of(rooms), label, department)
        return str(invited.id), invited.token


def code(rooms: Rooms, member_id: str, secret: str) -> str:
    """Return a code that counts, whatever was used before in this half minute."""
    run(rooms, "update totps set last_step = 0 where owner_id = :id", id=member_id)
    return pyotp.TOTP(secret).at(now())


def accept(
    client: FlaskClient, rooms: Rooms, member_id: str, token: str, password: str = PASSWORD
) -> Member:
    """Accept an invitation with an authenticator app."""
    opened = client.post("/v1/staff/openings", json={"token": token})
    assert opened.status_code == 201, opened.text
    login = f"m{secrets.token_hex(6)}"
    secret = opened.json["totp_secret"]
    accepted = client.post(
        "/v1/staff/acceptances",
        json={
            "token": token,
            "login": login,
            "password": password,
            "totp_code": code(rooms, member_id, secret),
        },
    )
    assert accepted.status_code == 204, accepted.text
    return Member(member_id, login, secret, password)


def begin(client: FlaskClient, member: Member) -> dict[str, Any]:
    """Send name and password."""
    begun = client.post(
        "/v1/staff/sessions", json={"login": member.login, "password": member.password}
    )
    assert begun.status_code == 201, begun.text
    body: dict[str, Any] = begun.json
    return body


def finish(
    client: FlaskClient, rooms: Rooms, member: Member, begun: dict[str, Any], **more: object
) -> TestResponse:
    """Send the second factor."""
    return client.post(
        f"/v1/staff/sessions/{begun['id']}/second-factor",
        json={
            "ticket": begun["ticket"],
            "totp_code": code(rooms, member.id, member.secret),
            **more,
        },
    )


def log_in(client: FlaskClient, rooms: Rooms, member: Member) -> Member:
    """Log in with both factors."""
    answer = finish(client, rooms, member, begin(client, member))
    assert answer.status_code == 200, answer.text
    member.signed_in = answer.json
    member.token = answer.json["access_token"]
    member.renewal = answer.json["renewal_token"]
    member.session_id = answer.json["session"]["id"]
    return member


def join(client: FlaskClient, rooms: Rooms, *roles: str, department: str | None = None) -> Member:
    """Return a fresh member of staff with these roles, logged in."""
    member_id, token = invite(rooms, department=department)
    member = accept(client, rooms, member_id, token)
    give(rooms, member_id, *roles)
    return log_in(client, rooms, member)


def step_up(client: FlaskClient, rooms: Rooms, member: Member) -> Member:
    """Prove the second factor again."""
    answer = client.post(
        "/v1/staff/me/step-ups",
        json={"totp_code": code(rooms, member.id, member.secret)},
        headers=member.auth,
    )
    assert answer.status_code == 204, answer.text
    return member


def ask(
    client: FlaskClient, member: Member, act: str, parameters: dict[str, Any], reason: str = REASON
) -> TestResponse:
    """Ask for a dangerous act."""
    return client.post(
        "/v1/staff/requests",
        json={"act": act, "parameters": parameters, "reason": reason},
        headers=member.auth,
    )


def decide(client: FlaskClient, member: Member, request_id: str, verdict: str) -> TestResponse:
    """Approve or reject a request."""
    return client.post(f"/v1/staff/requests/{request_id}/{verdict}", headers=member.auth)


def in_parallel(calls: list[Callable[[], T]]) -> list[T]:
    """Run calls side by side, and return what they gave."""
    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
