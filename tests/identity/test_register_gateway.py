"""A register that answers anything: either it is clear, or nothing was said."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.egress import Egress
from app.identity.errors import RegisterUnavailable
from app.identity.gateway import RegisterGateway
from app.identity.values import FaceStatus, Holding, RegisterAnswer

NAME, NUMBER = "张伟", "11010519491231002X"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
ANSWERS = st.one_of(
    st.binary(max_size=60),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {name: JSON | st.sampled_from(["match", "passed"]) for name in ("result", "status")}
    ).map(lambda value: json.dumps(value).encode()),
)


@dataclass
class Said:
    """What the register says next, and what it was asked last."""

    status: int = 200
    body: bytes = b"{}"
    asked: tuple[str, str, bytes, str | None] = ("", "", b"", None)


@dataclass(frozen=True)
class Register:
    """A register of our own making, and the way to it."""

    said: Said
    gateway: RegisterGateway


@pytest.fixture(scope="module")
def register() -> Iterator[Register]:
    said = Said()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            key = self.headers.get("Idempotency-Key")
            said.asked = (self.command, self.path, self.rfile.read(length), key)
            self.send_response(said.status)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"127.0.0.1:{server.server_port}"
    egress = Egress(frozenset({place}))
    yield Register(said, RegisterGateway(egress, f"http://{place}/city/checks"))
    server.shutdown()
    server.server_close()


def test_the_resources_lie_beside_the_checks(register: Register) -> None:
    said, gateway = register.said, register.gateway
    said.status = 200
    person = {"name": NAME, "resident_id": NUMBER}
    said.body = b'{"result": "match"}'
    assert gateway.check(NAME, NUMBER) is RegisterAnswer.MATCH
    assert (said.asked[:2], json.loads(said.asked[2])) == (("POST", "/city/checks"), person)
    answer = gateway.check_holding(NAME, NUMBER, Holding.BANK_CARD, "6222")
    assert answer is RegisterAnswer.MATCH
    assert said.asked[1] == "/city/linked-checks"
    assert json.loads(said.asked[2]) == {**person, "kind": "bank-card", "number": "6222"}
    said.status, said.body = 201, b'{"id": "face/1?x", "token": "t"}'
    begun = gateway.open_face_check(NAME, NUMBER, key="k")
    assert (said.asked[1], said.asked[3]) == ("/city/face-checks", "k")
    said.status, said.body = 200, b'{"status": "passed"}'
    assert gateway.read_face_check(begun.reference) is FaceStatus.PASSED
    assert said.asked[:2] == ("GET", "/city/face-checks/face%2F1%3Fx")


@settings(max_examples=150, deadline=None)
@given(body=ANSWERS, status=st.sampled_from([200, 200, 200, 201, 204, 302, 400, 404, 500, 503]))
def test_whatever_is_not_clear_is_no_answer(register: Register, body: bytes, status: int) -> None:
    register.said.status, register.said.body = status, b"" if status == 204 else body
    gateway = register.gateway
    for ask, legal in (
        (lambda: gateway.check(NAME, NUMBER), RegisterAnswer),
        (lambda: gateway.check_holding(NAME, NUMBER, Holding.PHONE, "1"), RegisterAnswer),
        (lambda: gateway.read_face_check("face"), FaceStatus),
    ):
        try:
            answer = ask()
        except RegisterUnavailable:
            continue
        assert status in {200, 201}
        assert answer in json.loads(body).values()
        assert isinstance(answer, legal)
    try:
        begun = gateway.open_face_check(NAME, NUMBER, key="k")
    except RegisterUnavailable:
        return
    assert (begun.reference, begun.token) == (json.loads(body)["id"], json.loads(body)["token"])


def test_a_register_that_is_not_there_is_no_answer() -> None:
    gateway = RegisterGateway(Egress(frozenset({"127.0.0.1:9"})), "http://127.0.0.1:9/checks")
    with pytest.raises(RegisterUnavailable):
        gateway.check(NAME, NUMBER)
