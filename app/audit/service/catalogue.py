"""The catalogue of audit events, read from the code: whatever a room declares is in it."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from app.core.trail import AuditEvent

_OURS = ("app.", "plugins.")
_COMMON = {"subject", "result"}


class CatalogueInvalid(ValueError):
    """Two events share a name, or one says nothing about itself."""


@dataclass(frozen=True, slots=True)
class CatalogueLine:
    """One event: its name, what it means, which room tells it, and what it adds."""

    name: str
    title_zh: str
    title_en: str
    room: str
    fields: tuple[str, ...]
    meaning: str


def list_events() -> list[CatalogueLine]:
    """Return every event of the house and its plug-ins, by name; raise `CatalogueInvalid`."""
    found: dict[str, type[AuditEvent]] = {}
    for kind in _subclasses(AuditEvent):
        if not kind.__module__.startswith(_OURS) or not hasattr(kind, "name"):
            continue
        other = found.get(kind.name)
        # A dataclass with slots is made twice; the second one is the class.
        if other is not None and _place(other) != _place(kind):
            raise CatalogueInvalid(f"{_place(other)} and {_place(kind)} are both {kind.name}")
        found[kind.name] = kind
    return [_line(found[name]) for name in sorted(found)]


def titles() -> dict[str, tuple[str, str]]:
    """Return what each event is called, in Chinese and English."""
    return {line.name: (line.title_zh, line.title_en) for line in list_events()}


def _line(kind: type[AuditEvent]) -> CatalogueLine:
    meaning = (kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ").strip()
    if not (meaning and kind.title_zh and kind.title_en):
        raise CatalogueInvalid(f"{_place(kind)} does not say what it means")
    parts = kind.__module__.split(".")
    return CatalogueLine(
        name=kind.name,
        title_zh=kind.title_zh,
        title_en=kind.title_en,
        room=parts[1],
        fields=tuple(f.name for f in fields(kind) if f.name not in _COMMON),
        meaning=" ".join(meaning.split()),
    )


def _place(kind: type[AuditEvent]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _subclasses(kind: type[AuditEvent]) -> Iterator[type[AuditEvent]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)
