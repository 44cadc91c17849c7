"""The trail over HTTP: who may read what, and a proof that a phone checks by itself."""

import base64
import json
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.ids import new_id
from app.factory import Rooms
from tests.audit.support import Knocked, knock, seal
from tests.conftest import World
from tests.factories import bearer, later, log_in, staff_token

ROLES = [
    "system-admin",
    "security-admin",
    "auditor",
    "finance",
    "catalog-editor",
    "department-operator",
]
FOR_AUDITORS = ["/v1/audit/entries", "/v1/audit/seals", "/v1/audit/verification"]


def get(client: FlaskClient, path: str, headers: dict[str, str], status: int = 200) -> Any:  # noqa: ANN401 - JSON
    answer = client.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json


@pytest.fixture(scope="module")
def auditor(rooms: Rooms) -> dict[str, str]:
    return bearer(staff_token(rooms, "auditor"))


@pytest.mark.parametrize("path", FOR_AUDITORS)
def test_the_trail_is_the_auditors(
    client: FlaskClient, world: World, rooms: Rooms, path: str
) -> None:
    get(client, path, {}, 401)
    get(client, path, log_in(client, world, rooms).auth, 403)
    for role in ROLES:
        department = "water-bureau" if role == "department-operator" else None
        token = bearer(staff_token(rooms, role, department))
        get(client, path, token, 200 if role == "auditor" else 403)


def test_activity_is_the_citizens(client: FlaskClient, world: World, rooms: Rooms) -> None:
    get(client, "/v1/me/activity", {}, 401)
    get(client, "/v1/me/activity", bearer(staff_token(rooms, "auditor")), 403)
    mine, other = log_in(client, world, rooms), log_in(client, world, rooms)
    knock(rooms, 1, subject=UUID(mine.id))
    ids = {line["id"] for line in get(client, "/v1/me/activity", mine.auth)["items"]}
    theirs = {line["id"] for line in get(client, "/v1/me/activity", other.auth)["items"]}
    assert ids
    assert not ids & theirs


def test_entries_are_found_by_what_they_say(
    client: FlaskClient, rooms: Rooms, auditor: dict[str, str]
) -> None:
    citizen, door = new_id(), str(new_id())
    knock(rooms, 5, subject=citizen, door=door)
    with later(1):  # moments are shown to the millisecond: no other may share the last one's
        knock(rooms, 1, subject=citizen, door=door, result="refused")
    base = f"/v1/audit/entries?subject={citizen}"
    found = get(client, base, auditor)["items"]
    assert [entry["result"] for entry in found] == ["refused", *["done"] * 5]
    assert [e["number"] for e in found] == sorted((e["number"] for e in found), reverse=True)
    first = found[0]
    assert (first["event"], first["actor"], first["actor_kind"]) == (
        "test.knocked",
        "test",
        "system",
    )
    assert first["details"] == {"door": door, "times": 0}
    for query, count in (
        ("&result=done", 5),
        ("&result=refused", 1),
        ("&event=test.knocked", 6),
        ("&event=test.other", 0),
        ("&actor=test", 6),
        ("&actor=staff%3Ax", 0),
        ("&since=2020-01-01T00%3A00%3A00Z", 6),
        ("&until=2020-01-01T00%3A00%3A00Z", 0),
        (f"&since={first['at']}", 1),
    ):
        assert len(get(client, base + query, auditor)["items"]) == count, query


