"""A citizen's own sessions."""

from flask.testing import FlaskClient

from app.core.ids import new_id
from app.factory import Rooms
from tests.factories import bearer, later, make_phone
from tests.identity.support import log_in_quickly


def test_my_sessions_are_listed_newest_first(client: FlaskClient, rooms: Rooms) -> None:
    phone = make_phone()
    old = log_in_quickly(rooms, phone, device="旧手机")
    with later(61):
        new = log_in_quickly(rooms, phone, device="新手机")
    listed = client.get("/v1/auth/sessions", headers=bearer(old.access_token)).json
    assert listed["next_cursor"] is None
    assert [(item["id"], item["device"], item["is_current"]) for item in listed["items"]] == [
        (str(new.session_id), {"name": "新手机", "platform": "android"}, False),
        (str(old.session_id), {"name": "旧手机", "platform": "android"}, True),
    ]


def test_the_list_has_pages(client: FlaskClient, rooms: Rooms) -> None:
    phone = make_phone()
    first = log_in_quickly(rooms, phone)
    for step in (1, 2):
        with later(61 * step):
            log_in_quickly(rooms, phone)
    headers = bearer(first.access_token)
    seen = []
    path = "/v1/auth/sessions?limit=2"
    while path:
        page = client.get(path, headers=headers).json
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        path = f"/v1/auth/sessions?limit=2&cursor={cursor}" if cursor else ""
    assert len(seen) == len(set(seen)) == 3


def test_an_ended_session_is_over_at_once(client: FlaskClient, rooms: Rooms) -> None:
    phone = make_phone()
    one = log_in_quickly(rooms, phone)
    with later(61):
        two = log_in_quickly(rooms, phone, device="other")
    with later(62):
        path = f"/v1/auth/sessions/{two.session_id}"
        for _ in range(2):
            answer = client.delete(path, headers=bearer(one.access_token))
            assert (answer.status_code, answer.data) == (204, b"")
        # An unsafe method asks the database, so there is not even the second of the cache.
        refused = client.delete("/v1/auth/sessions", headers=bearer(two.access_token))
        assert (refused.status_code, refused.json["code"]) == (401, "token-invalid")
        listed = client.get("/v1/auth/sessions", headers=bearer(one.access_token)).json["items"]
    assert [item["id"] for item in listed] == [str(one.session_id)]


def test_somebody_elses_session_looks_like_none(client: FlaskClient, rooms: Rooms) -> None:
    mine, theirs = log_in_quickly(rooms), log_in_quickly(rooms)
    answers = [
        client.delete(f"/v1/auth/sessions/{other}", headers=bearer(mine.access_token))
        for other in (theirs.session_id, new_id())
    ]
    assert [(a.status_code, a.json["code"]) for a in answers] == [(404, "session-not-found")] * 2
    assert client.get("/v1/me", headers=bearer(theirs.access_token)).status_code == 200


def test_all_others_end_together(client: FlaskClient, rooms: Rooms) -> None:
    phone = make_phone()
    mine = log_in_quickly(rooms, phone)
    for step in (1, 2, 3):
        with later(61 * step):
            log_in_quickly(rooms, phone, device=f"device {step}")
    assert client.delete("/v1/auth/sessions", headers=bearer(mine.access_token)).status_code == 204
    listed = client.get("/v1/auth/sessions", headers=bearer(mine.access_token)).json["items"]
    assert [item["id"] for item in listed] == [str(mine.session_id)]


def test_without_a_token_nothing_is_shown(client: FlaskClient) -> None:
    for answer in (client.get("/v1/auth/sessions"), client.get("/v1/me")):
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="wudang"'
