"""Asking the police about a citizen's vehicles and licence, when our copy is old."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from app.sdk import House, Unavailable, now, within
from plugins.traffic.client import PoliceClient
from plugins.traffic.models import Licence, Vehicle
from plugins.traffic.service.linking import licence_facts, plate_of
from plugins.traffic.service.mirror import keep_cases

FRESH = timedelta(seconds=10)
"""How long our copy is good enough."""
RETRY = timedelta(seconds=2)
"""How long the police's system is left alone when it did not answer."""
WATCHED_EVERY = timedelta(hours=6)
"""How old our copy grows before the police are asked although nobody looks at it."""
_SECONDS, _WATCHING_SECONDS = 1.5, 3.0
_WATCHED_AT_ONCE = 30


def refresh(house: House, citizen_reference: str) -> None:
    """Ask the police about what a citizen has linked and was last asked about 10 s ago or more.

    Never raises because of the police: what is stored stays, and `refreshed_at` tells its age.
    """
    asked_at = now()
    linked: list[Vehicle | Licence] = []
    with house.unit_of_work() as uow:
        for kind in (Vehicle, Licence):
            mine = (kind.citizen_reference == citizen_reference, kind.ask_after <= asked_at)
            linked += uow.scalars(select(kind).where(*mine).order_by(kind.id))
    with within(_SECONDS):
        _ask(house, linked, asked_at)


def watch(house: House) -> None:
    """Ask the police about what nobody has looked at for hours, so that news are told as such.

    The longest unasked first, a bounded number; two workers take different ones.
    """
    asked_at = now()
    linked: list[Vehicle | Licence] = []
    with house.unit_of_work() as uow:
        for kind in (Vehicle, Licence):
            unasked = select(kind).where(
                kind.letterbox != "", kind.ask_after <= asked_at - WATCHED_EVERY
            )
            first = unasked.order_by(kind.ask_after).limit(_WATCHED_AT_ONCE)
            linked += uow.scalars(first.with_for_update(skip_locked=True))
        for thing in linked:
            thing.ask_after = asked_at
    with within(_WATCHING_SECONDS):
        _ask(house, linked, asked_at, again=now() + RETRY - WATCHED_EVERY)


def _ask(
    house: House,
    linked: Sequence[Vehicle | Licence],
    asked_at: datetime,
    again: datetime | None = None,
) -> None:
    """Ask about each; one that is not answered leaves the others for the next time."""
    client = PoliceClient.of(house)
    for place, thing in enumerate(linked):
        try:
            if isinstance(thing, Vehicle):
                _ask_vehicle(house, client, thing, asked_at)
            else:
                _ask_licence(house, client, thing, asked_at)
        except Unavailable:
            _leave_alone(house, linked[place:], again or now() + RETRY)
            return


def _ask_vehicle(house: House, client: PoliceClient, vehicle: Vehicle, asked_at: datetime) -> None:
    engine = house.vault.unseal(vehicle.engine_sealed, place=f"vehicles|engine|{vehicle.id}")
    cases = client.of_vehicle(plate_of(house, vehicle), engine)
    with house.unit_of_work() as uow:
        # None: sold, or its engine was changed. It shows what it showed, and nothing new.
        keep_cases(house, uow, cases or (), asked_at=asked_at)
        _note(uow.get(Vehicle, vehicle.id), asked_at)


def _ask_licence(house: House, client: PoliceClient, licence: Licence, asked_at: datetime) -> None:
    found = client.of_licence(*licence_facts(house, licence))
    with house.unit_of_work() as uow:
        if found is not None:
            keep_cases(
                house, uow, found.cases, asked_at=asked_at, licence_index=licence.number_index
            )
        _note(uow.get(Licence, licence.id), asked_at)


def _note(thing: Vehicle | Licence | None, asked_at: datetime) -> None:
    if thing is not None:  # it may have been unlinked meanwhile
        thing.ask_after = asked_at + FRESH
        thing.refreshed_at = asked_at
        thing.watched_since = thing.watched_since or asked_at


def _leave_alone(house: House, linked: Sequence[Vehicle | Licence], until: datetime) -> None:
    with house.unit_of_work() as uow:
        for thing in linked:
            found = uow.get(type(thing), thing.id)
            if found is not None:
                found.ask_after = until
