"""What other rooms and plug-ins are told about a citizen."""

from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.ids import new_id
from app.factory import Rooms
from app.identity import service
from app.sdk.context import DirectoryOfCitizens
from tests.conftest import World
from tests.factories import log_in, verify
from tests.identity.support import deps_of


def test_a_phone_is_told_until_the_account_is_closed(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    keyring = deps_of(rooms).keyring
    with rooms.units.open(actor="test") as uow:
        assert service.phone_of(uow, keyring, UUID(citizen.id)) == citizen.phone
        uow.execute(
            text("update citizens set status = 'closed' where id = :id"), {"id": citizen.id}
        )
        assert service.phone_of(uow, keyring, UUID(citizen.id)) is None
        assert service.phone_of(uow, keyring, new_id()) is None


def test_attributes_are_told_as_far_as_they_are_asked_for_and_proven(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    keyring, names = deps_of(rooms).keyring, {"name", "phone", "resident_id", "shoe_size"}
    with rooms.units.open(actor="test", read_only=True) as uow:
        before = service.attributes_of(uow, keyring, UUID(citizen.id), names)
    assert (before.assurance, before.values) == ("basic", {"phone": citizen.phone})
    person = verify(client, world, citizen)
    with rooms.units.open(actor="test", read_only=True) as uow:
        after = service.attributes_of(uow, keyring, UUID(citizen.id), names)
        fewer = service.attributes_of(uow, keyring, UUID(citizen.id), {"name"})
        none = service.attributes_of(uow, keyring, UUID(citizen.id), ())
    assert after.assurance == "verified"
    assert after.values == {
        "phone": citizen.phone,
        "name": person["name"],
        "resident_id": person["resident_id"],
    }
    assert fewer.values == {"name": person["name"]}
    assert none.values == {}


def test_two_plugins_know_a_citizen_by_different_names(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    directory = rooms.deps[DirectoryOfCitizens].directory
    one, two = (directory.view(name, UUID(citizen.id)) for name in ("one", "two"))
    assert one.reference == directory.view("one", UUID(citizen.id)).reference
    assert one.reference != two.reference
    assert (one.assurance, dict(one.attributes)) == ("basic", {})
    assert citizen.id not in one.reference
