"""What a plug-in sees of a citizen: what law or consent allows, and each look is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from app.consent import service as consent
from app.consent.service import ConsentDeps
from app.core.crypto import Keyring
from app.core.ids import new_id
from app.core.pagination import PageRequest
from app.core.unit_of_work import UnitOfWork, Units
from app.factory import Rooms
from app.host.directory import PairwiseDirectory
from app.host.manifest import Manifest, read_manifest
from tests.consent.support import grant, make_agreement
from tests.host.plugins import MANIFEST, new_name

KNOWN = {"name": "张伟", "phone": "+8613807190001", "resident_id": "420302198503120017"}
LAW = """
attributes_basis = { basis = "statutory-duty", purpose = { zh = "停车执法", en = "Parking" } }
"""


@dataclass(frozen=True)
class Somebody:
    assurance: str
    values: Mapping[str, str]


class Directory:
    """A directory over the real consents, and what identity was asked for."""

    def __init__(
        self, rooms: Rooms, folder: Path, declared: str, deps: ConsentDeps | None = None
    ) -> None:
        self.name = new_name()
        place = folder / "plugins" / self.name
        place.mkdir(parents=True)
        text = MANIFEST.format(name=self.name).replace("settings = []", declared)
        (place / "manifest.toml").write_text(text, encoding="utf-8")
        manifests: dict[str, Manifest] = {self.name: read_manifest(place / "manifest.toml")}
        self.asked: list[frozenset[str]] = []
        keyring = Keyring(b"e" * 32, b"b" * 32, b"p" * 32)
        deps = deps or rooms.deps[ConsentDeps]
        self.view = PairwiseDirectory(keyring, manifests.get, self._attributes_of, deps).view

    def _attributes_of(self, uow: UnitOfWork, citizen_id: UUID, names: frozenset[str]) -> Somebody:
        self.asked.append(names)
        return Somebody("verified", KNOWN)

    def sees(self, citizen_id: UUID) -> set[str]:
        return set(self.view(self.name, citizen_id).attributes)


def told(rooms: Rooms, citizen_id: UUID) -> list[tuple[Any, ...]]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        page = consent.list_disclosures(uow, citizen_id, PageRequest(100))
    return [(d.consumer, d.basis, d.consent_id, d.attributes) for d in page.items]


def test_without_law_or_consent_nothing_is_seen_nor_opened(rooms: Rooms, tmp_path: Path) -> None:
    directory, citizen_id = Directory(rooms, tmp_path, 'citizen_attributes = ["name"]'), new_id()
    citizen = directory.view(directory.name, citizen_id)
    assert (citizen.attributes, citizen.assurance) == ({}, "verified")
    assert directory.asked == [frozenset()]
    assert directory.view("unknown", citizen_id).attributes == {}
    assert told(rooms, citizen_id) == []


def test_a_declared_basis_shows_what_the_manifest_names_and_no_more(
    rooms: Rooms, tmp_path: Path
) -> None:
    directory = Directory(rooms, tmp_path, f'citizen_attributes = ["name", "phone"]{LAW}')
    citizen_id = new_id()
    assert directory.view(directory.name, citizen_id).attributes == {
        "name": "张伟",
        "phone": "+8613807190001",
    }
    assert directory.asked == [{"name", "phone"}]
    assert told(rooms, citizen_id) == [
        (f"plugin:{directory.name}", "statutory-duty", None, ["name", "phone"])
    ]


def test_a_consent_shows_what_it_covers_while_it_lives(rooms: Rooms, tmp_path: Path) -> None:
    directory = Directory(rooms, tmp_path, 'citizen_attributes = ["name", "resident_id"]')
    citizen_id, consumer = new_id(), f"plugin:{directory.name}"
    given = grant(rooms, citizen_id, consumer, make_agreement(rooms))
    assert directory.sees(citizen_id) == {"name"}
    assert directory.sees(new_id()) == set()
    assert told(rooms, citizen_id) == [(consumer, "consent", given, ["name"])]
    with rooms.units.open(actor="test") as uow:
        consent.withdraw_consent(uow, citizen_id, given)
    assert directory.sees(citizen_id) == set()
    assert len(told(rooms, citizen_id)) == 1


def test_looks_within_one_request_are_told_once(rooms: Rooms, tmp_path: Path) -> None:
    directory = Directory(rooms, tmp_path, f'citizen_attributes = ["name"]{LAW}')
    citizen_id = new_id()
    for _ in range(2):
        with rooms.units.open(actor="test", read_only=True, request_id=str(new_id())):
            assert directory.sees(citizen_id) == directory.sees(citizen_id) == {"name"}
    assert len(told(rooms, citizen_id)) == 2


def test_what_is_not_recorded_is_not_shown(rooms: Rooms, tmp_path: Path) -> None:
    units = rooms.units
    broken = ConsentDeps(Units(units.read, units.read, units.outbox))
    declared = f'citizen_attributes = ["name"]{LAW}'
    directory, citizen_id = Directory(rooms, tmp_path, declared, broken), new_id()
    with pytest.raises(DBAPIError, match="read-only transaction"):
        directory.sees(citizen_id)
    assert told(rooms, citizen_id) == []


def test_the_reference_is_stable_and_different_for_every_plugin_and_citizen(
    rooms: Rooms, tmp_path: Path
) -> None:
    one, other = new_id(), new_id()
    view = Directory(rooms, tmp_path, "settings = []").view
    assert view("utilities", one).reference == view("utilities", one).reference
    seen = {view(p, c).reference for p in ("utilities", "traffic") for c in (one, other)}
    assert len(seen) == 4
    assert all(str(citizen) not in reference for citizen in (one, other) for reference in seen)
