"""Every code that a refusal can carry is known to its reader, in two languages."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.cli.problems import DOCUMENT, as_markdown
from app.core.errors import DomainError
from app.http.problems import known_kinds, own_codes, status_of
from config.settings import ROOT
from tests.architecture.source import files_of


def of_the_product(refusal: type[DomainError]) -> bool:
    """Say whether a refusal is the product's own, not a test's."""
    path = refusal.__module__.replace(".", "/")
    return any((ROOT / f"{path}{end}").is_file() for end in (".py", "/__init__.py"))


@pytest.fixture(scope="module")
def refusals(rooms: object) -> list[type[DomainError]]:
    return [refusal for refusal in own_codes() if of_the_product(refusal)]


def test_the_page_is_the_generated_one(refusals: list[type[DomainError]]) -> None:
    foreign = {r.code for r in own_codes()} - {r.code for r in refusals}
    kinds = [kind for kind in known_kinds() if kind.code not in foreign]
    assert DOCUMENT.read_text(encoding="utf-8") == as_markdown(kinds)


def test_every_code_in_the_source_is_on_the_page() -> None:
    """Read from the files, so that a module that nobody imported is not forgotten."""
    page = DOCUMENT.read_text(encoding="utf-8")
    codes = [
        code
        for path in files_of("app", "plugins")
        for code in re.findall(
            r'^    code = "([^"]+)"$', path.read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    assert len(codes) > 40
    assert [code for code in codes if f"| `{code}` |" not in page] == []


def test_a_code_means_one_thing(refusals: list[type[DomainError]]) -> None:
    """A plug-in may say what the house says; then it says the same."""
    meanings: dict[str, set[tuple[str, str, int]]] = {}
    for refusal in refusals:
        said = (refusal.title_zh, refusal.title_en, status_of(refusal()))
        meanings.setdefault(refusal.code, set()).add(said)
    assert {code: said for code, said in meanings.items() if len(said) > 1} == {}


def test_every_refusal_speaks_chinese_and_english(refusals: list[type[DomainError]]) -> None:
    for refusal in refusals:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", refusal.code), refusal
        assert re.search(r"[\u4e00-\u9fff]", refusal.title_zh), refusal
        assert re.fullmatch(r"[A-Z][\x20-\x7e]{5,80}", refusal.title_en), refusal
        assert (refusal.__doc__ or "").strip(), refusal


def test_every_code_has_an_address(client: FlaskClient, refusals: list[type[DomainError]]) -> None:
    for refusal in refusals:
        answer = client.get(f"/problems/{refusal.code}")
        assert answer.status_code == 200
        assert answer.json["code"] == refusal.code
        assert answer.json["title_zh"] == refusal.title_zh
    listed = client.get("/problems").json["items"]
    assert {item["code"] for item in listed} >= {refusal.code for refusal in refusals}
    assert listed == sorted(listed, key=lambda item: (item["status"], item["code"]))


def test_an_unknown_code_is_not_found(client: FlaskClient) -> None:
    answer = client.get("/problems/no-such-code")
    assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_the_page_lies_where_readers_look() -> None:
    assert Path(ROOT / "docs" / "problems.md") == DOCUMENT
