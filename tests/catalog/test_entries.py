"""Judging the catalogue: every fault names its file, its place and its cure."""

from dataclasses import replace
from typing import Any

import pytest

from app.catalog.errors import CatalogueInvalid
from app.catalog.service.entries import judge
from app.catalog.values import Catalogue, Kind, Source
from tests.catalog.conftest import guide, with_source

HERE = "config/catalogue/water-test.toml: services[0]"


def faults_of(catalogue: Catalogue) -> tuple[str, ...]:
    with pytest.raises(CatalogueInvalid) as refusal:
        judge(catalogue)
    return refusal.value.faults


def test_the_real_catalogue_has_no_fault(catalogue: Catalogue) -> None:
    judged = judge(catalogue)
    kinds = [entry.kind for entry in judged.entries]
    assert judged.faults == ()
    assert kinds.count(Kind.CATEGORY) == 13
    assert kinds.count(Kind.DEPARTMENT) >= 40
    assert kinds.count(Kind.SERVICE) >= 400
    assert kinds.count(Kind.SYNONYMS) == 1


def test_what_a_service_leaves_out_has_its_default(catalogue: Catalogue) -> None:
    judged = judge(with_source(catalogue, guide("water-test")))
    content = next(entry.content for entry in judged.entries if entry.id == "water-test")
    assert content == {
        **guide("water-test"),
        "audience": "both",
        "keywords": [],
        "conditions": [],
        "materials": [],
        "statutory_limit": None,
        "promised_limit": None,
        "fees": [],
        "channels": ["online"],
        "results": [],
    }


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"category": "lving"}, "category: there is no category 'lving'; name one of"),
        ({"department": "no-such"}, "department: there is no department 'no-such'; name one of"),
        ({"kind": "payable"}, 'kind: nobody provides a payable; write "guide"'),
        ({"action": "eat"}, "action: Must be one of: query, book, pay, handle; change"),
        ({"assurance": 3}, "assurance: Not a valid string; change that value"),
        ({"colour": "red"}, "colour: Unknown field; remove it, or mend its name"),
        ({"title": {"zh": "水"}}, "title.en: Missing data for required field; add it"),
        ({"keywords": ["水", " 水"]}, "keywords[1]: Must be one line of text"),
        (
            {"fees": [{"name": {"zh": "费"}, "amount": 1.5, "basis": {"zh": "规定"}}]},
            "fees[0].amount: Not a valid integer; change that value",
        ),
        ({"promised_limit": {"days": -1, "unit": "working"}}, "promised_limit.days: Must be"),
    ],
)
def test_a_fault_names_file_place_and_cure(
    catalogue: Catalogue, changes: dict[str, Any], fault: str
) -> None:
    found = faults_of(with_source(catalogue, guide("water-test", **changes)))
    assert len(found) == 1
    assert found[0].startswith(f"{HERE} (water-test): {fault}")


def test_an_id_is_kebab_case_and_short(catalogue: Catalogue) -> None:
    bad = [guide(name) for name in ("Water", "water_bill", "-a", "a" * 65, "水", "a b")]
    found = faults_of(with_source(catalogue, *bad))
    assert len(found) == len(bad)
    assert all(": id: Must be in kebab-case" in fault for fault in found)


def test_an_id_that_stands_twice_names_both_places(catalogue: Catalogue) -> None:
    found = faults_of(with_source(catalogue, guide("water-test"), guide("water-test")))
    where = "config/catalogue/water-test.toml: services"
    said = f"{where}[1]: the id 'water-test' stands in {where}[0] too; choose another"
    assert found == (said,)


def test_all_faults_of_all_files_are_told_at_once(catalogue: Catalogue) -> None:
    found = faults_of(
        replace(
            with_source(catalogue, guide("water-test", kind="payable")),
            categories=Source("config/categories.toml", {**catalogue.categories.table, "x": 1}),
            synonyms=Source("config/synonyms.toml", {"groups": [["水"]]}),
        )
    )
    assert [fault.split(":")[0] for fault in found] == [
        "config/categories.toml",
        "config/catalogue/water-test.toml",
        "config/synonyms.toml",
    ]


@pytest.mark.parametrize("table", [{}, {"categories": {"id": "living"}}])
def test_a_file_without_its_tables_is_a_fault(catalogue: Catalogue, table: dict[str, Any]) -> None:
    found = faults_of(replace(catalogue, categories=Source("config/categories.toml", table)))
    assert found[0] == "config/categories.toml: there are no [[categories]] tables; add them"


def test_a_fault_of_a_plugin_leaves_out_its_entry_only(catalogue: Catalogue) -> None:
    services = [guide("parking-good"), guide("parking-bad", category="nowhere"), "no table"]
    judged = judge(with_source(catalogue, *services, name="plugins/parking", is_plugin=True))
    ids = {entry.id for entry in judged.entries}
    assert "parking-good" in ids
    assert "parking-bad" not in ids
    assert judged.left_out == {"parking-bad"}
    assert [fault.split(": ")[:2] for fault in judged.faults] == [
        ["plugins/parking", "services[1] (parking-bad)"],
        ["plugins/parking", "services[2]"],
    ]


def test_a_plugin_cannot_take_the_id_of_another_service(catalogue: Catalogue) -> None:
    taken = guide("water-connection-application", title={"zh": "假的", "en": "Forged"})
    judged = judge(with_source(catalogue, taken, name="plugins/parking", is_plugin=True))
    kept = [e.content for e in judged.entries if e.id == "water-connection-application"]
    assert [content["title"]["zh"] for content in kept] == ["用水报装"]
    assert len(judged.faults) == 1
    assert "stands in config/catalogue/water-bureau.toml" in judged.faults[0]
