"""Reads and validates what a plug-in says of itself, without running any of its code."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from marshmallow import Schema, ValidationError

from app.consent.values import Basis
from app.host.manifest_schema import SDK_SUPPORTED, ManifestSchema
from app.sdk.operations import Operation, build_operation
from app.sdk.registry import Closed, Page, Payee, Posting, Service

MANIFEST = "manifest.toml"
_CURES = {
    "Missing data for required field.": "add it",
    "Unknown field.": "remove it, or write its name as docs/plugins.md does",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a plug-in: where, which rule it breaks, and what mends it."""

    file: str
    rule: str
    cure: str

    def __str__(self) -> str:
        return f"{self.file}: {self.rule} Cure: {self.cure}."


class PluginRefused(Exception):
    """A plug-in cannot be taken in; the message names every fault."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """One service as the manifest declares it; `details` are the fields of the catalogue."""

    id: str
    title: Mapping[str, str]
    category: str
    department: str
    kind: Literal["payable", "application", "listing", "guide"]
    action: Literal["query", "book", "pay", "handle"]
    assurance: str
    keywords: tuple[str, ...]
    posting: Posting | None
    autopay: bool
    details: Mapping[str, Any]
    operations: tuple[Operation, ...] = ()

    @property
    def table(self) -> dict[str, Any]:
        """Return what the catalogue shows: all but what only the host needs."""
        return {
            **self.details,
            "id": self.id,
            "title": self.title,
            "category": self.category,
            "department": self.department,
            "kind": self.kind,
            "action": self.action,
            "assurance": self.assurance,
            "keywords": list(self.keywords),
        }


@dataclass(frozen=True, slots=True)
class AttributesBasis:
    """On which ground of the law a plug-in sees attributes without asking for consent."""

    basis: Basis
    purpose: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything the house knows of a plug-in before it runs a line of it."""

    folder: Path
    name: str
    title: Mapping[str, str]
    owner: str
    sdk: int
    provider: str | None
    settings: tuple[str, ...]
    tier: Literal["bronze", "silver"]
    personal_data: bool
    citizen_attributes: frozenset[str]
    attributes_basis: AttributesBasis | None
    payees: tuple[Payee, ...]
    entries: tuple[ServiceEntry, ...]
    page: Page | None = None

    @property
    def file(self) -> str:
        """Return the manifest's path as people name it."""
        return f"{self.folder.parent.name}/{self.folder.name}/{MANIFEST}"

    def variable(self, setting: str) -> str:
        """Return the environment variable of a setting: utilities, biller_url -> UTILITIES_…."""
        return f"{self.name}_{setting}".upper()

    def services(
        self,
        *,
        unavailable: Closed | None = None,
        paused: Mapping[str, Closed] | None = None,
        trial: Closed | None = None,
    ) -> tuple[Service, ...]:
        """Return the services for the registry, each marked with the reason if there is one.

        `unavailable` is why none can be used, `paused` why single ones cannot.
        """
        paused = paused or {}
        return tuple(
            Service(
                id=entry.id,
                plugin=self.name,
                title=entry.title,
                category=entry.category,
                department=entry.department,
                kind=entry.kind,
                action=entry.action,
                assurance=entry.assurance,
                keywords=entry.keywords,
                posting=entry.posting or "neither",
                autopay=entry.autopay,
                unavailable=unavailable or paused.get(entry.id),
                trial=trial,
                page=self._page_of(entry.id),
                operations=entry.operations,
            )
            for entry in self.entries
        )

    def _page_of(self, service_id: str) -> Page | None:
        if self.page is None:
            return None
        target = self.page.target_link_uri.replace("{service}", service_id)
        return replace(self.page, target_link_uri=target)

    @property
    def catalogue(self) -> Mapping[str, Any]:
        """Return the services as tables of the catalogue."""
        return {"services": [entry.table for entry in self.entries]}

    def ids_of(self, kind: str) -> frozenset[str]:
        """Return the ids of the services of a kind."""
        return frozenset(entry.id for entry in self.entries if entry.kind == kind)


def manifest_files(plugins_dir: Path) -> list[Path]:
    """Return the manifest of every plug-in in a folder, by the plug-in's name."""
    return sorted(plugins_dir.glob(f"*/{MANIFEST}"))


