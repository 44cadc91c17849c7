"""Judges the catalogue's tables: every fault at once, each with its file and its cure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from marshmallow import Schema, ValidationError

from app.catalog.errors import CatalogueInvalid
from app.catalog.service.entry_schemas import (
    CategoryEntrySchema,
    DepartmentEntrySchema,
    ServiceEntrySchema,
    SynonymsEntrySchema,
)
from app.catalog.values import Catalogue, Entry, Kind, Source, Table

SYNONYMS_ID = "synonyms"
_CURES = {
    "Missing data for required field.": "add it",
    "Unknown field.": "remove it, or mend its name",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The valid entries; and the plug-in services that were left out, with their faults."""

    entries: tuple[Entry, ...]
    left_out: frozenset[str]
    faults: tuple[str, ...]


def judge(catalogue: Catalogue) -> Judged:
    """Return the valid entries, or raise `CatalogueInvalid` with every fault of our own files."""
    return _Judge().judged(catalogue)


class _Judge:
    """Collects the entries of one catalogue and what is wrong with them."""

    def __init__(self) -> None:
        self._found: dict[tuple[Kind, str], Entry] = {}
        self._places: dict[tuple[Kind, str], str] = {}
        self._faults: list[str] = []
        self._plugin_faults: list[str] = []

    def judged(self, catalogue: Catalogue) -> Judged:
        self._take_list(Kind.CATEGORY, catalogue.categories, "categories", CategoryEntrySchema())
        self._take_list(
            Kind.DEPARTMENT, catalogue.departments, "departments", DepartmentEntrySchema()
        )
        for source in catalogue.services:
            self._take_services(source)
        self._take_synonyms(catalogue.synonyms)
        if self._faults:
            raise CatalogueInvalid(self._faults)
        declared = {
            str(table.get("id"))
            for source in catalogue.services
            for table in source.table.get("services", ())
            if source.is_plugin and isinstance(table, Mapping)
        }
        taken = {name for kind, name in self._found if kind is Kind.SERVICE}
        return Judged(
            entries=tuple(self._found.values()),
            left_out=frozenset(declared - taken),
            faults=tuple(self._plugin_faults),
        )

    def _take_list(self, kind: Kind, source: Source, name: str, schema: Schema) -> None:
        for position, table in enumerate(self._tables(source, {name})):
            place = f"{source.name}: {name}[{position}]"
            content = self._load(source, place, schema, table)
            if content is not None:
                self._enter(source, place, kind, {**content, "position": position})

    def _take_services(self, source: Source) -> None:
        schema = ServiceEntrySchema()
        own = source.table.get("department")
        for position, table in enumerate(self._tables(source, {"services", "department"})):
            place = f"{source.name}: services[{position}]"
            whole = table if source.is_plugin else {"department": own, **table}
            content = self._load(source, place, schema, whole)
            if content is not None and self._makes_sense(source, place, content):
                self._enter(source, place, Kind.SERVICE, content)

    def _take_synonyms(self, source: Source) -> None:
        content = self._load(source, source.name, SynonymsEntrySchema(), source.table)
        if content is not None:
            self._found[Kind.SYNONYMS, SYNONYMS_ID] = Entry(Kind.SYNONYMS, SYNONYMS_ID, content)

    def _makes_sense(self, source: Source, place: str, content: Table) -> bool:
        faults = []
        for field, kind in (("category", Kind.CATEGORY), ("department", Kind.DEPARTMENT)):
            if (kind, content[field]) not in self._found:
                cure = f"name one of config/{_FILES[kind]}"
                faults.append(f"{field}: there is no {field} {content[field]!r}; {cure}")
        if not source.is_plugin and content["kind"] != "guide":
            cure = 'write "guide", or move the service to a plug-in that provides it'
            faults.append(f"kind: nobody provides a {content['kind']}; {cure}")
        for fault in faults:
            self._blame(source, f"{place} ({content['id']}): {fault}")
        return not faults

    def _enter(self, source: Source, place: str, kind: Kind, content: Table) -> None:
        key = (kind, content["id"])
        if key in self._found:
            first = self._places[key]
            self._blame(source, f"{place}: the id {key[1]!r} stands in {first} too; choose another")
            return
        self._found[key] = Entry(kind, key[1], content)
        self._places[key] = place

    def _load(self, source: Source, place: str, schema: Schema, table: object) -> Table | None:
        try:
            return cast("Table", schema.load(cast("Mapping[str, Any]", table)))
        except ValidationError as error:
            named = table.get("id") if isinstance(table, Mapping) else None
            where = f"{place} ({named})" if named else place
            for field, message in _flatten(error.messages, ""):
                cure = _CURES.get(message, "change that value")
                self._blame(source, f"{where}: {field}: {message.rstrip('.')}; {cure}")
            return None

    def _tables(self, source: Source, known: set[str]) -> list[Any]:
        """Return the tables of a file's one list, and blame it for what nobody reads."""
        name = max(known)
        tables = source.table.get(name)
        if not isinstance(tables, list):
            self._blame(source, f"{source.name}: there are no [[{name}]] tables; add them")
            return []
        if not source.is_plugin:
            for other in sorted(source.table.keys() - known):
                cure = _CURES["Unknown field."]
                self._blame(source, f"{source.name}: {other}: Unknown field; {cure}")
        return tables

    def _blame(self, source: Source, fault: str) -> None:
        (self._plugin_faults if source.is_plugin else self._faults).append(fault)


_FILES = {Kind.CATEGORY: "categories.toml", Kind.DEPARTMENT: "departments.toml"}


def _flatten(messages: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, dict):
        for name, inner in messages.items():
            deeper = f"[{name}]" if isinstance(name, int) else f".{name}"
            yield from _flatten(inner, place if name == "_schema" else place + deeper)
        return
    for message in messages if isinstance(messages, list) else [messages]:
        yield place.removeprefix("."), str(message)
