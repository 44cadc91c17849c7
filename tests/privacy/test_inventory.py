"""Every column there is has a class, and the page that says so is up to date."""

import re
from pathlib import Path

import pytest
from sqlalchemy import inspect

from app.core.db import Base
from app.core.migrate import house_history
from app.factory import Rooms
from app.http.openapi import document
from app.http.server import Server
from app.privacy.service import INVENTORY, InventoryInvalid, as_markdown, read_inventory
from app.privacy.values import ABOUT_A_PERSON, Closing, DataClass
from config.settings import ROOT

HOUSE = ROOT / "config" / INVENTORY
# Not ours: the queue's tables hold ids (tests/identity/test_secrecy.py), the other a number.
FOREIGN = r"procrastinate_\w+|schema_version"


def test_every_column_of_every_table_has_a_class(rooms: Rooms) -> None:
    entries = {entry.name: entry for entry in rooms.inventory()}
    with rooms.units.open(actor="test", read_only=True) as uow:
        inspector = inspect(uow.connection())
        for schema in {history.schema for history in rooms.histories}:
            for table in inspector.get_table_names(schema):
                if re.fullmatch(FOREIGN, table):
                    continue
                name = table if schema == "public" else f"{schema}.{table}"
                there = {column["name"] for column in inspector.get_columns(table, schema)}
                assert {column.name for column in entries[name].columns} == there, name


def test_what_is_sealed_is_personal_or_secret(rooms: Rooms) -> None:
    classes = ABOUT_A_PERSON | {DataClass.SECRET}
    for entry in rooms.inventory():
        for column in entry.columns:
            if column.name.endswith("_sealed"):
                assert column.data_class in classes, f"{entry.name}.{column.name}"
            if column.data_class in ABOUT_A_PERSON:
                assert column.purpose.keys() == {"zh", "en"}


def test_what_cannot_be_deleted_holds_nothing_readable_but_by_law(rooms: Rooms) -> None:
    tables = Base.metadata.tables
    for entry in rooms.inventory():
        table = tables.get(entry.name)
        if table is None or not table.info.get("append_only"):
            continue
        assert entry.closing is Closing.KEEP
        assert not entry.names_of(*ABOUT_A_PERSON) or entry.kept, entry.name


def test_the_page_is_up_to_date(rooms: Rooms) -> None:
    page = (ROOT / "docs" / "personal-data.md").read_text(encoding="utf-8")
    assert page == as_markdown(rooms.inventory()), "run: flask --app wsgi personal-data"


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("[tables.verifications]", "[tables.proofs]", "there is no table proofs"),
        ("[tables.verifications]", "[tables.proofs]", "the table verifications is missing"),
        ('internal = ["remote_reference"]', "", "verifications.remote_reference has no class"),
        ('internal = ["remote_reference"]', 'secret = ["x"]', "verifications has no column x"),
        ('internal = ["remote_reference"]', "colour = 1", "unknown members: colour"),
        ('subject = "principal_id = :citizen"', "", "whose it is is not said"),
        ('kept = "the log', 'withheld = "the log', "would be readable after a closing"),
        ("[tables.agreements]", '[tables.agreements]\nclosing = "delete"', "for good"),
    ],
)
def test_a_fault_of_the_inventory_is_named(
    tmp_path: Path, before: str, after: str, fault: str
) -> None:
    whole = HOUSE.read_text(encoding="utf-8")
    assert before in whole
    file = tmp_path / INVENTORY
    file.write_text(whole.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(InventoryInvalid) as caught:
        read_inventory(file, tmp_path, [house_history()])
    assert any(fault in said for said in caught.value.faults), caught.value.faults


def test_signing_up_takes_a_phone_and_nothing_else(app: Server) -> None:
    schemas = document(app.extensions["api"])["components"]["schemas"]
    assert schemas["NewChallenge"]["required"] == ["phone", "purpose"]
    asked = set(schemas["NewChallenge"]["properties"]) | set(schemas["NewSession"]["properties"])
    ways_in = {"password", "passkey"}  # of somebody who has signed up before
    assert asked - ways_in == {"phone", "purpose", "challenge_id", "code", "device"}
    assert not ways_in & set(schemas["NewSession"]["required"])
