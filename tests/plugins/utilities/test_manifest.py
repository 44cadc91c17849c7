"""What the manifest tells the house is what the code does."""

import tomllib
from pathlib import Path
from typing import Any

import plugins.utilities
from app.factory import Rooms
from app.sdk.registry import Registry
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.values import BILLERS, Biller, reference_of, split_reference

FOLDER = Path(plugins.utilities.__file__).parent


def manifest() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "manifest.toml").read_text(encoding="utf-8"))


def posting(biller: Biller) -> str:
    if biller.honours_key:
        return "idempotent"
    return "queryable" if biller.offers_inquiry else "neither"


def test_every_biller_is_a_payee_and_has_its_service() -> None:
    declared = manifest()
    assert {p["id"]: p["title"] for p in declared["payees"]} == {
        biller.id: biller.title for biller in BILLERS.values()
    }
    told = {
        service["id"]: (service["department"], service["posting"], service["title"])
        for service in declared["services"]
    }
    assert told == {
        biller.service: (biller.department, posting(biller), biller.bill_title)
        for biller in BILLERS.values()
    }


def test_the_house_has_taken_it_in(rooms: Rooms) -> None:
    assert "utilities" not in rooms.hosted.quarantined
    plugin = rooms.hosted.plugins["utilities"]
    assert plugin.provider is rooms.deps[UtilitiesProvider]
    for biller in BILLERS.values():
        service, provider = rooms.deps[Registry].payable(biller.service)
        assert (service.plugin, service.assurance) == ("utilities", "basic")
        assert provider is plugin.guarded


def test_references_of_two_billers_never_collide() -> None:
    minted = {reference_of(biller, "B.1") for biller in BILLERS}
    assert len(minted) == len(BILLERS)
    assert {split_reference(reference)[0].id for reference in minted} == set(BILLERS)
    assert {split_reference(reference)[1] for reference in minted} == {"B.1"}


def test_the_longest_reference_fits() -> None:
    assert max(len(reference_of(biller, "B" * 51)) for biller in BILLERS) == 64
