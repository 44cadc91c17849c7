"""The catalogue: complete, in both languages, with nothing personal in any field, and driven."""

import ast
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from app import cli
from app.audit.service import CatalogueInvalid, catalogue, list_events
from app.cli.audit import DOCUMENT, as_markdown
from app.core.trail import AuditEvent
from app.factory import Rooms
from tests.architecture.source import dotted, files_of, name_of, tree_of
from tests.audit.support import knock
from tests.conftest import World
from tests.factories import bearer, log_in, staff_token
from tests.trail_coverage import undriven

NAME = re.compile(r"[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLAIN = {str, int, bool, UUID, type(None)}
# What no field may be called: it would hold what the trail must not.
PERSONAL = re.compile(
    r"(^|_)(phone|number|resident|address|password|secret|token|code_typed|otp|birth|born|email)(_|$)"
)


def declared() -> dict[str, type[AuditEvent]]:
    """Return the classes of the catalogue by their name."""
    kinds = {line.name: line for line in list_events()}
    found: dict[str, type[AuditEvent]] = {}
    for kind in catalogue._subclasses(AuditEvent):  # noqa: SLF001 - the same walk
        is_ours = kind.__module__.startswith(("app.", "plugins."))
        if getattr(kind, "name", None) in kinds and is_ours:
            found[kind.name] = kind
    assert set(found) == set(kinds)
    return found


def test_every_event_says_what_it_means_in_both_languages() -> None:
    lines = list_events()
    assert len(lines) >= 6
    for line in lines:
        assert NAME.fullmatch(line.name), line
        assert CHINESE.search(line.title_zh), line
        assert not CHINESE.search(line.title_en), line
        assert line.meaning.endswith("."), line


def test_no_field_can_hold_anything_personal() -> None:
    for name, kind in declared().items():
        hints = get_type_hints(kind)
        for field in fields(kind):
            assert not PERSONAL.search(field.name), (name, field.name)
            assert is_plain(hints[field.name]), (name, field.name, hints[field.name])


def is_plain(hint: Any) -> bool:  # noqa: ANN401 - a type
    """Say whether a type holds ids, codes, counts, or collections of them."""
    if hint in PLAIN or hint is Ellipsis:
        return True
    origin = get_origin(hint)
    if origin is None:
        return False
    if str(origin) == "typing.Literal":
        return True
    return all(is_plain(inner) for inner in get_args(hint))


@pytest.mark.parametrize(
    ("hint", "plain"),
    [
        (str, True),
        (UUID | None, True),
        (Mapping[str, str], True),
        (tuple[str, ...], True),
        (float, False),
        (bytes, False),
        (dict, False),
        (list[float], False),
        (object, False),
    ],
)
def test_what_is_plain(hint: Any, plain: bool) -> None:  # noqa: ANN401, FBT001
    assert is_plain(hint) is plain


@pytest.mark.promise("M09")
def test_every_event_that_is_declared_is_told_somewhere(shows: Callable[[str], None]) -> None:
    """Not by its name: by a call in the code of the house."""
    called = {
        (dotted(node.func) or "").rpartition(".")[2]
        for path in files_of("app", "plugins")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
    }
    silent = [kind.__name__ for kind in declared().values() if kind.__name__ not in called]
    assert silent == []
    shows(f"{len(declared())} kinds of events declared, each told by code of the house")


def test_events_are_declared_in_the_rooms_events() -> None:
    places = {kind.__module__.rpartition(".")[2] for kind in declared().values()}
    assert places == {"events"}
    bases = {
        name_of(path)
        for path in files_of("app")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
        and any((dotted(base) or "").endswith("AuditEvent") for base in node.bases)
    }
    assert all(name.endswith("/events.py") for name in bases)


def run(rooms: Rooms, *arguments: str) -> Result:
    app = Flask("test")
    cli.register(app, rooms.settings, rooms)
    return app.test_cli_runner().invoke(args=["audit", "events", *arguments])


def test_the_page_is_what_the_code_says(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == as_markdown(list_events())
    assert run(rooms, "--check").exit_code == 0


def test_a_page_that_is_behind_is_noticed(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr("app.cli.audit.DOCUMENT", page)
    said = run(rooms, "--check")
    assert (said.exit_code, "out of date" in said.output) == (1, True)
    assert run(rooms).exit_code == 0
    assert page.read_text(encoding="utf-8") == as_markdown(list_events())
    assert run(rooms, "--check").exit_code == 0


def test_two_events_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = planted("app.one.events"), planted("app.two.events")
    monkeypatch.setattr(catalogue, "_subclasses", lambda _: iter([first, second]))
    with pytest.raises(CatalogueInvalid, match="are both planted"):
        list_events()


def test_an_event_without_a_sentence_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = planted("app.one.events")
    silent.__doc__ = None
    monkeypatch.setattr(catalogue, "_subclasses", lambda _: iter([silent]))
    with pytest.raises(CatalogueInvalid, match="does not say what it means"):
        list_events()


def planted(module: str) -> type[AuditEvent]:
    """Return an event of a module that does not exist."""

    def body(namespace: dict[str, Any]) -> None:
        namespace.update(
            __module__=module,
            __doc__="Something was planted.",
            name="planted.event",
            title_zh="种下",
            title_en="Planted",
        )

    return types.new_class("Planted", (), exec_body=body)


def test_what_was_not_driven_is_named() -> None:
    names = {line.name for line in list_events()}
    assert undriven(names) == []
    assert undriven(names - {"token.refused"}) == ["token.refused"]
    assert undriven(set()) == sorted(names)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaky(AuditEvent):
    """An event that was made by somebody who did not read the rule."""

    name: ClassVar[str] = "test.leaky"
    title_zh: ClassVar[str] = "泄漏"
    title_en: ClassVar[str] = "Leaky"

    who: str


def test_a_name_that_slips_in_undoes_the_unit(rooms: Rooms) -> None:
    with pytest.raises(ValueError, match="ids, codes and counts only"):  # noqa: SIM117
        with rooms.units.open(actor="test") as uow:
            uow.record(Leaky(who="李雷"))


@pytest.mark.promise("P51")
def test_the_auditor_reads_every_event_with_the_fields_of_its_kind(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    """Whatever the suite has told until now is as the catalogue says."""
    knock(rooms, 1)
    mine = log_in(client, world, rooms)
    client.get("/v1/audit/entries", headers=mine.auth)
    client.get("/v1/me", headers=bearer("a.b.c"))
    auditor = bearer(staff_token(rooms, "auditor"))
    client.get("/v1/audit/seals", headers=auditor)
    kinds = declared()
    seen: set[str] = set()
    cursor = ""
    while cursor is not None:
        page = client.get(f"/v1/audit/entries?limit=100{cursor}", headers=auditor).json
        for entry in page["items"]:
            kind = kinds.get(entry["event"])
            if kind is None:
                assert entry["event"].startswith("test."), entry
                continue
            own = {f.name for f in fields(kind)} - {"subject", "result"}
            assert set(entry["details"]) == own, entry
            seen.add(entry["event"])
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert seen >= {"access.refused", "staff.acted"}
    shows(f"{len(kinds)} kinds of events in the catalogue, {len(seen)} of them read back here")
