"""The table of what is asked of the product and what shows that it is met: docs/compliance.md.

`python -m tools.compliance` writes the page from docs/compliance.toml, `--check` compares. Evidence
is a test (`tests/….py::name`), a page (`docs/….md`) or a file of the product; each has to be there.
A row without evidence, or with a `lacks`, says so in the page: nothing counts as met by default.
"""

import ast
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "docs" / "compliance.toml"
PAGE = ROOT / "docs" / "compliance.md"
_HEAD = """\
# What is asked, and what shows it

Written by `python -m tools.compliance` from `compliance.toml`; every test and page named here
exists. **Met** is what has evidence and lacks nothing that we know of; **partly** says what is
missing; **not met** is said as plainly. This is modelled after the texts that it names and is no
assessment by anybody else.

"""
_COLUMNS = "| row | source | what is asked | standing | evidence, and what is missing |"


class Faulty(Exception):
    """The table names evidence that is not there, or says too little."""


@dataclass(frozen=True, slots=True)
class Row:
    """One demand, the evidence for it, and what it lacks."""

    id: str
    source: str
    demand: str
    evidence: Sequence[str] = ()
    lacks: str = ""

    @property
    def standing(self) -> str:
        """Return how far the demand is met."""
        if not self.evidence:
            return "not met"
        return "partly" if self.lacks else "met"


@dataclass(frozen=True, slots=True)
class Part:
    """Demands of one kind of source."""

    title: str
    rows: Sequence[Row] = field(default_factory=list)


def read(source: Path = SOURCE) -> list[Part]:
    """Return the parts of the table; raise `Faulty` with every fault at once."""
    parts: list[dict[str, Any]] = tomllib.loads(source.read_text(encoding="utf-8"))["part"]
    table = [Part(part["title"], [Row(**row) for row in part["row"]]) for part in parts]
    rows = [row for part in table for row in part.rows]
    faults = [
        f"{row.id}: no such evidence: {e}" for row in rows for e in row.evidence if not is_there(e)
    ]
    faults += [
        f"{row.id}: says neither evidence nor what it lacks"
        for row in rows
        if not (row.evidence or row.lacks)
    ]
    faults += [f"{row.id} stands twice" for row in rows if [r.id for r in rows].count(row.id) > 1]
    if faults:
        raise Faulty("\n".join(faults))
    return table


def is_there(evidence: str) -> bool:
    """Say whether a test, page or file exists."""
    path, _, name = evidence.partition("::")
    if not (ROOT / path).exists():
        return False
    return not name or name in _names_in(ROOT / path)


@cache
def _names_in(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def page(table: Sequence[Part]) -> str:
    """Return the page."""
    rows = [row for part in table for row in part.rows]
    counts = [(s, sum(row.standing == s for row in rows)) for s in ("met", "partly", "not met")]
    text = _HEAD + f"{len(rows)} rows: " + ", ".join(f"{n} {s}" for s, n in counts) + ".\n"
    for part in table:
        text += f"\n## {part.title}\n\n{_COLUMNS}\n|---|---|---|---|---|\n"
        text += "".join(_line(row) for row in part.rows)
    return text


def _line(row: Row) -> str:
    shown = [f"`{e}`" if "::" in e else f"[{e}](../{e})" for e in row.evidence]
    words = (
        "; ".join(shown)
        + (". " if shown and row.lacks else "")
        + (f"Missing: {row.lacks}" if row.lacks else "")
    )
    return f"| {row.id} | {row.source} | {row.demand} | {row.standing} | {words} |\n"


def main(arguments: Sequence[str]) -> int:
    """Write or check the page; return the exit status."""
    try:
        text = page(read())
    except Faulty as fault:
        print(fault, file=sys.stderr)
        return 1
    if "--check" in arguments:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        print(
            "docs/compliance.md is not what docs/compliance.toml says: make openapi",
            file=sys.stderr,
        )
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
