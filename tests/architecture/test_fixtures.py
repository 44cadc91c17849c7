"""What the whole suite shares must not age: a slow machine outlives any token."""

import ast

from tests.architecture.source import dotted, files_of, tree_of

# None of these holds a token, a code, a challenge, a payment or anything else that ends by itself.
SHARED = {
    "_closed_network",
    "_tables",
    "app",
    "catalogue",
    "city_caller",
    "commands",
    "live",
    "note_events",
    "owner_url",
    "place",
    "rooms",
    "scratch",
    "services",
    "settings",
    "snapshot",
    "tiny",
    "world",
}
WIDE = {"session", "package"}


def scope_of(decorator: ast.expr) -> object:
    """Return the scope that a decorator gives a fixture, or nothing."""
    if not isinstance(decorator, ast.Call) or dotted(decorator.func) != "pytest.fixture":
        return None
    given = (keyword.value for keyword in decorator.keywords if keyword.arg == "scope")
    return next((value.value for value in given if isinstance(value, ast.Constant)), None)


def test_what_the_whole_suite_shares_does_not_age() -> None:
    found = {
        node.name
        for path in files_of("tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef)
        if any(scope_of(decorator) in WIDE for decorator in node.decorator_list)
    }
    assert found == SHARED, "a token lives ten minutes: let a test or a file have its own"
