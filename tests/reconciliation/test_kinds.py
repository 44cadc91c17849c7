"""The table of kinds: fourteen, each in both languages, and the page written from it."""

from pathlib import Path

from flask.testing import FlaskClient

from app.cli.reconciliation import DOCUMENT, kinds_as_markdown
from app.factory import Rooms
from app.reconciliation import models
from app.reconciliation.service.tariffs import TariffsInvalid, parse_tariffs, read_tariffs
from app.reconciliation.values import KINDS, DifferenceKind, Tariff
from config.settings import ROOT
from tests.factories import bearer, staff_token


def test_there_are_fourteen_kinds_and_each_is_explained() -> None:
    assert len(KINDS) == len(DifferenceKind) == 14
    assert set(KINDS) == set(DifferenceKind)
    for card in KINDS.values():
        assert all((card.zh, card.en, card.when, card.ends))
        assert card.owner in {"finance", "payments", "department"}
    assert len({card.zh for card in KINDS.values()}) == 14


def test_postgresql_knows_the_same_kinds() -> None:
    for table in (models.Difference, models.ReconciliationFinding):
        (rule,) = [c for c in table.__table__.constraints if str(c.name).endswith("_kind")]
        assert all(f"'{kind}'" in str(rule.sqltext) for kind in DifferenceKind)  # type: ignore[attr-defined]


def test_the_page_is_written_from_the_table() -> None:
    text = kinds_as_markdown()
    assert Path(DOCUMENT).read_text(encoding="utf-8") == text
    assert all(f"| `{kind}` |" in text for kind in DifferenceKind)


def test_the_kinds_are_served(client: FlaskClient, rooms: Rooms) -> None:
    auditor = bearer(staff_token(rooms, "auditor"))
    items = client.get("/v1/reconciliation/kinds", headers=auditor).json["items"]
    assert [item["kind"] for item in items] == [str(kind) for kind in KINDS]


def test_the_tariffs_of_the_installation_can_be_read() -> None:
    tariffs = read_tariffs(ROOT / "config" / "tariffs.toml")
    assert tariffs["stripe"]["card"] == Tariff(340, 200)


def test_a_tariff_that_is_none_is_refused() -> None:
    for row in (
        {"basis_points": 1.5, "fixed": 0},
        {"basis_points": 1},
        {"basis_points": -1, "fixed": 0},
    ):
        try:
            parse_tariffs({"stripe": {"card": row}})
        except TariffsInvalid:
            continue
        raise AssertionError(row)
