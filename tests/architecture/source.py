"""Reading the product's own source: which files there are, and what they say."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from config.settings import ROOT

TEMPLATES = ROOT / "app" / "host" / "template"


def files_of(*packages: str) -> list[Path]:
    """Return every Python file of the packages, but for the templates of new plug-ins."""
    found = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in found if not path.is_relative_to(TEMPLATES))


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    """Return a file's path as a rule would say it."""
    return path.relative_to(ROOT).as_posix()


def calls_of_methods(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield the name of every called attribute, with its call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, node


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of names, or nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""
