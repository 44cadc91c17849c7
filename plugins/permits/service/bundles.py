"""The city's bundles, read strictly from `bundles/*.toml` when first asked for.

Every refusal is a `BundleBroken` that names the file, the key and the cure. A version that was
published never changes: `published.toml` keeps the digest of each, and their files stay.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from plugins.permits.errors import BundleNotFound
from plugins.permits.service.tables import BundleBroken, Table
from plugins.permits.values.bundles import (
    Answer,
    Bundle,
    Choice,
    Comparison,
    Condition,
    Deemed,
    FeeReturn,
    FieldKind,
    FormField,
    IssuePolicy,
    Limit,
    MaterialTemplate,
    Mode,
    Operator,
    Procedure,
    TaskTemplate,
)

_FOLDER = Path(__file__).parent.parent
_REGION = re.compile(r"[1-9][0-9]{5}")
_ORDERED = {FieldKind.NUMBER, FieldKind.DATE}


@dataclass(frozen=True, slots=True)
class Names:
    """What bundles may name of the city: departments with their short titles, and certificates."""

    departments: Mapping[str, str]
    certificates: frozenset[str]


def find_bundle(bundle_id: str, version: int | None = None) -> Bundle:
    """Return a bundle in a version, the newest by default, or raise `BundleNotFound`."""
    versions = load_bundles().get(bundle_id, {})
    if not versions:
        raise BundleNotFound
    try:
        return versions[max(versions) if version is None else version]
    except KeyError:
        raise BundleNotFound from None


def list_bundles() -> Sequence[Bundle]:
    """Return every bundle in its newest version, by id."""
    return [versions[max(versions)] for _, versions in sorted(load_bundles().items())]


@cache
def load_bundles() -> Mapping[str, Mapping[int, Bundle]]:
    """Return all bundles by id and version, read once; raise `BundleBroken` for any fault."""
    published = tomllib.loads((_FOLDER / "published.toml").read_text(encoding="utf-8"))
    return read_folder(_FOLDER / "bundles", published, load_names())


@cache
def load_names() -> Names:
    """Return what bundles may name, read once."""
    said = tomllib.loads((_FOLDER / "names.toml").read_text(encoding="utf-8"))
    return Names(said["departments"], frozenset(said["certificates"]))


def read_folder(
    folder: Path, published: Mapping[str, Mapping[str, str]], names: Names
) -> Mapping[str, Mapping[int, Bundle]]:
    """Return the bundles of a folder by id and version, each as it was published."""
    found: dict[str, dict[int, Bundle]] = {}
    for file in sorted(folder.glob("*.toml")):
        bundle = read_bundle(file.name, file.read_text(encoding="utf-8"), names)
        if file.stem not in {bundle.id, f"{bundle.id}-{bundle.version}"}:
            cure = f"name the file {bundle.id}.toml, or {bundle.id}-{bundle.version}.toml when old"
            raise BundleBroken(file.name, "id", cure)
        if bundle.version in found.setdefault(bundle.id, {}):
            raise BundleBroken(file.name, "version", "another file has it; give each its own")
        _check_published(file.name, bundle, published.get(bundle.id, {}))
        found[bundle.id][bundle.version] = bundle
    for bundle_id, versions in published.items():
        for version in versions:
            if int(version) not in found.get(bundle_id, {}):
                fault = "was published, and its file is gone; bring it back"
                raise BundleBroken("published.toml", f"{bundle_id}.{version}", fault)
    return found


def _check_published(where: str, bundle: Bundle, versions: Mapping[str, str]) -> None:
    known = versions.get(str(bundle.version))
    line = f'{bundle.version} = "{bundle.digest}"'
    if known is None:
        fault = f"is not published; write {line} under [{bundle.id}] of published.toml"
        raise BundleBroken(where, "version", fault)
    if known != bundle.digest:
        fault = "was published with another content; give the new one the next version, keep both"
        raise BundleBroken(where, "version", fault)


def read_bundle(where: str, text: str, names: Names) -> Bundle:
    """Return the bundle that a file says, or raise `BundleBroken`."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BundleBroken(where, "file", f"is not TOML: {error}") from None
    table = Table(where, "", said)
    fields: list[FormField] = []
    for entry in table.tables("fields"):
        fields.append(_field(entry, fields))
    materials = [_material(entry, fields, names) for entry in table.tables("materials")]
    bundle = Bundle(
        id=table.name("id"),
        version=table.whole("version"),
        title=table.title("title"),
        service=table.name("service"),
        lead=table.known("lead", names.departments, "department"),
        issue=table.enum("issue", IssuePolicy),
        intake=table.limit("intake"),
        fields=tuple(fields),
        materials=tuple(materials),
        tasks=tuple(
            _task(entry, fields, [each.id for each in materials], names)
            for entry in table.tables("tasks")
        ),
        source=table.text("source"),
        digest=_digest(said),
        partner=table.text("partner", "") or None,
    )
    table.done()
    if bundle.partner and not _REGION.fullmatch(bundle.partner):
        raise table.broken("partner", "is no code of GB/T 2260; write its six digits")
    _check_use(where, bundle)
    _check_graph(where, bundle)
    return bundle


