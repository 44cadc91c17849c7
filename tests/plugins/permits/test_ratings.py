"""A rating is given once; a bad one goes round, and never through the hands it speaks of."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.sdk import now
from plugins.permits import service
from plugins.permits.models import Application, CalendarDay, Rating
from plugins.permits.provider import PermitsProvider
from plugins.permits.values.ratings import SUPERVISION, RatingWish
from plugins.permits.values.seats import SeatRole
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.plugins.permits.answers import MOVING_ALONE
from tests.plugins.permits.cases import Officer, accept, finish, house_of, seat, see
from tests.plugins.permits.clockwork import SERVICES, at
from tests.plugins.permits.worked_examples import shown

POLICE = "public-security-bureau"
DESK = "/v1/permits/desk/ratings"
WORDS = "跑了三趟"


@pytest.fixture
def me(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


@pytest.fixture
def clerk(rooms: Rooms) -> Officer:
    return seat(rooms, POLICE, SeatRole.CLERK, SeatRole.SUPERIOR)


@pytest.fixture
def decider(rooms: Rooms) -> Officer:
    return seat(rooms, POLICE, SeatRole.DECIDER)


@pytest.fixture
def done(rooms: Rooms, me: Citizen, clerk: Officer, decider: Officer) -> UUID:
    application = accept(rooms, me.id, "moving-in", MOVING_ALONE, clerk)
    assert finish(rooms, application, clerk, decider) == "completed"
    return application


def rate(client: FlaskClient, me: Citizen, application: UUID, **body: object) -> Any:  # noqa: ANN401
    path = f"/v1/permits/applications/{application}/rating"
    return client.post(path, json={"grade": 1, "words": WORDS} | body, headers=me.auth)


def act(client: FlaskClient, who: Officer, case: Any, step: str, **body: object) -> Any:  # noqa: ANN401
    path = f"{DESK}/{case['id']}/{step}"
    return client.put(path, json={"version": case["version"]} | body, headers=who.auth)


def cases(client: FlaskClient, who: Officer) -> list[dict[str, Any]]:
    return list(client.get(DESK, headers=who.auth).json["items"])


def test_a_bad_rating_goes_round_and_comes_back_answered(
    client: FlaskClient, rooms: Rooms, me: Citizen, clerk: Officer, decider: Officer, done: UUID
) -> None:
    supervisor = seat(rooms, SUPERVISION, SeatRole.SUPERVISOR)
    superior = seat(rooms, POLICE, SeatRole.SUPERIOR)
    rated = rate(client, me, done, indicators={"efficiency": 1, "convenience": 2})
    assert (rated.status_code, rated.json["status"]) == (201, "received")
    assert rate(client, me, done).json["code"] == "permit-already-rated"
    (case,) = [case for case in cases(client, supervisor) if case["words"] == WORDS]
    assert case["application_id"] is None
    assert (case["is_late"], case["indicators"]) == (False, {"efficiency": 1, "convenience": 2})
    # Who had a hand in the case sees nothing, however many seats they have.
    assert cases(client, clerk) == []
    assert client.get(f"{DESK}/{case['id']}", headers=clerk.auth).status_code == 404
    assert act(client, clerk, case, "contact").json["code"] == "permit-rating-not-found"
    for handler in (clerk, decider, supervisor):
        refused = act(client, supervisor, case, "assignment", staff_id=handler.id)
        assert refused.json["code"] == "permit-handler-not-free"
    case = act(client, supervisor, case, "assignment", staff_id=superior.id).json
    assert (case["status"], case["application_id"]) == ("assigned", None)
    assert client.get(f"{DESK}/{case['id']}", headers=superior.auth).json["is_mine"] is True
    assert act(client, supervisor, case, "closing").status_code == 409
    case = act(client, superior, case, "contact").json
    assert case["application_id"] == str(done)
    stale = act(client, superior, case | {"version": 1}, "answer", is_founded=True, words="x")
    assert stale.json["code"] == "permit-version-stale"
    case = act(client, superior, case, "answer", is_founded=True, words="已合并窗口").json
    assert (case["status"], case["answer"]) == ("rectified", "已合并窗口")
    assert act(client, superior, case, "call-back").status_code == 403
    case = act(client, supervisor, case, "call-back").json
    case = act(client, supervisor, case, "closing").json
    assert (case["status"], case["due_at"]) == ("closed", None)
    mine = client.get(f"/v1/permits/applications/{done}/rating", headers=me.auth).json
    assert (mine["status"], mine["answer"]) == ("closed", "已合并窗口")
    assert superior.id not in str(mine)
    inbox = client.get("/v1/me/inbox", headers=me.auth).json["items"]
    told = [message["kind"] for message in inbox if "rating" in message["kind"]]
    assert sorted(told) == ["permits.rating-answered", "permits.rating-contacted"]


def test_only_what_is_over_is_rated_and_not_for_ever(
    client: FlaskClient, world: World, rooms: Rooms, me: Citizen, clerk: Officer, done: UUID
) -> None:
    stranger = log_in(client, world, rooms)
    assert rate(client, stranger, done).json["code"] == "permit-application-not-found"
    going_on = accept(rooms, me.id, "moving-in", MOVING_ALONE, clerk)
    assert rate(client, me, going_on).json["code"] == "permit-not-ratable"
    with house_of(rooms).unit_of_work() as uow:
        long_ago = now() - timedelta(days=30, minutes=1)
        uow.execute(update(Application).where(Application.id == done).values(ended_at=long_ago))
    assert rate(client, me, done).json["code"] == "permit-not-ratable"
    place = f"/v1/permits/applications/{done}/rating"
    nothing = client.get(place, headers=me.auth).json
    assert (nothing["grade"], nothing["status"], nothing["indicators"]) == (None, None, {})
    assert nothing["until"] < nothing_later()
    other = f"/v1/permits/applications/{going_on}/rating"
    assert client.get(other, headers=me.auth).json["until"] is None
    assert rate(client, me, done, grade=6).status_code == 422
    assert rate(client, me, done, indicators={"smell": 1}).status_code == 422


def test_a_day_off_set_at_the_desk_does_not_count(rooms: Rooms, me: Citizen, done: UUID) -> None:
    with at("2025-08-06 15:59:10"):
        with house_of(rooms).unit_of_work() as uow:
            ended = update(Application).where(Application.id == done)
            uow.execute(ended.values(ended_at=now() - timedelta(days=1)))
            storm = date(2025, 8, 7)
            uow.add(
                CalendarDay(
                    day=storm, is_working=False, title="调整", source="台风", set_by=uuid4()
                )
            )
        with house_of(rooms).unit_of_work() as uow:
            wish = RatingWish(grade=1, indicators={}, words=WORDS)
            service.rate_application(
                house_of(rooms), uow, see(rooms, me.id).reference, done, SERVICES, wish
            )
    with house_of(rooms).unit_of_work() as uow:
        due_at = uow.scalars(select(Rating.due_at).where(Rating.application_id == done)).one()
    # An hour is left of Wednesday, nothing is of Thursday, and six hours are of Friday.
    assert shown(due_at) == "2025-08-08 16:00"


def nothing_later() -> str:
    """Return the present moment as the API writes moments."""
    return now().strftime("%Y-%m-%dT%H:%M:%SZ")


def row(application: UUID, **values: object) -> dict[str, Any]:
    moment = now()
    return {
        "id": uuid4(),
        "status": "received",
        "version": 1,
        "application_id": application,
        "citizen_reference": "somebody",
        "letterbox": "",
        "bundle": "moving-in",
        "department": POLICE,
        "ended_at": moment,
        "rated": [],
        "grade": 1,
        "indicators": {},
        "rated_at": moment,
        "due_at": moment,
    } | values


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("ck_ratings_not_the_rated", lambda: {"assigned_to": HAND, "rated": [str(HAND)]}),
        ("ck_ratings_called_back_by", lambda: {"assigned_to": HAND, "called_back_by": HAND}),
        ("ck_ratings_grade", lambda: {"grade": 0}),
        ("ck_ratings_recorded", lambda: {"grade": 3}),
        ("ck_ratings_due_at", lambda: {"due_at": None}),
        ("ck_ratings_assigned_to", lambda: {"status": "assigned"}),
        ("ck_ratings_rated_at", lambda: {"ended_at": now() - timedelta(days=31)}),
    ],
)
def test_postgresql_holds_what_is_promised(
    rooms: Rooms, done: UUID, name: str, broken: Callable[[], dict[str, Any]]
) -> None:
    with (
        pytest.raises(IntegrityError, match=name),
        house_of(rooms).unit_of_work() as uow,
    ):
        uow.execute(insert(Rating).values(row(done, **broken())))


HAND = uuid4()


def test_an_application_is_rated_once_whoever_writes(rooms: Rooms, done: UUID) -> None:
    with house_of(rooms).unit_of_work() as uow:
        uow.execute(insert(Rating).values(row(done)))
    with (
        pytest.raises(IntegrityError, match="uq_ratings_application_id"),
        house_of(rooms).unit_of_work() as uow,
    ):
        uow.execute(insert(Rating).values(row(done)))
    leap = (
        update(Rating)
        .where(Rating.application_id == done)
        .values(status="closed", version=2, due_at=None, assigned_to=HAND)
    )
    with (
        pytest.raises(IntegrityError, match="permits_rating cannot go from received to closed"),
        house_of(rooms).unit_of_work() as uow,
    ):
        uow.execute(leap)


def figures(client: FlaskClient) -> dict[str, Any]:
    lines = client.get("/v1/permits/ratings").json["items"]
    return dict(next(line for line in lines if line["bundle"] == "moving-in"))


def test_figures_are_public_from_ten_ratings_on(
    client: FlaskClient, rooms: Rooms, me: Citizen, clerk: Officer, decider: Officer
) -> None:
    with house_of(rooms).unit_of_work() as uow:
        uow.execute(delete(Rating))  # what other tests have left counts, too
    ended = [accept(rooms, me.id, "moving-in", MOVING_ALONE, clerk) for _ in range(11)]
    for application in ended:
        finish(rooms, application, clerk, decider)
    for application in ended[:9]:
        assert rate(client, me, application, grade=5).json["status"] == "recorded"
    few = figures(client)
    assert few.pop("bundle") == "moving-in"
    assert few.pop("is_enough") is False
    assert set(few.values()) == {None}
    assert rate(client, me, ended[9], indicators={"efficiency": 2}).status_code == 201
    ten = figures(client)
    assert ten == {
        "bundle": "moving-in",
        "is_enough": True,
        "ratings": 10,
        "content": 90,
        "grades": [10, 0, 0, 0, 90],
        "indicators": {},
        "closed": 0,
    }
    # One more alone would show what it says by the difference: it waits for nine others.
    assert rate(client, me, ended[10], grade=3).status_code == 201
    assert figures(client) == ten


def test_who_is_erased_takes_the_words_along(
    client: FlaskClient, rooms: Rooms, me: Citizen, done: UUID
) -> None:
    rate(client, me, done)
    provider, person = rooms.deps[PermitsProvider], see(rooms, me.id)
    (told,) = provider.export(person)["ratings"]  # type: ignore[misc]
    assert (told["words"], told["grade"]) == (WORDS, 1)
    provider.erase(person)
    with house_of(rooms).unit_of_work() as uow:
        (left,) = uow.scalars(select(Rating).where(Rating.application_id == done))
        rating_id = str(left.id)
        assert (left.citizen_reference, left.words_sealed, left.letterbox) == (None, None, "")
        assert left.grade == 1
    supervisor = seat(rooms, SUPERVISION, SeatRole.SUPERVISOR)
    assert all(case["id"] != rating_id for case in cases(client, supervisor))
