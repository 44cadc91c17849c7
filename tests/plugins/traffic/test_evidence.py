"""The pictures of the police: the right ones, marked, and each view in the trail."""

from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from PIL import Image, ImageChops
from sqlalchemy import text

from app.core.clock import now
from app.factory import Rooms
from plugins.traffic.client import PoliceClient
from plugins.traffic.errors import EvidenceAltered
from plugins.traffic.provider import TrafficProvider
from plugins.traffic.service.evidence import mark_of, mark_picture
from tests.conftest import World
from tests.factories import Citizen
from tests.plugins.traffic.conftest import Car, behave, refusal, violations


def picture_of(content: bytes) -> Image.Image:
    with Image.open(BytesIO(content)) as opened:
        return opened.convert("RGB")


def views(rooms: Rooms, violation_id: str) -> list[str]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = text(
            "select details->>'view' from audit_entries where event = 'traffic.evidence_viewed'"
            " and details->>'violation_id' = :id"
        )
        return list(uow.scalars(found, {"id": violation_id}))


@pytest.mark.promise("M15")
def test_a_picture_is_shown_marked_and_each_view_is_in_the_trail(
    client: FlaskClient,
    rooms: Rooms,
    provider: TrafficProvider,
    me: Citizen,
    other: Citizen,
    car: Car,
    shows: Callable[[str], None],
) -> None:
    case = car.offend()
    (violation,) = violations(client, me)
    theirs = PoliceClient.of(provider.house).evidence(case.notice_no, 1)
    assert theirs is not None
    first, second = violation["evidence"]
    assert first["sha256"] == sha256(theirs).hexdigest() != second["sha256"]
    seen = [client.get(first["url"], headers=me.auth) for _ in range(2)]
    assert [(one.status_code, one.mimetype) for one in seen] == [(200, "image/png")] * 2
    before, *after = picture_of(theirs), *(picture_of(one.data) for one in seen)
    assert {picture.size for picture in after} == {before.size}
    width, height = before.size
    quarters = [
        (x, y, x + width // 2, y + height // 2) for x in (0, width // 2) for y in (0, height // 2)
    ]
    for picture in after:  # no quarter that is cut out is without the mark
        changed = ImageChops.difference(before, picture)
        assert all(changed.crop(quarter).getbbox() for quarter in quarters)
    assert seen[0].data != seen[1].data  # each view has its own number
    assert len(set(views(rooms, violation["id"]))) == 2
    stranger = client.get(first["url"], headers=other.auth)
    assert refusal(stranger) == (404, "violation-not-found")
    third = first["url"].replace(first["sha256"], "0" * 64)
    assert refusal(client.get(third, headers=me.auth)) == (404, "evidence-not-found")
    assert len(views(rooms, violation["id"])) == 2
    shows("2 views: 2 marks, 4 of 4 quarters of the picture changed, 2 entries in the trail")


def test_another_picture_than_the_notice_names_is_not_shown(
    client: FlaskClient, rooms: Rooms, me: Citizen, car: Car
) -> None:
    case = car.offend()
    (violation,) = violations(client, me)
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text(
                "update plugin_traffic.violations set evidence ="
                " jsonb_set(evidence, '{0,sha256}', to_jsonb(repeat('0', 64)))"
                " where notice_no = :number"
            ),
            {"number": case.notice_no},
        )
    first = violation["evidence"][0]
    answer = client.get(first["url"].replace(first["sha256"], "0" * 64), headers=me.auth)
    assert refusal(answer) == (409, "evidence-altered")
    assert views(rooms, violation["id"]) == []


def test_without_the_police_there_is_no_picture(
    client: FlaskClient, police: World, rooms: Rooms, me: Citizen, car: Car
) -> None:
    car.offend()
    (violation,) = violations(client, me)
    behave(police, "down")
    answer = client.get(violation["evidence"][0]["url"], headers=me.auth)
    assert refusal(answer) == (503, "police-unavailable")
    assert views(rooms, violation["id"]) == []


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n" + b"x" * 40])
def test_what_is_no_picture_is_not_shown(content: bytes) -> None:
    with pytest.raises(EvidenceAltered):
        mark_picture(content, mark_of("somebody", uuid4(), now()))


def test_a_small_and_a_large_picture_are_marked() -> None:
    for size in ((40, 30), (2_000, 1_500)):
        out = BytesIO()
        Image.new("RGB", size, (120, 120, 120)).save(out, "JPEG")
        marked = picture_of(mark_picture(out.getvalue(), mark_of("somebody", uuid4(), now())))
        assert marked.size == size
        assert len(marked.getcolors(marked.width * marked.height) or ()) > 2
