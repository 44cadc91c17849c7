"""Companies that provide something, their keys, and the people who review and operate them."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.clock import now
from app.core.ids import new_id
from app.core.signatures import PROVIDER_CALL, Signer, sign_request
from app.core.webhook_signatures import sign_webhook
from app.factory import Rooms
from app.http.server import Server
from app.providers import service
from app.providers.values import RosterEntry
from app.staff.values import Role
from tests.factories import bearer, staff_token
from tests.oauth.support import plain
from tests.payments.helpers import new_key
from tests.sdk.remote_house import Company as ParkingHouse

MANAGE = "providers.manage"
BECAUSE = {"zh": "材料齐全", "en": "The documents are complete"}
NAME, SERVICE, PAYEE = "parking", "parking-fee", "parking-company"
PATH = ("document_review", "sandbox", "conformance_passed", "canary", "live")


def new_jwk(key: Ed25519PrivateKey, kid: str) -> dict[str, str]:
    """Return the public half of a key, as a manifest has it."""
    raw = key.public_key().public_bytes_raw()
    x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x}


@dataclass(frozen=True)
class Company:
    """A company with a client of its own, a key, and the manifest that it means to register."""

    http: FlaskClient
    headers: Mapping[str, str]
    name: str
    manifest: dict[str, Any]
    kid: str = "first"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)

    @property
    def path(self) -> str:
        """Return where the provider is."""
        return f"/v1/providers/{self.name}"

    @property
    def service(self) -> str:
        """Return the id of its one service."""
        return str(self.manifest["services"][0]["id"])

    def post(self, path: str, body: object) -> TestResponse:
        """Call as the company's system."""
        headers = {**self.headers, "Idempotency-Key": new_key()}
        return self.http.post(path, json=body, headers=headers)

    def get(self, path: str) -> TestResponse:
        """Read as the company's system."""
        return self.http.get(path, headers=dict(self.headers))

    def register(self) -> dict[str, Any]:
        """Register the provider."""
        answer = self.post("/v1/providers", {"manifest": self.manifest})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json
        return made

    def sign(
        self,
        body: bytes,
        path: str | None = None,
        *,
        key: Ed25519PrivateKey | None = None,
        kid: str | None = None,
        tag: str = PROVIDER_CALL,
    ) -> dict[str, str]:
        """Return the headers of a signed call."""
        url = f"http://127.0.0.1:8000{path or self.path + '/returns'}"
        headers = {"Content-Type": "application/json"}
        signer = Signer(key or self.key, kid or self.kid)
        return {**headers, **sign_request(signer, "POST", url, headers, body, tag)}

    def call(self, body: bytes, headers: Mapping[str, str]) -> TestResponse:
        """Ask for money to be sent back."""
        return self.http.post(f"{self.path}/returns", data=body, headers=dict(headers))

    def tell(
        self,
        kind: str,
        data: object,
        *,
        event_id: str | None = None,
        key: Ed25519PrivateKey | None = None,
        at: datetime | None = None,
        instead: bytes | None = None,
    ) -> TestResponse:
        """Send an event, or (after it was signed) something else instead."""
        body = json.dumps({"type": kind, "timestamp": now().isoformat(), "data": data}).encode()
        headers = sign_webhook([key or self.key], event_id or new_id().hex, at or now(), body)
        headers["Content-Type"] = "application/json"
        return self.http.post(f"{self.path}/events", data=instead or body, headers=headers)


def make_company(app: Server, rooms: Rooms, *, scope: str = MANAGE) -> Company:
    """Return a company with a fresh client and a fresh manifest that nothing is wrong with."""
    party = plain(app, rooms, scopes=[scope])
    fields = {"grant_type": "client_credentials", "scope": scope}
    answer = party.post("/oauth/token", fields)
    assert answer.status_code == 200, answer.text
    key, name = Ed25519PrivateKey.generate(), f"firm_{secrets.token_hex(5)}"
    headers = bearer(str(answer.json["access_token"]))
    manifest = make_manifest(name, new_jwk(key, "first"))
    return Company(FlaskClient(app), headers, name, manifest, key=key)


