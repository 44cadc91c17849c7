"""docs/api-changelog.md speaks of this API: its version, and operations that there are."""

import re

from app.factory.web import API_VERSION
from app.http.server import Server
from tests.contract import contract_of
from tests.journeys.house import ROOT

PAGE = (ROOT / "docs" / "api-changelog.md").read_text(encoding="utf-8")
OPERATION = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/\S+)`")


def sections(text: str, level: str) -> dict[str, str]:
    """Return what stands under each heading of a level."""
    _, *parts = re.split(rf"^{level} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_newest_version_is_the_one_that_is_served() -> None:
    newest = next(iter(sections(PAGE, "##")))
    assert re.fullmatch(r"\d+\.\d+\.\d+ – (not released|\d{4}-\d{2}-\d{2})", newest)
    assert newest.split(" ")[0] == API_VERSION


def test_what_was_added_is_there_and_what_was_removed_is_not(app: Server) -> None:
    paths = contract_of(app).spec["paths"]
    there = {f"{m.upper()} {path}" for path, methods in paths.items() for m in methods}
    changes = sections(next(iter(sections(PAGE, "##").values())), "###")
    assert set(changes) <= {"Added", "Changed", "Deprecated", "Removed"}
    named = {
        kind: {f"{method} {path}" for method, path in OPERATION.findall(text)}
        for kind, text in changes.items()
    }
    assert named["Added"]
    for kind in ("Added", "Changed", "Deprecated"):
        assert named.get(kind, set()) <= there, kind
    assert not named.get("Removed", set()) & there


def test_what_is_deprecated_is_said_so(app: Server) -> None:
    paths = contract_of(app).spec["paths"]
    ending = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method != "parameters" and operation.get("deprecated")
    }
    assert ending <= deprecated_in(PAGE)


def deprecated_in(page: str) -> set[str]:
    """Return the operations whose end some version of the page announces."""
    said = (sections(one, "###").get("Deprecated", "") for one in sections(page, "##").values())
    return {f"{method} {path}" for text in said for method, path in OPERATION.findall(text)}


def test_what_was_only_added_is_not_said_to_end() -> None:
    page = "## 2\n### Added\n- `GET /a`\n### Deprecated\n- `GET /b`\n## 1\n### Added\n- `GET /b`\n"
    assert deprecated_in(page) == {"GET /b"}