def ids_named(path: Path) -> frozenset[str]:
    """Return every id that a manifest names, also when it is no valid TOML."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return frozenset(re.findall(r"""^\s*id\s*=\s*["']([a-z0-9-]+)["']""", text, re.MULTILINE))


def read_manifest(path: Path) -> Manifest:
    """Return a valid manifest, or raise `PluginRefused` naming every fault."""
    file = f"{path.parent.parent.name}/{path.parent.name}/{path.name}"
    raw = read_toml(file, path)
    faults = [*_field_faults(file, raw), *_name_faults(file, raw, path.parent.name)]
    if not faults:
        faults = list(sense_faults(file, raw))
    if faults:
        raise PluginRefused(faults)
    return build_manifest(path.parent, raw)


def read_toml(file: str, path: Path) -> dict[str, Any]:
    """Return what stands in a file of a plug-in, or raise `PluginRefused`, which names `file`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        fault = Fault(file, f"It cannot be read: {error}.", "save it as UTF-8")
        raise PluginRefused([fault]) from error
    except tomllib.TOMLDecodeError as error:
        fault = Fault(file, f"It is not TOML: {error}.", "mend that line")
        raise PluginRefused([fault]) from error


def _field_faults(file: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    schema: Schema = ManifestSchema()
    try:
        schema.load(dict(raw))
    except ValidationError as error:
        for place, message in flatten(error.messages, ""):
            yield Fault(file, f"`{place}`: {message}", _CURES.get(message, "change that value"))


def flatten(messages: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield each place that a schema has refused, as `services[0].id`, and why."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            deeper = f"[{name}]" if isinstance(name, int) else f".{name}"
            yield from flatten(inner, place if name == "_schema" else place + deeper)
        return
    for message in messages if isinstance(messages, list) else [messages]:
        yield place.removeprefix("."), str(message)


def _name_faults(file: str, raw: Mapping[str, Any], folder: str) -> Iterator[Fault]:
    if raw.get("name") != folder:
        rule = f"`name` is {raw.get('name')!r}, the folder is {folder!r}: they must be equal."
        yield Fault(file, rule, "rename one of the two")


def sense_faults(file: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Find what each field allows by itself and the whole does not."""
    services, payees = raw.get("services", []), raw.get("payees", [])
    payable = [service["id"] for service in services if service["kind"] == "payable"]
    for what, things in (("services", services), ("payees", payees)):
        for name, times in Counter(thing["id"] for thing in things).items():
            if times > 1:
                rule = f"`{what}`: the id {name!r} stands {times} times."
                yield Fault(file, rule, "give each its own id")
    if "attributes_basis" in raw and not raw.get("citizen_attributes"):
        rule = "`attributes_basis`: there are no attributes that it could be a basis for."
        yield Fault(file, rule, "name them in `citizen_attributes`, or remove it")
    if "provider" not in raw and any(service["kind"] != "guide" for service in services):
        rule = "`provider`: only a plug-in whose services are all guides may go without."
        yield Fault(file, rule, "name the class of provider.py")
    if payable and not payees:
        rule = f"`payees`: {payable[0]} is payable, and nobody is named who gets the money."
        yield Fault(file, rule, "add a [[payees]] table with id, title and kind")
    for service in services:
        if (service["kind"] == "payable") != ("posting" in service):
            rule = f"`posting` of {service['id']}: a payable service has it, and no other."
            cure = "say what the biller promises: idempotent, queryable or neither"
            yield Fault(file, rule, cure if service["kind"] == "payable" else "remove it")
        if service.get("autopay") and service["kind"] != "payable":
            rule = f"`autopay` of {service['id']}: only what is payable can be paid by itself."
            yield Fault(file, rule, "remove it")


def build_manifest(folder: Path, raw: Mapping[str, Any]) -> Manifest:
    """Return the manifest that a valid table says, a plug-in's or a remote provider's.

    A remote one has neither settings nor a class here, and is judged by its badge, not by a tier.
    """
    return Manifest(
        folder=folder,
        name=raw["name"],
        title=raw["title"],
        owner=raw["owner"],
        sdk=raw.get("sdk", SDK_SUPPORTED),
        provider=raw.get("provider"),
        settings=tuple(raw.get("settings", ())),
        tier=raw.get("tier", "silver"),
        personal_data=raw.get("personal_data", False),
        citizen_attributes=frozenset(raw.get("citizen_attributes", ())),
        attributes_basis=_basis(raw.get("attributes_basis")),
        payees=tuple(Payee(p["id"], p["title"], p["kind"]) for p in raw.get("payees", ())),
        entries=tuple(_entry(service) for service in raw.get("services", ())),
        page=Page(**raw["entry"]) if "entry" in raw else None,
    )


def _basis(raw: Mapping[str, Any] | None) -> AttributesBasis | None:
    return None if raw is None else AttributesBasis(Basis(raw["basis"]), raw["purpose"])


def _entry(service: Mapping[str, Any]) -> ServiceEntry:
    shown = {"id", "title", "category", "department", "kind", "action", "assurance", "keywords"}
    own = shown | {"posting", "autopay", "operations"}
    return ServiceEntry(
        id=service["id"],
        title=service["title"],
        category=service["category"],
        department=service["department"],
        kind=service["kind"],
        action=service["action"],
        assurance=service["assurance"],
        keywords=tuple(service.get("keywords", ())),
        posting=service.get("posting"),
        autopay=service.get("autopay", False),
        details={name: value for name, value in service.items() if name not in own},
        operations=tuple(
            build_operation(one, service["assurance"]) for one in service.get("operations", ())
        ),
    )