def make_manifest(name: str, *keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the manifest of a company that lets people pay for parking."""
    own = name.replace("_", "-")
    return {
        "contract": 1,
        "name": name,
        "title": {"zh": "示例停车", "en": "Example Parking"},
        "owner": "data-bureau",
        "base_url": "https://parking.example/city",
        "keys": [dict(key) for key in keys],
        "support": "help@parking.example",
        "payees": [
            {"id": own, "title": {"zh": "示例停车", "en": "Example Parking"}, "kind": "company"}
        ],
        "services": [
            {
                "id": f"{own}-fee",
                "title": {"zh": f"停车费{name}", "en": "Parking fee"},
                "category": "transport",
                "department": "data-bureau",
                "kind": "payable",
                "action": "pay",
                "assurance": "basic",
                "posting": "idempotent",
                "keywords": ["停车"],
            }
        ],
    }


@dataclass(frozen=True)
class Office:
    """A reviewer and an operator of the marketplace."""

    http: FlaskClient
    reviewer: Mapping[str, str]
    operator: Mapping[str, str]

    def review(self, company: Company, place: str, body: object) -> TestResponse:
        """Post as the reviewer."""
        return self._call("POST", company.name, place, body, self.reviewer)

    def operate(self, name: str, place: str, body: object, method: str = "PUT") -> TestResponse:
        """Call as the operator."""
        return self._call(method, name, place, body, self.operator)

    def read(self, path: str) -> TestResponse:
        """Read as the reviewer."""
        return self.http.get(f"/v1/marketplace/providers{path}", headers=dict(self.reviewer))

    def move(self, company: Company, to: str) -> TestResponse:
        """Move a company's provider."""
        return self.review(company, "moves", {"to": to, "reason": BECAUSE})

    def bring(self, company: Company, to: str) -> Company:
        """Bring a registered provider to a state, step by step."""
        for state in PATH[: PATH.index(to) + 1]:
            answer = self.move(company, state)
            assert answer.status_code == 200, answer.text
        return company

    def suspend(self, name: str, **more: object) -> TestResponse:
        """Throw the kill switch."""
        reason = {"zh": "系统故障，正在抢修。", "en": "It is broken; we are on it."}
        return self.operate(name, "suspension", {"reason": reason, **more})

    def resume(self, name: str) -> TestResponse:
        """Let go on."""
        return self.operate(name, "resumption", {"reason": BECAUSE}, "POST")

    def _call(
        self, method: str, name: str, place: str, body: object, who: Mapping[str, str]
    ) -> TestResponse:
        return self.http.open(
            f"/v1/marketplace/providers/{name}/{place}",
            method=method,
            json=body,
            headers=dict(who),
        )


def make_office(app: Server, rooms: Rooms) -> Office:
    """Return people whose tokens are fresh."""
    reviewer = bearer(staff_token(rooms, Role.CATALOG_EDITOR))
    operator = bearer(staff_token(rooms, Role.SYSTEM_ADMIN))
    return Office(FlaskClient(app), reviewer, operator)


def admitted(call: Callable[[], TestResponse]) -> TestResponse:
    """Call until the process has a place for it: of eight at once two wait, and briefly."""
    deadline = monotonic() + 30
    while (answer := call()).status_code == 503 and answer.json["code"] == "unavailable":
        assert monotonic() < deadline, answer.text
        sleep(0.05)
    return answer


def entry_of(rooms: Rooms, name: str) -> RosterEntry | None:
    """Return a provider as another process reads it."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        _, roster = service.read_roster(uow)
    return next((entry for entry in roster if entry.name == name), None)


def epoch(rooms: Rooms) -> int:
    """Return the number by which processes know that their roster is old."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return service.read_epoch(uow)


def count(rooms: Rooms, statement: Any, **values: object) -> int:  # noqa: ANN401 - a statement
    """Return what a counting statement finds."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return int(uow.scalar(statement, values) or 0)


@dataclass(frozen=True)
class Town:
    """A house of two processes, a company in its own, and what each of them calls through."""

    rooms: Rooms
    other: Rooms
    first: FlaskClient
    second: FlaskClient
    house: ParkingHouse
    company: Company
    office: Office
