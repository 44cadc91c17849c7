"""The rules about what is written in a plug-in's files, read as syntax and never run."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core.db import schema_of
from app.host.manifest import Fault
from app.host.rules import Subject, broken

FLOOR_PLAN = (
    "events errors",
    "values",
    "models",
    "client gateway",
    "schemas service",
    "provider",
    "routes",
)
_LEVEL = {name: level for level, names in enumerate(FLOOR_PLAN) for name in names.split()}
_WEB = {"flask", "flask_smorest", "werkzeug"}
_HOUSE_ONLY = {
    *("stripe", "jwt", "redis", "procrastinate", "urllib3", "requests", "httpx", "socket"),
    *("sandbox", "config", "os", "subprocess", "importlib"),
}
_IMPORTERS = {"__import__", "exec", "eval"}
_SQL_MAKERS = ("text", "literal_column", "TextClause", "DDL")
_TABLE_OPERATIONS = {
    *("create_table", "drop_table", "add_column", "drop_column", "alter_column"),
    *("create_index", "drop_index"),
}


@dataclass(frozen=True, slots=True)
class _Source:
    """One Python file of a plug-in; `part` is its place in the floor plan."""

    path: Path
    file: str
    part: str
    tree: ast.Module

    @property
    def is_migration(self) -> bool:
        return self.part == "migrations"


def check(subject: Subject) -> Iterator[Fault]:
    """Find breaches of rules 5 and 6."""
    for path in sorted(subject.manifest.folder.rglob("*.py")):
        inside = path.relative_to(subject.manifest.folder)
        file = subject.file(str(inside))
        part = inside.parts[0].removesuffix(".py")
        if part not in {*_LEVEL, "__init__", "migrations"}:
            cure = f"move it into one of: {', '.join(sorted(_LEVEL))}"
            yield broken(5, file, f"{part!r} has no place in the floor plan.", cure)
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError) as error:
            yield broken(4, file, f"It is not Python: {error}.", "mend that line")
            continue
        source = _Source(path, file, part, tree)
        yield from _imports(subject, source)
        yield from _sql(subject, source)


def _imports(subject: Subject, source: _Source) -> Iterator[Fault]:
    for line, name in _imported(subject, source):
        cure = _refuses(subject.manifest.name, source, name)
        if cure is not None:
            yield broken(5, f"{source.file}:{line}", f"It imports {name}.", cure)


def _refuses(plugin: str, source: _Source, name: str) -> str | None:
    """Return the cure of a forbidden import, or None for one that is allowed."""
    root, *rest = name.split(".")
    refusals = (
        (root == "app" and rest[:1] != ["sdk"], "import from app.sdk"),
        (root == "app" and rest[1:2] == ["testing"], "keep app.sdk.testing for tests"),
        (root in _WEB and source.part != "routes", "keep HTTP in routes.py"),
        (root in _HOUSE_ONLY, "use what app.sdk gives: settings, http, unit_of_work"),
        (root == "plugins" and rest[:1] != [plugin], "plug-ins do not know each other"),
        (
            root == "plugins" and _climbs(source, "".join(rest[1:2])),
            f"{source.part} may import only what lies below it in the floor plan",
        ),
    )
    return next((cure for is_refused, cure in refusals if is_refused), None)


def _climbs(source: _Source, imported: str) -> bool:
    """Say whether an import inside the plug-in goes sideways or up."""
    top = len(FLOOR_PLAN)
    is_own = imported == source.part or source.is_migration
    return not is_own and _LEVEL.get(imported, -1) >= _LEVEL.get(source.part, top)


def _imported(subject: Subject, source: _Source) -> Iterator[tuple[int, str]]:
    """Find the full name of everything a file imports, wherever in it."""
    package = ["plugins", subject.manifest.name]
    package += source.path.parent.relative_to(subject.manifest.folder).parts
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in _IMPORTERS:
            yield node.lineno, "importlib"


def _sql(subject: Subject, source: _Source) -> Iterator[Fault]:
    schema = schema_of(subject.manifest.name)
    makers = _makers_of_sql(source.tree)
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        place, called = f"{source.file}:{node.lineno}", ast.unparse(node.func)
        name = called.rpartition(".")[2]
        if source.is_migration:
            if name in _TABLE_OPERATIONS and _named_schema(source, node) != schema:
                cure = f'add schema="{schema}"'
                yield broken(6, place, f"{called} names no schema, or another's.", cure)
        elif called in makers or name == "exec_driver_sql":
            cure = "build it with select(), insert() and their kin"
            yield broken(6, place, f"{called}() takes SQL written by hand.", cure)


def _makers_of_sql(tree: ast.Module) -> set[str]:
    """Return how a file calls the functions of SQLAlchemy that take SQL as text."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [a for a in node.names if a.name.split(".")[0] == "sqlalchemy"]
            found |= {f"{a.asname or a.name}.{maker}" for a in modules for maker in _SQL_MAKERS}
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("sqlalchemy"):
            found |= {a.asname or a.name for a in node.names if a.name in _SQL_MAKERS}
    return found


def _named_schema(source: _Source, node: ast.Call) -> object:
    """Return the schema that a table operation names, itself or by a constant of the file."""
    given = next((k.value for k in node.keywords if k.arg == "schema"), None)
    if isinstance(given, ast.Name):
        assigned = [n for n in source.tree.body if isinstance(n, ast.Assign)]
        names = {ast.unparse(n.targets[0]): n.value for n in assigned}
        given = names.get(given.id)
    return given.value if isinstance(given, ast.Constant) else None
