"""What is due in one's own calendar: read by somebody else's parser, private, taken back."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import icalendar
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.factory import Rooms
from plugins.utilities.service.calendar_text import write_calendar
from plugins.utilities.values import DueEvent
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.plugins.utilities.conftest import Subscriber

MOST_OCTETS = 75  # without the line break (RFC 5545, 3.1)
FEED = "/v1/utilities/due-feed"
AT = datetime(2026, 11, 29, 13, 30, tzinfo=UTC)
_TEXTS = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), include_characters="\n"),
    max_size=200,
)


def opened(client: FlaskClient, me: Citizen) -> str:
    """Make a private address and return its path."""
    made = client.post(FEED, headers=me.auth)
    assert made.status_code == 201, made.text
    path: str = made.json["path"]
    return path


def events(raw: bytes) -> list[Any]:
    return list(icalendar.Calendar.from_ical(raw).walk("VEVENT"))


def linked(client: FlaskClient, me: Citizen, subscriber: Subscriber) -> None:
    account = {
        "biller": subscriber.biller,
        "number": subscriber.number,
        "holder_name": subscriber.holder_name,
    }
    assert client.post("/v1/utilities/accounts", json=account, headers=me.auth).status_code == 201


def test_a_calendar_reads_what_is_due_without_a_token_and_what_is_paid_is_gone(
    client: FlaskClient, world: World, rooms: Rooms, subscriber: Subscriber
) -> None:
    me = log_in(client, world, rooms)
    first = subscriber.add_bill(4250, "2031-01-06")
    second = subscriber.add_bill(700, "2031-02-06")
    path = opened(client, me)
    assert events(client.get(path).data) == []
    linked(client, me, subscriber)
    read = client.get(path)
    assert (read.status_code, read.content_type) == (200, "text/calendar; charset=utf-8")
    assert read.headers["Cache-Control"] == "no-store"
    assert read.headers["Content-Disposition"] == 'attachment; filename="due.ics"'
    found = {event.decoded("DTSTART"): event for event in events(read.data)}
    assert set(found) == {date(2031, 1, 6), date(2031, 2, 6)}
    event = found[date(2031, 1, 6)]
    assert str(event["SUMMARY"]) == "水费到期 ¥42.50 / Water bill due"
    listed = client.get("/v1/utilities/bills", headers=me.auth).json["items"]
    assert {UUID(str(one["UID"])) for one in found.values()} == {UUID(b["id"]) for b in listed}
    # What somebody reads over one's shoulder names nobody and no account.
    for hidden in (subscriber.number, subscriber.holder_name, first, second):
        assert hidden not in read.data.replace(b"\r\n ", b"").decode()
    subscriber.pay_at_counter(first)
    with rooms.units.open(actor="test") as uow:
        asked = "update plugin_utilities.accounts set ask_after = now() - interval '1 hour'"
        uow.execute(text(asked))
    (left,) = events(client.get(path).data)
    assert left.decoded("DTSTART") == date(2031, 2, 6)


def test_an_address_is_secret_replaced_and_taken_back(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    me, other = log_in(client, world, rooms), log_in(client, world, rooms)
    assert client.get(FEED, headers=me.auth).json["code"] == "due-feed-not-found"
    old = opened(client, me)
    secret = old.rpartition("/")[2]
    assert len(secret) == 48
    with rooms.units.open(actor="test", read_only=True) as uow:
        kept = uow.scalars(text("select to_jsonb(f)::text from plugin_utilities.feeds f")).all()
        audited = uow.scalars(
            text(
                "select details::text from audit_entries where event = 'utilities.due_feed_changed'"
            )
        ).all()
    assert kept
    assert audited
    assert not [row for row in (*kept, *audited) if secret in row]
    new = opened(client, me)
    theirs = opened(client, other)
    assert len({old, new, theirs}) == 3
    assert client.get(old).json["code"] == "due-feed-not-found"
    assert client.get(new).status_code == client.get(theirs).status_code == 200
    known = client.get(FEED, headers=me.auth)
    assert set(known.json) == {"made_at"}  # the address is never told again
    assert client.delete(FEED, headers=me.auth).status_code == 204
    gone, never = client.get(new), client.get(f"/v1/utilities/due-feeds/{uuid4().hex}")
    assert (gone.status_code, gone.json["code"]) == (404, "due-feed-not-found")
    assert (never.status_code, never.json["code"]) == (404, "due-feed-not-found")
    assert client.get(theirs).status_code == 200
    assert client.delete(FEED, headers=me.auth).status_code == 404
    assert client.post(FEED).status_code == 401


@given(st.lists(st.tuples(_TEXTS, _TEXTS), max_size=4))
def test_any_text_is_read_back_by_another_parser_and_no_line_is_too_long(
    texts: list[tuple[str, str]],
) -> None:
    written = [
        DueEvent(uuid4(), date(2026, 12, 7), place + 1, AT, summary, description)
        for place, (summary, description) in enumerate(texts)
    ]
    raw = write_calendar(written, at=AT)
    lines = raw.split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= MOST_OCTETS
    for line in lines:
        line.decode()  # no character was cut
        assert b"\n" not in line
    found = events(raw)
    assert [(str(e["SUMMARY"]), str(e["DESCRIPTION"])) for e in found] == texts
    assert [int(e["SEQUENCE"]) for e in found] == list(range(len(texts)))


@pytest.mark.promise("P12")
def test_figures_of_a_feed(shows: Any) -> None:  # noqa: ANN401
    long = [
        DueEvent(uuid4(), date(2026, 12, 7), 1, AT, "水费到期，" * 40, "a;b\\c,d\n" * 30)
        for _ in range(200)
    ]
    raw = write_calendar(long, at=AT)
    folded = raw.count(b"\r\n ")
    assert [str(event["SUMMARY"]) for event in events(raw)] == [one.summary for one in long]
    longest = max(map(len, raw.split(b"\r\n")))
    assert longest <= MOST_OCTETS
    assert folded
    shows(f"{len(long)} due days in {len(raw)} octets, {folded} lines folded, longest {longest}")
