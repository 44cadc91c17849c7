"""Linking a vehicle or a licence to a citizen who knows two facts of it."""

from contextlib import AbstractContextManager
from functools import partial
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import (
    AttemptLimit,
    Citizen,
    House,
    NotFound,
    Page,
    UnitOfWork,
    counted_attempt,
    mask_number,
    new_id,
)
from plugins.traffic.client import PoliceClient
from plugins.traffic.errors import (
    LicenceLinked,
    LicenceNotOwn,
    ProofMismatch,
    StudyNotProven,
    TooManyTries,
    TooManyVehicles,
)
from plugins.traffic.models import Allowance, Licence, Vehicle
from plugins.traffic.values import LinkedLicence, LinkedVehicle, NewVehicle

MAX_VEHICLES = 10
MAX_TRIES = 10
LINK = "link"
_VERIFIED = frozenset({"verified", "strong"})


def link_vehicle(house: House, uow: UnitOfWork, citizen: Citizen, wanted: NewVehicle) -> Vehicle:
    """Link a vehicle whose plate and engine number the police confirm; again returns the same.

    Raise `ProofMismatch` alike for an unknown plate and another engine, `TooManyTries` after ten
    attempts within an hour, and `TooManyVehicles`.
    """
    with attempt(house, LINK, citizen.reference):
        if PoliceClient.of(house).of_vehicle(wanted.plate, wanted.engine_tail) is None:
            raise ProofMismatch
    _lock(uow, LINK, citizen.reference)
    index = plate_index(house, uow, wanted.plate)
    mine = Vehicle.citizen_reference == citizen.reference
    known: Vehicle | None = uow.scalar(select(Vehicle).where(mine, Vehicle.plate_index == index))
    if known is not None:
        known.letterbox = citizen.letterbox
        return known
    if (uow.scalar(select(func.count()).select_from(Vehicle).where(mine)) or 0) >= MAX_VEHICLES:
        raise TooManyVehicles(f"At most {MAX_VEHICLES} vehicles can be linked.")
    vehicle_id = new_id()
    vehicle = Vehicle(
        id=vehicle_id,
        citizen_reference=citizen.reference,
        plate_index=index,
        plate_sealed=house.vault.seal(wanted.plate, place=f"vehicles|plate|{vehicle_id}"),
        engine_sealed=house.vault.seal(wanted.engine_tail, place=f"vehicles|engine|{vehicle_id}"),
        letterbox=citizen.letterbox,
    )
    uow.add(vehicle)
    uow.flush()
    return vehicle


def link_licence(house: House, uow: UnitOfWork, citizen: Citizen, archive: str) -> Licence:
    """Link the licence of a verified citizen, whose number is their resident ID.

    Raise `LicenceNotOwn` unless they are verified and let us see that number, `ProofMismatch`,
    `TooManyTries`, and `LicenceLinked` when another account holds it, or they another one.
    """
    number = citizen.attributes.get("resident_id")
    if citizen.assurance not in _VERIFIED or number is None:
        raise LicenceNotOwn
    with attempt(house, LINK, citizen.reference):
        found = PoliceClient.of(house).of_licence(number, archive)
        if found is None:
            raise ProofMismatch
    index = licence_index(house, uow, number)
    licence_id = new_id()
    uow.execute(
        insert(Licence)
        .values(
            id=licence_id,
            citizen_reference=citizen.reference,
            number_index=index,
            number_sealed=house.vault.seal(number, place=f"licences|number|{licence_id}"),
            archive_sealed=house.vault.seal(archive, place=f"licences|archive|{licence_id}"),
            licence_class=found.licence_class,
            issued_on=found.issued_on,
            letterbox=citizen.letterbox,
        )
        .on_conflict_do_nothing()
    )
    licence: Licence | None = uow.scalar(
        select(Licence).where(
            Licence.citizen_reference == citizen.reference, Licence.number_index == index
        )
    )
    if licence is None:
        raise LicenceLinked
    return licence


def list_vehicles(house: House, uow: UnitOfWork, citizen_reference: str) -> Page[LinkedVehicle]:
    """Return a citizen's vehicles, the first linked first."""
    mine = select(Vehicle).where(Vehicle.citizen_reference == citizen_reference)
    return Page([show_vehicle(house, row) for row in uow.scalars(mine.order_by(Vehicle.id))])


