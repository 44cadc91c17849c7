"""Each planted fault still fits the tree, and changes what it says."""

import ast
import shutil
from pathlib import Path

import psycopg
import pytest

from proof.faults import FAULTS, Edit, Fault, FaultUnplantable, edited, patch
from proof.stage import ROOT
from tests.conftest import World


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_can_be_planted(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    assert fault.edits or fault.statements
    for edit in fault.edits:
        copy = tmp_path / edit.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / edit.file, copy)
    patch(tmp_path, fault)
    for edit in fault.edits:
        text = (tmp_path / edit.file).read_text()
        assert text != (ROOT / edit.file).read_text()
        ast.parse(text)


def test_a_fault_whose_text_is_gone_is_not_planted(tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text("one\none\n")
    for old in ("two\n", "one\n"):
        with pytest.raises(FaultUnplantable):
            patch(tmp_path, Fault("", frozenset(), edits=(Edit("file.py", old, ""),)))
    assert edited(tmp_path / "file.py", Edit("file.py", "one\none\n", "two\n")) == "two\n"


def test_the_indexes_that_a_fault_drops_are_there(world: World) -> None:
    dropped = [
        statement.removeprefix("drop index ")
        for fault in FAULTS.values()
        for statement in fault.statements
    ]
    with psycopg.connect(world.env["DATABASE_OWNER_URL"].replace("+psycopg", "")) as connection:
        found = connection.execute("select indexname from pg_indexes").fetchall()
    assert dropped
    assert {(name,) for name in dropped} <= set(found)
