"""A seat at a fair in one's own calendar, as somebody else's parser reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import icalendar
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.factory import Rooms
from app.sdk import House, now
from plugins.jobs import service
from plugins.jobs.service.calendar_text import write_event
from plugins.jobs.values.calendar import CalendarEvent, EventStatus
from tests.conftest import World
from tests.factories import later, log_in
from tests.plugins.jobs.conftest import Officer
from tests.plugins.jobs.rows import one

MOST_OCTETS = 75  # without the line break (RFC 5545, 3.1)
AT = datetime(2026, 11, 29, 13, 30, tzinfo=UTC)
PLAN = {
    "title_zh": "“春风行动”招聘会；先到先得，凭预约入场",
    "title_en": "Spring fair; first come, first served",
    "place": "武当山会展中心，一号馆\\二层",
    "booths": 0,
}
_TEXTS = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), include_characters="\n"),
    max_size=200,
)


def read(raw: bytes) -> Any:  # noqa: ANN401 - another parser's
    """Return the only event of a calendar whose lines are as they must be."""
    lines = raw.split(b"\r\n")
    assert lines[-1] == b""
    for line in lines:
        assert b"\n" not in line
        assert b"\r" not in line
        assert len(line) <= MOST_OCTETS
        line.decode()  # no character was cut
    calendar = icalendar.Calendar.from_ical(raw)
    assert (str(calendar["VERSION"]), "METHOD" in calendar) == ("2.0", False)
    assert calendar["PRODID"]
    (event,) = calendar.walk("VEVENT")
    assert event.errors == []
    return event


def test_a_seat_is_told_to_a_calendar_from_its_hold_to_its_end(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer, house: House
) -> None:
    starts = (now() + timedelta(days=9)).replace(microsecond=0)
    times = {
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=2)).isoformat(),
    }
    fair = officer.post("fairs", PLAN | times).json["id"]
    slot = officer.post(f"fairs/{fair}/slots", times | {"capacity": 3}).json["id"]
    assert officer.post(f"fairs/{fair}/publication").status_code == 200
    me, other = log_in(client, world, rooms), log_in(client, world, rooms)
    place = client.post(f"/v1/jobs/fair-slots/{slot}/bookings", headers=me.auth).headers["Location"]
    booking = UUID(place.rpartition("/")[2])

    def fetch() -> Any:  # noqa: ANN401 - another parser's
        answer = client.get(f"{place}/ics", headers=me.auth)
        assert (answer.status_code, answer.content_type) == (200, "text/calendar; charset=utf-8")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="fair.ics"'
        assert client.get(f"{place}/ics", headers=me.auth).data == answer.data
        return read(answer.data)

    def said(event: Any) -> tuple[UUID, str, int]:  # noqa: ANN401 - another parser's
        return UUID(str(event["UID"])), str(event["STATUS"]), int(event["SEQUENCE"])

    held = fetch()
    assert said(held) == (booking, "TENTATIVE", 0)
    assert str(held["SUMMARY"]) == f"{PLAN['title_zh']} / {PLAN['title_en']}"
    assert str(held["LOCATION"]) == PLAN["place"]
    assert (held.decoded("DTSTART"), held.decoded("DTEND")) == (starts, starts + timedelta(hours=2))
    assert held.decoded("DTSTART").utcoffset() == timedelta(0)
    whose = "select citizen_reference from plugin_jobs.fair_bookings where id = :id"
    reference = one(rooms, whose, id=booking)
    with later(11 * 60), house.unit_of_work() as uow:  # lapsed, and nobody has written it down
        lapsed = read(service.export_booking(uow, reference, booking))
    assert said(lapsed) == (booking, "CANCELLED", 1)
    assert client.post(f"{place}/confirmation", headers=me.auth).status_code == 200
    confirmed = fetch()
    assert said(confirmed) == (booking, "CONFIRMED", 1)
    assert confirmed.decoded("DTSTAMP") >= held.decoded("DTSTAMP")
    foreign = client.get(f"{place}/ics", headers=other.auth)
    assert (foreign.status_code, foreign.json["code"]) == (404, "fair-booking-not-found")
    assert client.get(f"{place}/ics").status_code == 401
    assert client.post(f"{place}/cancellation", headers=me.auth).status_code == 200
    cancelled = fetch()
    assert said(cancelled) == (booking, "CANCELLED", 2)
    assert cancelled.decoded("DTSTART") == starts


def test_a_fair_that_is_cancelled_is_off_before_anybody_has_cleared_it(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer, house: House
) -> None:
    starts = now() + timedelta(days=9)
    times = {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=2)).isoformat()}
    fair = officer.post("fairs", PLAN | times).json["id"]
    slot = officer.post(f"fairs/{fair}/slots", times | {"capacity": 3}).json["id"]
    assert officer.post(f"fairs/{fair}/publication").status_code == 200
    me = log_in(client, world, rooms)
    place = client.post(f"/v1/jobs/fair-slots/{slot}/bookings", headers=me.auth).headers["Location"]
    assert client.post(f"{place}/confirmation", headers=me.auth).status_code == 200
    assert officer.post(f"fairs/{fair}/cancellation").status_code == 200
    before = read(client.get(f"{place}/ics", headers=me.auth).data)
    service.clear_cancelled_fairs(house)
    assert client.get(place, headers=me.auth).json["status"] == "cancelled"
    after = read(client.get(f"{place}/ics", headers=me.auth).data)
    assert [str(event["STATUS"]) for event in (before, after)] == ["CANCELLED", "CANCELLED"]
    assert [int(event["SEQUENCE"]) for event in (before, after)] == [2, 2]
    assert after.decoded("DTSTAMP") >= before.decoded("DTSTAMP")


@given(_TEXTS, _TEXTS, _TEXTS, st.sampled_from(EventStatus), st.integers(0, 9))
def test_any_text_is_read_back_by_another_parser(
    summary: str, place: str, description: str, status: EventStatus, sequence: int
) -> None:
    ends = AT + timedelta(hours=1)
    written = CalendarEvent(uuid4(), status, sequence, AT, AT, ends, summary, place, description)
    event = read(write_event(written))
    texts = tuple(str(event[name]) for name in ("SUMMARY", "LOCATION", "DESCRIPTION"))
    assert texts == (summary, place, description)
    assert (str(event["UID"]), str(event["STATUS"])) == (str(written.id), status)
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (AT, ends)


def test_a_long_chinese_text_is_folded_between_characters() -> None:
    long = "十堰市春季人才招聘会" * 12
    written = CalendarEvent(uuid4(), EventStatus.CONFIRMED, 0, AT, AT, AT, long, "a;b,c\r\nd", long)
    raw = write_event(written)
    assert raw.count(b"\r\n ") >= 2 * (len(long.encode()) // MOST_OCTETS)
    event = read(raw)
    assert (str(event["SUMMARY"]), str(event["LOCATION"])) == (long, "a;b,c\nd")
