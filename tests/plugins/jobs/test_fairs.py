"""Job fairs: a seat is given once, comes back when it is not confirmed, and goes to who waits."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.sdk import Citizen, House, now
from plugins.jobs import service
from plugins.jobs.provider import JobsProvider
from plugins.jobs.values.fairs import NewFair, NewSlot
from tests.conftest import World
from tests.factories import later, log_in
from tests.plugins.jobs.conftest import DESK, Boss, Officer
from tests.plugins.jobs.rows import many, one, run
from tests.plugins.jobs.seekers import at_once, attempt, make_applicant

DAY, MINUTE = 86_400, 60
DEPARTMENT = "human-resources-bureau"
SEATED = (
    "select count(*) from plugin_jobs.fair_bookings"
    " where slot_id = :id and status in ('held', 'confirmed', 'checked_in')"
)


class Hall:
    """A published fair in five days, and what citizens do at one time of it."""

    def __init__(self, rooms: Rooms, house: House, capacity: int = 1) -> None:
        self.rooms, self.house = rooms, house
        starts = now() + timedelta(days=5)
        plan = NewFair(
            "春风行动", "Spring fair", "会展中心", starts, starts + timedelta(hours=6), 3
        )
        with house.unit_of_work() as uow:
            self.fair = service.plan_fair(uow, DEPARTMENT, plan).id
            service.publish_fair(uow, DEPARTMENT, self.fair)
        self.starts = starts
        self.slot = self.add(0, capacity)

    def add(self, hours: int, capacity: int) -> UUID:
        begins = self.starts + timedelta(hours=hours)
        slot = NewSlot(begins, begins + timedelta(hours=1), capacity)
        with self.house.unit_of_work() as uow:
            return service.add_slot(self.house, uow, DEPARTMENT, self.fair, slot).id

    def hold(self, who: Citizen) -> UUID:
        with self.house.unit_of_work() as uow:
            return service.hold_seat(self.house, uow, who, self.slot).id

    def try_to_hold(self, who: Citizen) -> str:
        return attempt(self.house, lambda uow: service.hold_seat(self.house, uow, who, self.slot))

    def confirm(self, who: Citizen, booking: UUID) -> str:
        return attempt(
            self.house,
            lambda uow: service.confirm_booking(uow, who.reference, booking),
        )

    def cancel(self, who: Citizen, booking: UUID) -> str:
        return attempt(
            self.house,
            lambda uow: service.cancel_booking(self.house, uow, who.reference, booking),
        )

    def wait(self, who: Citizen) -> str:
        return attempt(self.house, lambda uow: service.join_queue(self.house, uow, who, self.slot))

    def waits(self, who: Citizen) -> tuple[str, int, UUID | None]:
        (found,) = many(
            self.rooms,
            "select status, offers, booking_id from plugin_jobs.fair_waits"
            " where citizen_reference = :who",
            who=who.reference,
        )
        return found  # type: ignore[no-any-return]

    def attend(self) -> None:
        self.rooms.deps[JobsProvider].attend()


@pytest.fixture
def crowd(rooms: Rooms) -> list[Citizen]:
    return [make_applicant(rooms) for _ in range(6)]


@pytest.mark.promise("jobs")
def test_forty_confirm_at_once_and_seven_have_a_seat(
    rooms: Rooms, house: House, shows: Callable[[str], None]
) -> None:
    hall = Hall(rooms, house, capacity=7)

    def book(_: int) -> str:
        me = make_applicant(rooms)
        came = hall.try_to_hold(me)
        if came != "done":
            return came
        (booking,) = many(
            rooms,
            "select id from plugin_jobs.fair_bookings where citizen_reference = :who",
            who=me.reference,
        )
        with ThreadPoolExecutor(2) as twice:
            both = sorted(twice.map(lambda _: hall.confirm(me, booking), range(2)))
        assert both == ["done", "illegal-transition"]
        return "confirmed"

    with ThreadPoolExecutor(4) as pool:
        came = Counter(pool.map(book, range(40)))
    assert came == {"confirmed": 7, "fair-slot-full": 33}
    seats = "select seat from plugin_jobs.fair_bookings where slot_id = :id order by seat"
    assert many(rooms, seats, id=hall.slot) == [1, 2, 3, 4, 5, 6, 7]
    shows("40 at once at a time of 7 seats: 7 confirmed, 33 refused")


def test_a_hold_that_is_not_confirmed_is_free_again(
    rooms: Rooms, house: House, crowd: list[Citizen]
) -> None:
    hall = Hall(rooms, house)
    first, second, *_ = crowd
    held = hall.hold(first)
    assert hall.try_to_hold(first) == "fair-already-booked"
    assert hall.try_to_hold(second) == "fair-slot-full"
    with later(10 * MINUTE + 1):
        assert hall.confirm(first, held) == "fair-hold-over"
        with house.unit_of_work() as uow:
            (shown,) = service.list_slots(uow, hall.fair).items
        assert shown.free == 1  # though nobody has come to write it down
        assert hall.try_to_hold(second) == "done"
    states = "select status from plugin_jobs.fair_bookings where id = :id"
    assert one(rooms, states, id=held) == "expired"
    assert one(rooms, SEATED, id=hall.slot) == 1


def test_two_times_of_one_fair_at_once_are_one_seat(rooms: Rooms, house: House) -> None:
    hall = Hall(rooms, house, capacity=9)
    slots = (hall.slot, hall.add(1, 9))
    for _ in range(8):
        me = make_applicant(rooms)

        def hold(slot: UUID, me: Citizen = me) -> str:
            return attempt(house, lambda uow: service.hold_seat(house, uow, me, slot))

        came = at_once(lambda: hold(slots[0]), lambda: hold(slots[1]))
        assert sorted(came) == ["done", "fair-already-booked"]


def test_a_full_time_names_others(rooms: Rooms, house: House, crowd: list[Citizen]) -> None:
    hall = Hall(rooms, house)
    other = hall.add(1, 5)
    hall.hold(crowd[0])
    with house.unit_of_work() as uow, pytest.raises(Exception, match="free") as refused:
        service.hold_seat(house, uow, crowd[1], hall.slot)
    assert refused.value.extra == {"free_slots": [str(other)]}


def test_who_waits_is_offered_the_seat_alone_three_times_at_most(
    rooms: Rooms, house: House, crowd: list[Citizen]
) -> None:
    hall = Hall(rooms, house)
    owner, first, second, stranger, *_ = crowd
    assert hall.wait(first) == "fair-seats-free"
    held = hall.hold(owner)
    assert hall.confirm(owner, held) == "done"
    assert (hall.wait(first), hall.wait(second)) == ("done", "done")
    assert hall.wait(first) == "fair-already-waiting"
    assert hall.cancel(owner, held) == "done"
    status, offers, offered = hall.waits(first)
    assert (status, offers) == ("offered", 1)
    assert hall.try_to_hold(stranger) == "fair-slot-full"
    assert hall.confirm(second, offered) == "fair-booking-not-found"  # type: ignore[arg-type]
    with later(15 * MINUTE + 1):
        hall.attend()
        assert hall.waits(first)[:2] == ("waiting", 1)
        status, offers, offered = hall.waits(second)
        assert (status, offers) == ("offered", 1)
        assert hall.try_to_hold(stranger) == "fair-slot-full"
        assert hall.confirm(second, offered) == "done"  # type: ignore[arg-type]
    assert hall.waits(second) == ("taken", 1, None)
    assert hall.waits(first)[0] == "waiting"
    assert one(rooms, SEATED, id=hall.slot) == 1


def test_nobody_is_offered_a_fourth_time_nor_on_the_last_day(
    rooms: Rooms, house: House, crowd: list[Citizen]
) -> None:
    hall = Hall(rooms, house)
    owner, first, late, *_ = crowd
    held = hall.hold(owner)
    hall.confirm(owner, held)
    hall.wait(first)
    hall.cancel(owner, held)
    for n in range(1, 4):
        assert hall.waits(first)[:2] == ("offered", n)
        with later(n * (15 * MINUTE + 5)):
            hall.attend()
    assert hall.waits(first) == ("ended", 3, None)
    assert one(rooms, SEATED, id=hall.slot) == 0
    again = hall.hold(owner)
    hall.confirm(owner, again)
    assert hall.wait(late) == "done"
    with later(4 * DAY + 60):
        assert hall.wait(first) == "fair-waiting-closed"
        assert hall.cancel(owner, again) == "done"
        assert hall.waits(late)[0] == "waiting"  # nobody was offered it
        assert hall.try_to_hold(first) == "done"
        hall.attend()
        assert hall.waits(late)[0] == "ended"


def test_reminded_checked_in_or_missed(rooms: Rooms, house: House, crowd: list[Citizen]) -> None:
    hall = Hall(rooms, house, capacity=2)
    comes, stays, *_ = crowd
    bookings = [hall.hold(who) for who in (comes, stays)]
    for who, booking in zip((comes, stays), bookings, strict=True):
        assert hall.confirm(who, booking) == "done"
    reminded = (
        "select count(*) from plugin_jobs.fair_bookings"
        " where slot_id = :id and reminded_at is not null"
    )
    hall.attend()
    assert one(rooms, reminded, id=hall.slot) == 0

    def check_in(booking: UUID) -> str:
        return attempt(house, lambda uow: service.check_in(uow, DEPARTMENT, booking))

    with later(4 * DAY + 60):
        hall.attend()
        assert one(rooms, reminded, id=hall.slot) == 2
        assert check_in(bookings[0]) == "check-in-too-early"
    with later(5 * DAY + 60):
        assert check_in(bookings[0]) == "done"
        assert check_in(bookings[0]) == "illegal-transition"
        assert hall.cancel(stays, bookings[1]) == "fair-slot-over"
    with later(5 * DAY + 7 * 3_600):
        hall.attend()
        states = "select status from plugin_jobs.fair_bookings where slot_id = :id order by seat"
        assert many(rooms, states, id=hall.slot) == ["checked_in", "no_show"]
        fair = "select status from plugin_jobs.fairs where id = :id"
        assert one(rooms, fair, id=hall.fair) == "over"


def test_a_cancelled_fair_frees_everybody(rooms: Rooms, house: House, crowd: list[Citizen]) -> None:
    hall = Hall(rooms, house)
    owner, first, stranger, *_ = crowd
    hall.confirm(owner, hall.hold(owner))
    hall.wait(first)
    with house.unit_of_work() as uow:
        service.cancel_fair(uow, DEPARTMENT, hall.fair)
    assert hall.try_to_hold(stranger) == "fair-slot-over"
    hall.attend()
    assert one(rooms, SEATED, id=hall.slot) == 0
    assert hall.waits(first)[0] == "ended"


def test_nobody_is_reminded_of_a_cancelled_fair(
    rooms: Rooms, house: House, crowd: list[Citizen]
) -> None:
    hall = Hall(rooms, house)
    booking = hall.hold(crowd[0])
    hall.confirm(crowd[0], booking)
    stands = "select status, reminded_at is null from plugin_jobs.fair_bookings where id = :id"
    with later(4 * DAY + 60):
        with house.unit_of_work() as uow:
            service.cancel_fair(uow, DEPARTMENT, hall.fair)
        service.remind_of_fairs(house)  # before its turn in clearing has come
        assert one_row(rooms, stands, booking) == ("confirmed", True)
    with later(5 * DAY + 7 * 3_600):
        service.note_no_shows(house)
        assert one_row(rooms, stands, booking) == ("confirmed", True)
        hall.attend()
        assert one_row(rooms, stands, booking) == ("cancelled", True)


def one_row(rooms: Rooms, statement: str, record: UUID) -> tuple[str, bool]:
    (row,) = many(rooms, statement, id=record)
    return row  # type: ignore[no-any-return]


def test_seats_that_are_added_go_to_who_waits(
    rooms: Rooms, house: House, crowd: list[Citizen]
) -> None:
    hall = Hall(rooms, house)
    owner, first, second, stranger, *_ = crowd
    hall.confirm(owner, hall.hold(owner))
    assert (hall.wait(first), hall.wait(second)) == ("done", "done")
    assert hall.add(0, capacity=2) == hall.slot
    assert hall.waits(first)[:2] == ("offered", 1)
    assert hall.waits(second)[:2] == ("waiting", 0)
    assert hall.try_to_hold(stranger) == "fair-slot-full"


def test_who_books_elsewhere_at_that_moment_stops_nobody_from_giving_a_seat_back(
    rooms: Rooms, house: House, crowd: list[Citizen]
) -> None:
    hall = Hall(rooms, house)
    other = hall.add(1, 1)
    owner, first, second, *_ = crowd
    held = hall.hold(owner)
    hall.confirm(owner, held)
    assert (hall.wait(first), hall.wait(second)) == ("done", "done")
    with ThreadPoolExecutor(1) as pool:
        with house.unit_of_work() as uow:
            service.hold_seat(house, uow, first, other)
            given_back = pool.submit(hall.cancel, owner, held)
            sleep(0.5)  # the seat is on its way to whoever has just booked another
        assert given_back.result(timeout=60) == "done"
    assert hall.waits(first) == ("ended", 0, None)
    assert hall.waits(second)[:2] == ("offered", 1)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("update {b} set seat = 2 where slot_id = :id", "ck_fair_bookings_seat"),
        ("update {b} set capacity = 9 where slot_id = :id", "fk_fair_bookings_slot_id"),
        (
            (
                "insert into {b} select (jsonb_populate_record(null::{b}, to_jsonb(t)"
                " || jsonb_build_object('id', gen_random_uuid(), 'citizen_reference', 'x')))."
                "* from {b} t where slot_id = :id"
            ),
            "uq_fair_bookings_seat",
        ),
        ("update {b} set status = 'confirmed' where slot_id = :id", "ck_fair_bookings_hold_until"),
        ("update {b} set citizen_reference = null where slot_id = :id", "ck_fair_bookings_citizen"),
    ],
)
def test_statements_by_hand_overbook_nothing(
    rooms: Rooms, house: House, crowd: list[Citizen], statement: str, constraint: str
) -> None:
    hall = Hall(rooms, house)
    hall.hold(crowd[0])
    with pytest.raises(IntegrityError, match=constraint):
        run(rooms, statement.format(b="plugin_jobs.fair_bookings"), id=hall.slot)
    assert one(rooms, SEATED, id=hall.slot) == 1


def test_whoever_is_erased_gives_their_seat_to_the_next(
    rooms: Rooms, house: House, crowd: list[Citizen]
) -> None:
    hall = Hall(rooms, house)
    owner, first, *_ = crowd
    hall.confirm(owner, hall.hold(owner))
    hall.wait(first)
    provider = rooms.deps[JobsProvider]
    assert len(provider.export(owner)["fair_bookings"]) == 1  # type: ignore[arg-type]
    (waits,) = provider.export(first)["fair_waits"]  # type: ignore[misc,attr-defined]
    assert (waits["status"], waits["slot_id"]) == ("waiting", str(hall.slot))
    for _ in range(2):
        provider.erase(owner)
        assert not any(provider.export(owner).values())
    assert hall.waits(first)[0] == "offered"


def test_a_fair_over_http(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer, boss: Boss
) -> None:
    starts = now() + timedelta(days=9)
    plan = {
        "title_zh": f"专场{uuid4().hex[:6]}",
        "title_en": "Fair",
        "place": "会展中心",
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=3)).isoformat(),
        "booths": 1,
    }
    made = client.post(f"{DESK}/fairs", json=plan, headers=officer.headers)
    assert (made.status_code, made.json["status"]) == (201, "draft")
    fair = made.json["id"]
    assert client.get(f"/v1/jobs/fairs/{fair}").json["code"] == "fair-not-found"
    slot = {
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=1)).isoformat(),
        "capacity": 1,
    }
    added = client.post(f"{DESK}/fairs/{fair}/slots", json=slot, headers=officer.headers)
    assert (added.status_code, added.json["free"]) == (201, 1)
    slot_id = added.json["id"]
    me = log_in(client, world, rooms)
    hold = f"/v1/jobs/fair-slots/{slot_id}/bookings"
    assert client.post(hold, headers=me.auth).json["code"] == "fair-slot-not-found"
    published = client.post(f"{DESK}/fairs/{fair}/publication", headers=officer.headers)
    assert published.json["status"] == "published"
    booth = client.post(f"{boss.place}/booths", json={"fair_id": fair}, headers=boss.headers)
    assert (booth.status_code, booth.json["number"]) == (201, 1)
    again = client.post(f"{boss.place}/booths", json={"fair_id": fair}, headers=boss.headers)
    assert (again.status_code, again.json["code"]) == (409, "booth-already-booked")
    shown = client.get(f"/v1/jobs/fairs/{fair}").json
    assert shown["exhibitors"] == [
        {"employer_id": boss.employer, "employer": boss.name, "number": 1}
    ]
    held = client.post(hold, headers=me.auth)
    assert (held.status_code, held.json["status"]) == (201, "held")
    place = held.headers["Location"]
    assert client.post(f"{place}/confirmation", headers=me.auth).json["status"] == "confirmed"
    assert client.get(f"/v1/jobs/fairs/{fair}/slots").json["items"][0]["free"] == 0
    other = log_in(client, world, rooms)
    assert client.get(place, headers=other.auth).json["code"] == "fair-booking-not-found"
    full = client.post(hold, headers=other.auth)
    assert (full.status_code, full.json["code"]) == (409, "fair-slot-full")
    waits = client.post(f"/v1/jobs/fair-slots/{slot_id}/waits", headers=other.auth)
    assert waits.status_code == 201
    assert client.post(f"{place}/cancellation", headers=me.auth).json["status"] == "cancelled"
    (wait,) = client.get("/v1/jobs/fair-waits", headers=other.auth).json["items"]
    assert (wait["status"], wait["offers"]) == ("offered", 1)
    inbox = client.get("/v1/me/inbox", headers=other.auth).json["items"]
    assert [m["kind"] for m in inbox].count("jobs.fair-seat-offered") == 1
    offered = f"/v1/jobs/fair-bookings/{wait['booking_id']}/confirmation"
    assert client.post(offered, headers=other.auth).json["status"] == "confirmed"
    listed = client.get(f"{DESK}/fair-slots/{slot_id}/bookings", headers=officer.headers)
    assert [b["status"] for b in listed.json["items"]] == ["cancelled", "confirmed"]
    gone = client.delete(f"{boss.place}/booths/{booth.json['id']}", headers=boss.headers)
    assert gone.status_code == 204
    assert client.get(f"/v1/jobs/fairs/{fair}").json["exhibitors"] == []
