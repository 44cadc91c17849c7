"""Every refusal leaves as a problem document, and nothing internal leaves with it."""

import re
import uuid
from collections.abc import Callable, Sequence

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from app.core import errors
from app.factory import build, create_app
from app.http.problems import MEDIA_TYPE, status_of
from config.settings import Settings
from sandbox.servers import free_port
from tests.conftest import World
from tests.factories import Citizen, bearer, make_phone

Things = Callable[[str], Sequence[object]]
KINDS = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
}


def test_each_kind_has_one_status() -> None:
    assert {kind: status_of(kind()) for kind in KINDS} == KINDS
    assert status_of(errors.IllegalMove()) == 409
    assert status_of(errors.AssuranceTooLow()) == 403


def test_a_problem_document_is_complete(door: FlaskClient) -> None:
    answer = door.get("/v1/nothing/here?x=1")
    assert answer.status_code == 404
    assert answer.mimetype == MEDIA_TYPE
    assert answer.json == {
        "type": "/problems/not-found",
        "code": "not-found",
        "title": "There is no such thing",
        "title_zh": "没有找到",
        "status": 404,
        "instance": "/v1/nothing/here",
        "request_id": answer.headers["X-Request-Id"],
    }


def test_no_token_is_a_challenge(door: FlaskClient) -> None:
    answer = door.get("/v1/me")
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="wudang"'


def test_a_wrong_token_is_named_as_one(door: FlaskClient) -> None:
    answer = door.get("/v1/me", headers=bearer("x.y.z"))
    assert (answer.status_code, answer.json["code"]) == (401, "token-invalid")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="wudang", error="invalid_token"'


@pytest.mark.parametrize(
    "method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"]
)
def test_another_method_is_told_the_right_ones(door: FlaskClient, method: str) -> None:
    answer = door.open("/v1/tiny/echoes", method=method)
    assert (answer.status_code, answer.json["code"]) == (405, "method-not-allowed")
    allowed = {name.strip() for name in answer.headers["Allow"].split(",")}
    assert allowed == {"GET", "HEAD", "POST"}


def test_a_bug_shows_nothing(blunt: FlaskClient) -> None:
    with capture_logs() as lines:
        answer = blunt.get("/v1/tiny/faults")
    assert answer.status_code == 500
    assert answer.mimetype == MEDIA_TYPE
    assert answer.json == {
        "type": "/problems/internal-error",
        "code": "internal-error",
        "title": "Something went wrong on our side",
        "title_zh": "系统内部错误",
        "status": 500,
        "instance": "/v1/tiny/faults",
        "request_id": answer.headers["X-Request-Id"],
    }
    failed = next(line for line in lines if line["event"] == "request.failed")
    assert "hunter2" in str(failed["exc_info"])


def test_a_bug_undoes_what_was_written(blunt: FlaskClient, things: Things) -> None:
    assert blunt.post("/v1/tiny/faults").status_code == 500
    assert things("written before a bug") == []


def test_a_get_that_writes_is_a_bug_and_writes_nothing(blunt: FlaskClient, things: Things) -> None:
    assert blunt.get("/v1/tiny/writes").status_code == 500
    assert things("written by a reader") == []


@pytest.mark.parametrize("name", ["swagger-ui.css", "swagger-ui-bundle.js"])
@pytest.mark.parametrize("wanted", ["bytes=99999999999-", "bytes=5-1", "lines=1-2", "bytes=x"])
def test_no_range_of_a_file_is_our_fault(door: FlaskClient, name: str, wanted: str) -> None:
    answer = door.get(f"/docs/{name}", headers={"Range": wanted})
    assert answer.status_code in {200, 206, 400, 416}
    answer.close()


def test_a_member_whose_name_is_hostile_is_quoted_and_no_more(door: FlaskClient) -> None:
    name = "</script>\u202e\\\"'水"
    answer = door.post("/v1/tiny/echoes", json={name: 1})
    assert answer.status_code == 422
    assert answer.json["errors"] == [{"pointer": f"/{name}", "message": "Unknown field."}]