def find_vehicle(
    house: House, uow: UnitOfWork, citizen_reference: str, vehicle_id: UUID
) -> LinkedVehicle:
    """Return one of a citizen's vehicles, or raise `NotFound`."""
    mine = (Vehicle.id == vehicle_id, Vehicle.citizen_reference == citizen_reference)
    vehicle = uow.scalar(select(Vehicle).where(*mine))
    if vehicle is None:
        raise NotFound
    return show_vehicle(house, vehicle)


def unlink_vehicle(uow: UnitOfWork, citizen_reference: str, vehicle_id: UUID) -> None:
    """Forget that a citizen has a vehicle, or raise `NotFound`."""
    mine = (Vehicle.id == vehicle_id, Vehicle.citizen_reference == citizen_reference)
    if uow.scalar(delete(Vehicle).where(*mine).returning(Vehicle.id)) is None:
        raise NotFound


def find_licence(house: House, uow: UnitOfWork, citizen_reference: str) -> LinkedLicence:
    """Return a citizen's licence, or raise `NotFound`."""
    mine = select(Licence).where(Licence.citizen_reference == citizen_reference)
    licence = uow.scalar(mine)
    if licence is None:
        raise NotFound
    return show_licence(house, licence)


def unlink_licence(uow: UnitOfWork, citizen_reference: str) -> None:
    """Forget which licence a citizen has, or raise `NotFound`."""
    mine = delete(Licence).where(Licence.citizen_reference == citizen_reference)
    if uow.scalar(mine.returning(Licence.id)) is None:
        raise NotFound


def show_vehicle(house: House, vehicle: Vehicle) -> LinkedVehicle:
    """Return a vehicle as its citizen sees it."""
    return LinkedVehicle(
        id=vehicle.id,
        plate_masked=mask_plate(plate_of(house, vehicle)),
        linked_at=vehicle.linked_at,
        refreshed_at=vehicle.refreshed_at,
    )


def show_licence(house: House, licence: Licence) -> LinkedLicence:
    """Return a licence as its holder sees it."""
    number, _ = licence_facts(house, licence)
    return LinkedLicence(
        id=licence.id,
        number_masked=mask_number(number),
        licence_class=licence.licence_class,
        issued_on=licence.issued_on,
        linked_at=licence.linked_at,
        refreshed_at=licence.refreshed_at,
    )


def mask_plate(plate: str) -> str:
    """Return a plate with its middle hidden: place and the last two stay."""
    return plate[:2] + "*" * (len(plate) - 4) + plate[-2:]


def plate_of(house: House, vehicle: Vehicle) -> str:
    """Return the plate of a vehicle."""
    return house.vault.unseal(vehicle.plate_sealed, place=f"vehicles|plate|{vehicle.id}")


def licence_facts(house: House, licence: Licence) -> tuple[str, str]:
    """Return number and archive of a licence, the two facts by which the police know it."""
    number = house.vault.unseal(licence.number_sealed, place=f"licences|number|{licence.id}")
    archive = house.vault.unseal(licence.archive_sealed, place=f"licences|archive|{licence.id}")
    return number, archive


def plate_index(house: House, uow: UnitOfWork, plate: str) -> bytes:
    """Return the blind index under which a plate is found."""
    return house.vault.index(uow, "plate", plate)


def licence_index(house: House, uow: UnitOfWork, number: str) -> bytes:
    """Return the blind index under which a licence is found."""
    return house.vault.index(uow, "licence", number)


def attempt(
    house: House, kind: str, tried_by: str, *, most: int = MAX_TRIES
) -> AbstractContextManager[None]:
    """Count the enclosed question of the police as an attempt; one too many is `TooManyTries`.

    One that was answered counts for an hour, right or wrong.
    """
    limit = AttemptLimit(most, TooManyTries, wrong=(ProofMismatch, StudyNotProven))
    return counted_attempt(house, partial(_lock, kind=kind, tried_by=tried_by), limit)


def _lock(uow: UnitOfWork, kind: str, tried_by: str) -> Allowance:
    uow.execute(
        insert(Allowance).values(kind=kind, tried_by=tried_by, attempts=[]).on_conflict_do_nothing()
    )
    mine = select(Allowance).where(Allowance.kind == kind, Allowance.tried_by == tried_by)
    return uow.scalars(mine.with_for_update()).one()
