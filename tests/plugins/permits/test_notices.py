"""A citizen is told what others have done with their application, each thing once."""

from collections import Counter

from flask.testing import FlaskClient

from app.factory import Rooms
from plugins.permits.values.seats import SeatRole
from tests.conftest import World
from tests.factories import log_in
from tests.plugins.permits.answers import MOVING_ALONE
from tests.plugins.permits.cases import accept, finish, seat

POLICE = "public-security-bureau"


def test_a_citizen_hears_of_each_step_once(client: FlaskClient, world: World, rooms: Rooms) -> None:
    me = log_in(client, world, rooms)
    clerk, decider = seat(rooms, POLICE, SeatRole.CLERK), seat(rooms, POLICE, SeatRole.DECIDER)
    application = accept(rooms, me.id, "moving-in", MOVING_ALONE, clerk)
    finish(rooms, application, clerk, decider, "household-registration")
    items = client.get("/v1/me/inbox?limit=100", headers=me.auth).json["items"]
    told = [message for message in items if message["kind"].startswith("permits.")]
    assert Counter(message["kind"] for message in told) == {
        "permits.permit-accepted": 1,
        "permits.permit-decided": 3,
        "permits.permit-ended": 1,
    }
    words = "\n".join(str(message) for message in told)
    for title in ("准予迁入核准", "原户口所在地迁出协同办理", "落户登记"):
        assert f"“{title}”" in words
    assert clerk.id not in words
    assert MOVING_ALONE["new-address"] not in words