def test_a_later_refusal_says_when_to_come_back(door: FlaskClient, citizen: Citizen) -> None:
    key = {"Idempotency-Key": f"key-{uuid.uuid4()}"}
    body = {"label": str(uuid.uuid4()), "fail": "between"}
    answer = door.post("/v1/tiny/things", json=body, headers={**citizen.auth, **key})
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "7"
    assert answer.json["detail"] == "Between the phases."


class TestHeaders:
    PATHS = ("/v1/categories", "/v1/me", "/v1/nothing", "/v1/tiny/bare", "/livez", "/docs")

    @pytest.mark.parametrize("path", PATHS)
    def test_every_answer_is_protected(self, door: FlaskClient, path: str) -> None:
        headers = door.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Set-Cookie" not in headers
        assert "Access-Control-Allow-Origin" not in headers
        assert "X-Powered-By" not in headers

    def test_an_answer_to_somebody_is_kept_by_nobody(
        self, door: FlaskClient, citizen: Citizen
    ) -> None:
        assert door.get("/v1/me", headers=citizen.auth).headers["Cache-Control"] == "no-store"
        assert door.get("/v1/me").headers["Cache-Control"] == "no-store"

    def test_tls_is_asked_for_where_there_is_tls(self, door: FlaskClient) -> None:
        plain, secure = (
            door.get("/livez", base_url=base).headers
            for base in ("http://localhost", "https://localhost")
        )
        assert "Strict-Transport-Security" not in plain
        assert secure["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"

    def test_a_page_of_another_site_gets_no_permission(self, door: FlaskClient) -> None:
        origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        answer = door.options("/v1/payments", headers=origin)
        assert answer.status_code == 405
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]

    def test_every_answer_has_an_id_of_its_own(self, door: FlaskClient) -> None:
        given = {"X-Request-Id": "mine"}
        ids = [door.get("/livez", headers=given).headers["X-Request-Id"] for _ in range(3)]
        assert len(set(ids)) == 3
        assert all(uuid.UUID(one).version == 7 for one in ids)

    def test_nothing_has_no_content_type(self, door: FlaskClient) -> None:
        answer = door.post("/v1/tiny/bare")
        assert (answer.status_code, answer.data) == (204, b"")
        assert "Content-Type" not in answer.headers

    def test_a_head_is_a_get_without_its_body(self, door: FlaskClient) -> None:
        get, head = door.get("/v1/categories"), door.head("/v1/categories")
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["Content-Type"] == get.headers["Content-Type"]


def test_every_request_is_logged_with_its_id_and_route(door: FlaskClient, citizen: Citizen) -> None:
    message_id = uuid.uuid4()
    with capture_logs() as lines:
        answer = door.put(f"/v1/me/inbox/{message_id}/read", headers=citizen.auth)
    assert answer.status_code == 404
    line = next(line for line in lines if line["event"] == "request")
    assert line["method"] == "PUT"
    assert line["route"] == "/v1/me/inbox/<uuid:message_id>/read"
    assert line["status"] == 404
    said = str(lines)
    assert str(message_id) not in said
    assert citizen.token not in said
    assert re.search(r"\d{11}", citizen.phone)
    assert citizen.phone[-8:] not in said


def test_a_database_that_is_away_is_an_unavailability(world: World, citizen: Citizen) -> None:
    nowhere = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing"
    env = {**world.env, "DATABASE_URL": nowhere}
    house = build(Settings.from_env(env))
    client = create_app(house.settings, house).test_client()
    try:
        for answer in (
            client.get("/v1/me", headers=citizen.auth),
            client.post("/v1/auth/challenges", json={"phone": make_phone(), "purpose": "login"}),
        ):
            assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
            assert 1 <= int(answer.headers["Retry-After"]) <= 5
        assert client.get("/livez").status_code == 200
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "database" in ready.json["missing"]
    finally:
        house.close()