def test_pages_of_entries_hold_each_once(
    client: FlaskClient, rooms: Rooms, auditor: dict[str, str]
) -> None:
    citizen = new_id()
    knock(rooms, 7, subject=citizen)
    numbers, cursor = [], ""
    while True:
        path = f"/v1/audit/entries?subject={citizen}&limit=3{cursor}"
        page = get(client, path, auditor)
        numbers += [entry["number"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(numbers) == len(set(numbers)) == 7
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize(
    "query", ["event=%00", "event=UPPER", "result=perhaps", "since=yesterday", "subject=1", "x=1"]
)
def test_what_is_no_filter_is_refused(
    client: FlaskClient, auditor: dict[str, str], query: str
) -> None:
    get(client, f"/v1/audit/entries?{query}", auditor, 422)


def test_seals_are_shown_as_they_were_signed(
    client: FlaskClient, rooms: Rooms, auditor: dict[str, str]
) -> None:
    knock(rooms, 1)
    seal(rooms)
    shown = get(client, "/v1/audit/seals?limit=2", auditor)["items"]
    keys = keys_of(client)
    for one in shown:
        check_signature(one, keys)
    with pytest.raises(InvalidSignature):
        check_signature({**shown[0], "entries": shown[0]["entries"] + 1}, keys)


def test_the_house_verifies_its_trail(
    client: FlaskClient, rooms: Rooms, auditor: dict[str, str]
) -> None:
    knock(rooms, 3)
    seal(rooms)
    newest = get(client, "/v1/audit/seals?limit=1", auditor)["items"][0]
    path = f"/v1/audit/verification?first_seal={newest['number']}"
    found = get(client, path, auditor)
    assert (found["is_sound"], found["is_complete"], found["fault"]) == (True, True, None)
    assert (found["first_seal"], found["seals"] >= 1) == (newest["number"], True)
    beyond = get(client, f"{path}&last_seal={newest['number'] + 50}", auditor)
    assert beyond["is_sound"] is False
    assert beyond["fault"]["code"] == "seal-missing"
    for query in ("first_seal=0", "first_seal=-1", "last_seal=x", "last_seal=99999999999"):
        get(client, f"/v1/audit/verification?{query}", auditor, 422)


def keys_of(client: FlaskClient) -> dict[str, str]:
    """Return the public keys, which everybody may have."""
    items = get(client, "/v1/audit/keys", {})["items"]
    assert [key["is_current"] for key in items] == [True]
    return {key["id"]: key["public_key"] for key in items}


def canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def check_signature(shown: dict[str, Any], keys: dict[str, str]) -> None:
    """Check a seal as a phone does: with a key that it has, and nothing of ours."""
    signature = base64.b64decode(shown["signature"])
    content = {name: value for name, value in shown.items() if name != "signature"}
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(keys[shown["key"]]))
    key.verify(signature, b"wudang-audit\n" + canonical(content))


def check_proof(proof: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    """Check a line as a phone does (RFC 9162, 2.1.3.2) and return what its leaf says."""
    found = sha256(b"\x00" + proof["leaf"].encode()).digest()
    place, last = proof["index"], proof["size"] - 1
    for sister in map(bytes.fromhex, proof["path"]):
        assert last > 0
        if place & 1 or place == last:
            found = sha256(b"\x01" + sister + found).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = sha256(b"\x01" + found + sister).digest()
        place, last = place >> 1, last >> 1
    assert last == 0
    assert found.hex() == proof["seal"]["root"]
    assert proof["seal"]["entries"] == proof["size"]
    check_signature(proof["seal"], keys)
    said: dict[str, Any] = json.loads(proof["leaf"])
    return said


def test_what_happened_to_me_comes_with_a_proof_that_a_phone_checks(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    mine = log_in(client, world, rooms)
    other = new_id()
    with rooms.units.open(actor=f"citizen:{mine.id}", address="192.0.2.1") as uow:
        uow.record(Knocked(subject=UUID(mine.id), door="own"))
    for actor in (f"staff:{other}", f"citizen:{other} for citizen:{mine.id}", "worker:x"):
        with rooms.units.open(actor=actor, address="192.0.2.2") as uow:
            uow.record(Knocked(subject=UUID(mine.id), door="other"))
    waiting = get(client, "/v1/me/activity?limit=4", mine.auth)["items"]
    assert [line["proof"] for line in waiting] == [None] * 4
    knock(rooms, 40)
    seal(rooms)
    knock(rooms, 1)
    seal(rooms)
    lines = get(client, "/v1/me/activity?limit=4", mine.auth)["items"]
    assert [line["by"] for line in lines] == ["system", "delegate", "staff", "you"]
    assert [line["address"] for line in lines] == [None, None, None, "192.0.2.1"]
    keys = keys_of(client)
    for line in lines:
        said = check_proof(line["proof"], keys)
        assert (said["id"], said["event"], said["subject"]) == (line["id"], line["event"], mine.id)
        assert said["result"] == line["result"]
        assert said["details"] == line["details"]
        # Who else acted, and from where, is not told, not even by the proof.
        assert str(other) not in json.dumps(line)
        assert "192.0.2.2" not in json.dumps(line)
    bent = {**lines[0]["proof"], "leaf": lines[0]["proof"]["leaf"].replace("other", "front")}
    with pytest.raises(AssertionError):
        check_proof(bent, keys)


def test_every_line_has_a_title_in_chinese_and_english(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    mine = log_in(client, world, rooms)
    get(client, "/v1/audit/entries", mine.auth, 403)
    line = get(client, "/v1/me/activity", mine.auth)["items"][0]
    assert (line["event"], line["result"], line["by"]) == ("access.refused", "refused", "you")
    assert (line["title_zh"], line["title_en"]) == (
        "越权访问被拒绝",
        "An access that was not permitted was refused",
    )
    assert line["details"] == {
        "operation": "GET:/v1/audit/entries",
        "code": "forbidden",
        "more": 0,
    }


def test_a_copied_refresh_token_is_told_to_its_citizen(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    mine = log_in(client, world, rooms)
    path, again = "/v1/auth/sessions/refresh", {"refresh_token": mine.refresh}
    second = client.post(path, json=again).json["refresh_token"]
    third = client.post(path, json={"refresh_token": second})
    assert third.status_code == 200
    assert client.post(path, json=again).status_code == 401
    with rooms.units.open(actor="test", read_only=True) as uow:
        query = text(
            "select details from audit_entries where event = 'session.closed' and subject_id = :id"
        )
        (details,) = uow.scalars(query, {"id": mine.id}).all()
    assert details == {"session_id": mine.session_id, "cause": "refresh-token-reused"}