def _digest(said: Mapping[str, object]) -> str:
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _field(table: Table, earlier: Sequence[FormField]) -> FormField:
    kind = table.enum("kind", FieldKind)
    field = FormField(
        id=table.name("id"),
        title=table.title("title"),
        kind=kind,
        required=table.flag("required", default=True),
        pattern=table.text("pattern", "") or None,
        lowest=table.answer("lowest", kind) if "lowest" in table else None,
        highest=table.answer("highest", kind) if "highest" in table else None,
        choices=tuple(_choice(entry) for entry in table.tables("choices")),
        when=_condition(table, earlier),
    )
    table.done()
    table.check_distinct("id", [*(each.id for each in earlier), field.id])
    table.check_distinct("choices", [each.id for each in field.choices])
    if (kind is FieldKind.CHOICE) != bool(field.choices):
        raise table.broken("choices", "belong to a field of kind choice, which has some")
    if field.pattern is not None:
        if kind is not FieldKind.TEXT:
            raise table.broken("pattern", "belongs to a field of kind text")
        try:
            re.compile(field.pattern, re.ASCII)
        except re.error as error:
            raise table.broken("pattern", f"is no regular expression: {error}") from None
    if (field.lowest, field.highest) != (None, None) and kind not in _ORDERED:
        raise table.broken("lowest", "and highest belong to numbers and dates")
    if field.lowest is not None and field.highest is not None and field.lowest > field.highest:  # type: ignore[operator]
        raise table.broken("lowest", "is above highest; exchange them")
    return field


def _choice(table: Table) -> Choice:
    choice = Choice(table.name("id"), table.title("title"))
    table.done()
    return choice


def _material(table: Table, fields: Sequence[FormField], names: Names) -> MaterialTemplate:
    certificate = "certificate" in table
    material = MaterialTemplate(
        id=table.name("id"),
        title=table.title("title"),
        required=table.flag("required", default=True),
        deferrable_days=table.whole("deferrable_days") if "deferrable_days" in table else None,
        certificate=table.known("certificate", names.certificates, "certificate")
        if certificate
        else None,
        when=_condition(table, fields),
    )
    table.done()
    return material


def _task(
    table: Table, fields: Sequence[FormField], materials: Sequence[str], names: Names
) -> TaskTemplate:
    field_ids = [field.id for field in fields]
    task = TaskTemplate(
        id=table.name("id"),
        title=table.title("title"),
        department=table.known("department", names.departments, "department"),
        limit=table.limit("limit"),
        source=table.text("source"),
        permit=table.known("permit", names.certificates, "certificate")
        if "permit" in table
        else None,
        mode=table.enum("mode", Mode, Mode.COPY_NOTICE),
        after=table.names("after"),
        after_any=table.names("after_any"),
        when=_condition(table, fields),
        fields=table.names("fields", field_ids, "field"),
        materials=table.names("materials", materials, "material"),
        deemed=table.enum("deemed", Deemed) if "deemed" in table else None,
        deemed_source=table.text("deemed_source", "") or None,
        procedures=_procedures(table),
        fee=table.whole("fee") if "fee" in table else None,
        fee_per=table.known("fee_per", field_ids, "field") if "fee_per" in table else None,
        fee_returned=tuple(
            table.to_enum("fee_returned", each, FeeReturn) for each in table.names("fee_returned")
        ),
        absent_agrees=table.flag("absent_agrees", default=False),
        invited=table.names("invited", names.departments, "department"),
    )
    table.done()
    if (task.deemed is None) != (task.deemed_source is None):
        raise table.broken("deemed_source", "and deemed go together: name the law")
    if task.mode is not Mode.JOINT_MEETING and (task.invited or task.absent_agrees):
        raise table.broken("invited", 'and absent_agrees need mode = "joint_meeting"')
    if task.fee is None and (task.fee_per or task.fee_returned):
        raise table.broken("fee", "is missing; fee_per and fee_returned speak of it")
    if task.fee_per is not None:
        _check_fee(table, task, next(each for each in fields if each.id == task.fee_per))
    return task


