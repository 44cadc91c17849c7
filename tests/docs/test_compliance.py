"""The table of what is asked of the product names only evidence that is there."""

from pathlib import Path

import pytest

from tools import compliance

ROW = """
[[part]]
title = "Things"
[[part.row]]
id = "X1"
source = "somewhere"
demand = "something"
"""


def table(tmp_path: Path, more: str) -> list[compliance.Part]:
    source = tmp_path / "table.toml"
    source.write_text(ROW + more, encoding="utf-8")
    return compliance.read(source)


def test_the_page_is_the_generated_one() -> None:
    assert compliance.PAGE.read_text(encoding="utf-8") == compliance.page(compliance.read())


def test_every_row_of_the_sources_is_there() -> None:
    ids = [row.id for part in compliance.read() for row in part.rows]
    wanted = [
        f"{letter}{n:02}"
        for letter, last in zip("MSFC", (28, 35, 12, 4), strict=True)
        for n in range(1, last + 1)
    ]
    assert ids == wanted


@pytest.mark.parametrize(
    "evidence",
    [
        "tests/docs/test_compliance.py::test_that_nobody_wrote",
        "tests/docs/test_that_nobody_wrote.py",
        "docs/nothing.md",
    ],
)
def test_evidence_that_is_not_there_is_named(tmp_path: Path, evidence: str) -> None:
    with pytest.raises(compliance.Faulty, match="X1: no such evidence"):
        table(tmp_path, f'evidence = ["{evidence}"]')


def test_a_row_that_says_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(compliance.Faulty, match="X1: says neither"):
        table(tmp_path, "")


@pytest.mark.parametrize(
    ("more", "standing"),
    [
        ('evidence = ["README.md"]', "met"),
        ('evidence = ["README.md"]\nlacks = "much"', "partly"),
        ('lacks = "everything"', "not met"),
    ],
)
def test_nothing_is_met_by_default(tmp_path: Path, more: str, standing: str) -> None:
    (part,) = table(tmp_path, more)
    assert part.rows[0].standing == standing
    assert f"| {standing} |" in compliance.page([part])
