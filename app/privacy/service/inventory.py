"""The inventory of personal data: what each column is, whose, for what, and what closing does."""

import fnmatch
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Table

from app.core.migrate import History
from app.privacy.values import ABOUT_A_PERSON, Closing, Column, DataClass, TableEntry

FILE = "personal-data.toml"
_LISTED = (DataClass.PUBLIC, DataClass.INTERNAL, DataClass.SECRET)
_MEMBERS = {"purpose", "subject", "closing", "withheld", "kept", "blank", "sealed_by", "about"}


class InventoryInvalid(ValueError):
    """The inventory and the tables disagree; each fault names the column or table."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def read_inventory(house: Path, plugins: Path, histories: Iterable[History]) -> list[TableEntry]:
    """Return the inventory of every table there is, the house's first, by name.

    The house's stands in `house`, a plug-in's in its own folder. Raise `InventoryInvalid` with
    every column that has no class, every entry without a table, and what contradicts itself.
    """
    faults: list[str] = []
    entries: list[TableEntry] = []
    raw = _parse(house)
    patterns: Mapping[str, list[str]] = raw.get("patterns", {})
    for history in histories:
        if history.schema == "public":
            file, tables = house, raw.get("tables", {})
        else:
            file = plugins / history.name / FILE
            tables = _parse(file).get("tables", {}) if file.is_file() else {}
        entries += _of_history(file.name, history.metadata, tables, patterns, faults)
    if faults:
        raise InventoryInvalid(faults)
    return entries


def _parse(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _of_history(
    file: str,
    metadata: MetaData,
    declared: Mapping[str, Mapping[str, Any]],
    patterns: Mapping[str, list[str]],
    faults: list[str],
) -> Iterator[TableEntry]:
    known = {table.name: table for table in metadata.tables.values()}
    faults += [f"{file}: there is no table {name}" for name in declared if name not in known]
    for name, table in sorted(known.items()):
        raw = declared.get(name)
        if raw is None:
            faults.append(f"{file}: the table {table.fullname} is missing")
            continue
        entry = TableEntry(
            name=str(table.fullname),
            purpose=raw["purpose"],
            subject=raw.get("subject"),
            closing=Closing(raw.get("closing", Closing.KEEP)),
            withheld=raw.get("withheld"),
            kept=raw.get("kept"),
            sealed_by=raw.get("sealed_by", "vault"),
            blank=tuple(raw.get("blank", ())),
            columns=tuple(_columns(file, table, raw, patterns, faults)),
        )
        faults += [f"{file}: {name}: {fault}" for fault in _contradictions(entry, table, raw)]
        yield entry


def _columns(
    file: str,
    table: Table,
    raw: Mapping[str, Any],
    patterns: Mapping[str, list[str]],
    faults: list[str],
) -> Iterator[Column]:
    own: dict[str, tuple[DataClass, Mapping[str, str]]] = {}
    for data_class in DataClass:
        given = raw.get(data_class, ())
        own |= {
            name: (data_class, given[name] if data_class in ABOUT_A_PERSON else raw["purpose"])
            for name in given
        }
    names = {column.name for column in table.columns}
    faults += [f"{file}: {table.name} has no column {name}" for name in own if name not in names]
    for column in table.columns:
        found = own.get(column.name) or _by_pattern(column.name, raw, patterns)
        if found is None:
            faults.append(f"{file}: {table.name}.{column.name} has no class")
            continue
        yield Column(str(column.name), *found)


def _by_pattern(
    name: str, raw: Mapping[str, Any], patterns: Mapping[str, list[str]]
) -> tuple[DataClass, Mapping[str, str]] | None:
    for data_class in _LISTED:
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.get(data_class, ())):
            return data_class, raw["purpose"]
    return None


def _contradictions(entry: TableEntry, table: Table, raw: Mapping[str, Any]) -> Iterator[str]:
    """Find what an entry cannot mean."""
    unknown = sorted(raw.keys() - _MEMBERS - {*DataClass})
    if unknown:
        yield f"unknown members: {', '.join(unknown)}"
    personal = entry.names_of(*ABOUT_A_PERSON)
    if table.schema is not None:
        return  # a plug-in exports and erases by itself
    if personal and entry.subject is None and "about" not in raw:
        yield f"{', '.join(sorted(personal))}: whose it is is not said (`subject`)"
    if entry.closing is Closing.DELETE and entry.subject is None:
        yield "what is deleted at a closing is not said (`subject`)"
    if entry.closing is Closing.DELETE and table.info.get("append_only"):
        yield "the rows are there for good and cannot be deleted at a closing"
    names = {column.name for column in table.columns}
    if not set(entry.blank) <= names:
        yield f"{', '.join(sorted(set(entry.blank) - names))}: is no column that could be emptied"
    clear = {name for name in personal if not name.endswith("_sealed")}
    stays = entry.closing is Closing.KEEP and entry.kept is None and "about" not in raw
    if stays and clear:
        yield f"{', '.join(sorted(clear))}: would be readable after a closing"
    if stays and entry.sealed_by != "vault" and not personal <= set(entry.blank):
        yield "what is sealed with another key than the citizen's is readable after a closing"


def as_markdown(entries: Iterable[TableEntry]) -> str:
    """Return the page: one line for each column that is about a person, and the others' counts."""
    lines = [_HEAD]
    rest: list[str] = []
    for entry in entries:
        rows = [c for c in entry.columns if c.data_class in ABOUT_A_PERSON]
        counts = {
            data_class: sum(c.data_class is data_class for c in entry.columns)
            for data_class in _LISTED
        }
        told = ", ".join(f"{n} {data_class}" for data_class, n in counts.items() if n)
        rest.append(
            f"| `{entry.name}` | {entry.purpose['zh']} | {entry.purpose['en']} | {told} |\n"
        )
        ends = entry.kept or ("emptied" if entry.blank else "key destroyed")
        if entry.closing is Closing.DELETE:
            ends = "deleted"
        if entry.subject is None:
            ends = "by the plug-in" if "." in entry.name else "not a citizen's"
        lines += [
            f"| `{entry.name}.{row.name}` | {row.data_class} | {row.purpose['zh']} "
            f"| {row.purpose['en']} | {ends} | {_in_copy(entry)} |\n"
            for row in rows
        ]
    return "".join([*lines, _REST, *rest])


def _in_copy(entry: TableEntry) -> str:
    is_somebodys = entry.subject is not None or "." in entry.name
    return entry.withheld or ("yes" if is_somebodys else "no")


_HEAD = """\
# Personal data

Every column that is about a person: its class, for what it is kept, what becomes of it when the
account is closed, and whether the copy that a citizen can ask for holds it. Written from
`config/personal-data.toml` and each plug-in's own by `flask --app wsgi personal-data`; a column
without a class fails the tests.

Values in columns named `…_sealed` are encrypted with a key of the citizen's own, which is
destroyed when the account is closed.

| column | class | 用途 | purpose | at closing | in the copy |
|---|---|---|---|---|---|
"""
_REST = """
## Every table

The other columns, by class: *internal* are ids, states and moments; *public* may be shown to
anybody; *secret* are digests, blind indexes and keys, which nobody is shown.

| table | 用途 | purpose | other columns |
|---|---|---|---|
"""
