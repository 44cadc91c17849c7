"""Rules of style that no tool knows; the others are ruff's (pyproject.toml)."""

import ast
from pathlib import Path

from tests.architecture.source import dotted, files_of, name_of, tree_of

CODE = ("app", "plugins", "config")
# Business time is asked in one file; the queue runs by the machine's clock, as its library does.
CLOCKS = {"app/core/clock.py"}
CLOCK_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
SENTENCE_ENDS = (".", ":", "?", "`")
LOADER = "app/host/loader.py"
IMPORTS = {"importlib.import_module", "import_module", "__import__"}
# What costs too much to import for those who never use it.
LATE = {
    "plugins/traffic/service/evidence.py",  # marking pictures
    "app/certificates/service/documents.py",  # drawing
    "app/core/papers/seal.py",  # signing
    "app/receipts/service/receipt_pdf.py",  # drawing
    "app/settlement/service/statement_pdf.py",  # drawing
}
# Where whatever foreign code raises is turned into something known.
CATCH_ALL = {
    "app/core/passkeys.py",  # what a browser sends
    "app/core/jobs.py",  # the worker: logs and lets the queue retry
    "app/core/migrate.py",  # a plug-in's migration
    "app/http/server.py",  # the server: the answer of an idempotency key
    "app/host/attention.py",  # what a plug-in does by the clock
    "app/host/gate.py",  # a plug-in's own operation
    "app/host/guard.py",  # a plug-in's provider
    "app/host/operators.py",  # a remote provider's operations
    "app/host/loader.py",  # a plug-in's code at start
    "app/host/roster.py",  # what a company's manifest makes impossible
    "app/host/rules_loaded.py",  # a plug-in's code under `plugins check`
}


def callers(paths: list[Path], names: set[str]) -> set[str]:
    """Return the files in which one of these is called."""
    return {
        name_of(path)
        for path in paths
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and dotted(node.func) in names
    }


def test_the_clock_is_asked_in_one_place() -> None:
    assert callers(files_of(*CODE), CLOCK_CALLS) == CLOCKS


def test_modules_are_imported_by_name_in_the_loader_only() -> None:
    assert callers(files_of(*CODE), IMPORTS) == {LOADER}


def test_nothing_is_printed_by_the_product() -> None:
    assert callers(files_of(*CODE), {"print", "sys.stdout.write"}) == set()


def test_a_module_begins_with_a_sentence() -> None:
    silent = [
        name_of(path)
        for path in files_of(*CODE, "sandbox", "bench")
        if tree_of(path).body and "migrations/versions" not in name_of(path)
        if (ast.get_docstring(tree_of(path)) or "").partition("\n\n")[0][-1:] not in SENTENCE_ENDS
    ]
    assert silent == []


def test_everything_else_is_imported_at_the_top() -> None:
    inside = {
        name_of(path)
        for path in files_of(*CODE)
        for function in ast.walk(tree_of(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert inside <= LATE


def test_everything_is_caught_only_where_foreign_code_runs() -> None:
    found = {
        name_of(path)
        for path in files_of(*CODE)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and _catches_all(node)
    }
    assert found - {"app/core/unit_of_work.py"} <= CATCH_ALL


def _catches_all(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(dotted(kind) in {"Exception", "BaseException"} for kind in named)
