"""Transactions begin and end in one file."""

import ast

import pytest

from tests.architecture.source import calls_of_methods, files_of, name_of, tree_of

ENDS = {"commit", "rollback", "begin"}
UNIT_OF_WORK = "app/core/unit_of_work.py"


def places(tree: ast.AST) -> list[int]:
    """Return the lines on which a transaction is begun or ended."""
    return [
        call.lineno
        for name, call in calls_of_methods(tree)
        if name in ENDS and ast.unparse(call.func) != "super().begin"  # an HTTP answer begins, too
    ]


@pytest.mark.parametrize(
    "line",
    [
        "uow.commit()",
        "super().commit()",
        "session.rollback()",
        "engine.begin()",
        "self.units.write.connect().commit()",
    ],
)
def test_a_planted_end_of_a_transaction_is_seen(line: str) -> None:
    assert places(ast.parse(f"def hidden(uow):\n    {line}\n")) == [2]


def test_only_the_unit_of_work_begins_and_ends_transactions() -> None:
    found = {name_of(p) for p in files_of("app", "plugins", "config") if places(tree_of(p))}
    assert found == {UNIT_OF_WORK}


def test_the_unit_of_work_commits_once() -> None:
    tree = next(tree_of(p) for p in files_of("app/core") if name_of(p) == UNIT_OF_WORK)
    commits = [call for name, call in calls_of_methods(tree) if name == "commit"]
    assert len(commits) == 1
