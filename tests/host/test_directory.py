from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.core.crypto import Keyring
from app.core.ids import new_id
from app.host.directory import PairwiseDirectory


@dataclass(frozen=True)
class Somebody:
    assurance: str
    values: Mapping[str, str]


def directory(asked: list[frozenset[str]]) -> PairwiseDirectory:
    def attributes_of(citizen_id: UUID, names: frozenset[str]) -> Somebody:
        asked.append(names)
        return Somebody("verified", {"name": "张伟", "phone": "+8613807190001"})

    keyring = Keyring(b"e" * 32, b"b" * 32, b"p" * 32)
    wanted = {"utilities": frozenset({"name"}), "traffic": frozenset()}
    return PairwiseDirectory(keyring, wanted, attributes_of)


def test_a_plugin_sees_the_attributes_its_manifest_names_and_no_others() -> None:
    asked: list[frozenset[str]] = []
    citizen = directory(asked).view("utilities", new_id())
    assert citizen.attributes == {"name": "张伟"}
    assert citizen.assurance == "verified"
    assert asked == [{"name"}]
    assert directory(asked).view("traffic", new_id()).attributes == {}
    assert directory(asked).view("unknown", new_id()).attributes == {}


def test_the_reference_is_stable_and_different_for_every_plugin_and_citizen() -> None:
    one, other = new_id(), new_id()
    house = directory([])
    assert house.view("utilities", one).reference == house.view("utilities", one).reference
    seen = {house.view(p, c).reference for p in ("utilities", "traffic") for c in (one, other)}
    assert len(seen) == 4
    assert all(str(citizen) not in reference for citizen in (one, other) for reference in seen)