def _check_fee(table: Table, task: TaskTemplate, field: FormField) -> None:
    always = field.required and field.when in (None, task.when)
    if field.kind is not FieldKind.NUMBER or not always:
        raise table.broken("fee_per", "must be a number that is asked whenever the task applies")


def _procedures(table: Table) -> Mapping[Procedure, Limit]:
    inner = table.table("procedures")
    if inner is None:
        return {}
    return {inner.to_enum(key, key, Procedure): inner.limit(key) for key in inner}


def _condition(table: Table, fields: Sequence[FormField]) -> Condition | None:
    inner = table.table("when")
    if inner is None:
        return None
    keys = list(inner)
    if keys not in (["all"], ["any"]):
        raise table.broken("when", "has either all or any; write one of them")
    (key,) = keys
    comparisons = tuple(_comparison(entry, fields) for entry in inner.tables(key))
    if not comparisons:
        raise inner.broken(key, "is empty; name a comparison, or leave when out")
    return Condition(every=key == "all", of=comparisons)


def _comparison(table: Table, fields: Sequence[FormField]) -> Comparison:
    known = {field.id: field for field in fields}
    field = known[table.known("field", known, "field (of those before it)")]
    operators = [key for key in table if key != "field"]
    if len(operators) != 1:
        raise table.broken("field", "is compared once; write one of " + ", ".join(Operator))
    (key,) = operators
    operator = table.to_enum(key, key, Operator)
    if operator in {Operator.AT_LEAST, Operator.AT_MOST} and field.kind not in _ORDERED:
        raise table.broken(key, "compares numbers and dates only")
    value: Answer | tuple[Answer, ...]
    if operator is Operator.PRESENT:
        value = table.flag(key)
    elif operator is Operator.ONE_OF:
        value = tuple(table.to_answer(key, each, field.kind) for each in table.list(key))
    else:
        value = table.answer(key, field.kind)
    table.done()
    if field.kind is FieldKind.CHOICE and operator is not Operator.PRESENT:
        for each in value if isinstance(value, tuple) else (value,):
            table.check_known(key, each, [choice.id for choice in field.choices], "choice")
    return Comparison(field.id, operator, value)


def _check_graph(where: str, bundle: Bundle) -> None:
    names = [task.id for task in bundle.tasks]
    for task in bundle.tasks:
        for key, before in (("after", task.after), ("after_any", task.after_any)):
            unknown = set(before) - set(names)
            if unknown:
                fault = f"no task is named {min(unknown)!r}; name one of: {', '.join(names)}"
                raise BundleBroken(where, f"tasks.{task.id}.{key}", fault)
    graph = {task.id: {*task.after, *task.after_any} for task in bundle.tasks}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        fault = f"the tasks wait for each other ({circle}); take one of them away"
        raise BundleBroken(where, "tasks.after", fault) from None


def _check_use(where: str, bundle: Bundle) -> None:
    kinds = (
        ("tasks", [task.id for task in bundle.tasks], None),
        ("materials", [m.id for m in bundle.materials], [t.materials for t in bundle.tasks]),
        ("fields", [f.id for f in bundle.fields], [t.fields for t in bundle.tasks]),
    )
    for key, ids, uses in kinds:
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            raise BundleBroken(where, f"{key}.{twice}", "stands there twice; name each once")
        used = {name for use in uses for name in use} if uses is not None else set(ids)
        idle = next((name for name in ids if name not in used), None)
        if idle is not None:
            fault = "no task needs it; name it in a task, or do not ask for it"
            raise BundleBroken(where, f"{key}.{idle}", fault)
    if not bundle.tasks:
        raise BundleBroken(where, "tasks", "there is none; write one")
