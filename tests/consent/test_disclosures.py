"""Who saw what of me: written before it is shown, once, and told when the law lets it be."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from app.consent import service
from app.consent.service import ConsentDeps
from app.consent.values import Basis, DelayReason, Disclosure
from app.core.clock import now
from app.core.ids import new_id
from app.factory import Rooms
from tests.consent.support import TITLE
from tests.factories import bearer, later
from tests.identity.support import count, log_in_quickly

MINE = "select count(*) from disclosures where citizen_id = :citizen"


def show(
    rooms: Rooms,
    citizen_id: UUID,
    *,
    read_only: bool = False,
    times: int = 1,
    request_id: str | None = None,
    **changes: Any,  # noqa: ANN401 - fields of Disclosure
) -> None:
    fields: dict[str, Any] = {
        "citizen_id": citizen_id,
        "consumer": "plugin:parking",
        "title": TITLE,
        "attributes": frozenset({"phone", "name"}),
        "basis": Basis.STATUTORY_DUTY,
        "purpose": {"zh": "停车执法", "en": "Parking control"},
        **changes,
    }
    with rooms.units.open(
        actor="test", read_only=read_only, request_id=request_id or str(new_id())
    ) as uow:
        for _ in range(times):
            service.record_disclosure(uow, rooms.deps[ConsentDeps], Disclosure(**fields))


def test_a_citizen_reads_who_saw_what(client: FlaskClient, rooms: Rooms) -> None:
    citizen = log_in_quickly(rooms)
    headers, mandate, request_id = bearer(citizen.access_token), new_id(), str(new_id())
    show(rooms, citizen.citizen_id, officer="finance", mandate_id=mandate, request_id=request_id)
    show(rooms, new_id())
    (seen,) = client.get("/v1/me/disclosures", headers=headers).json["items"]
    assert seen | {"id": "", "at": ""} == {
        "id": "",
        "at": "",
        "consumer": "plugin:parking",
        "title": TITLE,
        "officer": "finance",
        "basis": "statutory-duty",
        "purpose": {"zh": "停车执法", "en": "Parking control"},
        "consent_id": None,
        "mandate_id": str(mandate),
        "attributes": ["name", "phone"],
        "request_id": request_id,
        "delay_reason": None,
    }


def test_the_same_showing_within_one_request_stands_once(rooms: Rooms) -> None:
    citizen_id, request_id = new_id(), str(new_id())
    for read_only in (True, False):
        show(rooms, citizen_id, times=3, read_only=read_only, request_id=request_id)
    assert count(rooms, MINE, citizen=citizen_id) == 1
    show(rooms, citizen_id, attributes=frozenset({"name"}), request_id=request_id)
    show(rooms, citizen_id)
    assert count(rooms, MINE, citizen=citizen_id) == 3
    trail = "select count(*) from audit_entries where subject_id = :c and event = :event"
    assert count(rooms, trail, c=citizen_id, event="attributes.disclosed") == 3


def test_a_reader_that_fails_afterwards_has_still_seen(rooms: Rooms) -> None:
    citizen_id = new_id()

    @contextmanager
    def failing() -> Iterator[None]:
        try:
            yield
        except LookupError:
            return

    with failing(), rooms.units.open(actor="test", read_only=True) as uow:
        shown = Disclosure(
            citizen_id, "plugin:x", TITLE, frozenset({"name"}), Basis.LAW, purpose=TITLE
        )
        service.record_disclosure(uow, rooms.deps[ConsentDeps], shown)
        raise LookupError
    assert count(rooms, MINE, citizen=citizen_id) == 1


def test_nothing_shown_is_nothing_recorded(rooms: Rooms) -> None:
    citizen_id = new_id()
    show(rooms, citizen_id, attributes=frozenset())
    assert count(rooms, MINE, citizen=citizen_id) == 0


def test_a_delay_has_a_reason_and_an_end(client: FlaskClient, rooms: Rooms) -> None:
    citizen = log_in_quickly(rooms)
    headers = bearer(citizen.access_token)
    show(
        rooms,
        citizen.citizen_id,
        delay_reason=DelayReason.COURT_ORDER,
        hidden_until=now() + timedelta(seconds=300),
    )
    assert client.get("/v1/me/disclosures", headers=headers).json["items"] == []
    with later(301):
        (told,) = client.get("/v1/me/disclosures", headers=headers).json["items"]
    assert told["delay_reason"] == "court-order"


def test_the_list_has_pages(client: FlaskClient, rooms: Rooms) -> None:
    citizen = log_in_quickly(rooms)
    headers = bearer(citizen.access_token)
    for _ in range(5):
        show(rooms, citizen.citizen_id)
    found: list[dict[str, Any]] = []
    path = "/v1/me/disclosures?limit=2"
    while path:
        page = client.get(path, headers=headers).json
        found += page["items"]
        cursor = page["next_cursor"]
        path = f"/v1/me/disclosures?limit=2&cursor={cursor}" if cursor else ""
    assert len(found) == len({item["id"] for item in found}) == 5
    assert [i["at"] for i in found] == sorted((i["at"] for i in found), reverse=True)
