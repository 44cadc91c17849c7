"""The rules about what a plug-in's code does when it is loaded: promises, tables, operations."""

import ast
from collections.abc import Callable, Iterator
from typing import TypeVar

from alembic.util import CommandError

from app.core import migrate
from app.core.migrate import History
from app.host.loader import blueprint_of, history_of, provider_class
from app.host.manifest import Fault, PluginRefused
from app.host.mount import try_mounting
from app.host.rules import Subject, broken
from app.http.blueprint import Blueprint
from app.sdk.provider import PersonalData, Provider

T = TypeVar("T")
_NO_CONTENT = {"204", "205", "304"}


def check(subject: Subject) -> Iterator[Fault]:
    """Find breaches of rules 4, 6, 7, 8 and 10."""
    manifest = subject.manifest
    faults: list[Fault] = []
    provider = _part(faults, 4, subject.file("provider.py"), lambda: provider_class(manifest))
    history = _part(faults, 6, subject.file("models.py"), lambda: history_of(manifest))
    blueprint = _part(faults, 8, subject.file("routes.py"), lambda: blueprint_of(manifest))
    yield from faults
    yield from _personal_data(subject, provider)
    if history is not None:
        yield from _tables(subject, history)
        yield from _migrations(subject, history)
    if blueprint is not None:
        yield from _operations(subject, blueprint)


def _part(faults: list[Fault], number: int, file: str, load: Callable[[], T | None]) -> T | None:
    """Return what a file holds; note what is wrong with it and return None."""
    try:
        return load()
    except PluginRefused as refused:
        faults += [broken(number, f.file, f.rule, f.cure) for f in refused.faults]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in's code may raise anything
        found = f"It cannot be loaded: {type(error).__name__}: {error}."
        faults.append(broken(number, file, found, "mend what the message names"))
    return None


def _personal_data(subject: Subject, provider: type[Provider] | None) -> Iterator[Fault]:
    if provider is None:
        return
    keeps, promises = subject.manifest.personal_data, issubclass(provider, PersonalData)
    if keeps and not promises:
        found = "`personal_data` is true, and the provider can neither export nor erase."
        cure = f"let {provider.__name__} inherit from sdk.PersonalData, too"
        yield broken(10, subject.file("provider.py"), found, cure)
    elif promises and not keeps:
        found = "The provider exports and erases, and `personal_data` is not true."
        yield broken(10, subject.manifest.file, found, "write `personal_data = true`")


def _tables(subject: Subject, history: History) -> Iterator[Fault]:
    for table in history.metadata.sorted_tables:
        if table.schema != history.schema:
            found = f"The table {table.name} lies in the schema {table.schema}."
            cure = "leave `schema` to Base"
            yield broken(6, subject.file("models.py"), found, cure)


def _migrations(subject: Subject, history: History) -> Iterator[Fault]:
    file = subject.file("migrations/versions")
    if subject.ground.owner_url is not None:
        try:
            migrate.check(subject.ground.owner_url, history)
        except CommandError as error:
            yield broken(7, file, f"{error}", "write the next migration, then migrate")
        return
    created = {
        node.args[0].value
        for path in sorted(history.folder.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"op.create_table", "op.rename_table"}
        and isinstance(node.args[0], ast.Constant)
    }
    for table in history.metadata.sorted_tables:
        if table.name not in created:
            found = f"No migration creates the table {table.name}."
            yield broken(7, file, found, "write the next migration")


def _operations(subject: Subject, blueprint: Blueprint) -> Iterator[Fault]:
    file = subject.file("routes.py")
    for path, item in try_mounting(blueprint)["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            name = f"{method.upper()} {path}"
            if not operation.get("summary"):
                cure = "write a docstring: its first line is the summary"
                yield broken(8, file, f"{name} has no summary.", cure)
            answers = {str(s): a for s, a in operation["responses"].items() if str(s)[0] in "23"}
            said = [bool(a.get("content")) or s in _NO_CONTENT for s, a in answers.items()]
            if not said or not all(said):
                cure = "add @blueprint.response(200, ThingSchema)"
                yield broken(8, file, f"{name} does not say what it answers.", cure)
