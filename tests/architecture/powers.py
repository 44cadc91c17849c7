"""Who can call, what the marks of an operation promise each of them, and bodies that fit."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.core.tokens import Principal
from app.http.blueprint import Access, access_of
from tests.architecture.operations import Operation

THROUGH = "through"
"""The door let the caller in: the answer is the operation's own."""

DOOR_CODES = {
    "unauthenticated",
    "token-invalid",
    "forbidden",
    "insufficient-scope",
    "acting-not-allowed",
    "assurance-too-low",
    "step-up-required",
}
PUBLIC_THINGS = {
    "service_id",
    "department_id",
    "biller_id",
    "operation_path",
    "code",
    "name",
    "agreement_id",
    "year",
    "material_id",
}
"""Path parameters that name what everybody may read."""

_SAFE_TEXT = "Example"


@dataclass(frozen=True)
class Caller:
    """Somebody with a token, or nobody."""

    name: str
    headers: Mapping[str, str]
    who: Principal | None


def marks_of(app: Flask, operation: Operation) -> Access:
    """Return the access marks that the server itself goes by."""
    rule = next(
        r
        for r in app.url_map.iter_rules()
        if r.rule == operation.rule and operation.method in (r.methods or ())
    )
    view = app.view_functions[rule.endpoint]
    kind = getattr(view, "view_class", None)
    return access_of(getattr(kind, operation.method.lower(), view) if kind else view)


def promised(access: Access, who: Principal | None) -> str:  # noqa: PLR0911 - one a refusal
    """Return what an operation's marks promise a caller: a refusal's code, or `THROUGH`."""
    if access.public:
        return THROUGH
    if who is None:
        return "unauthenticated"
    needed = access.permission or access.integrator_scope
    if needed is not None:
        kind = "staff" if access.permission else "integrator"
        if who.kind != kind or needed not in who.permissions:
            return "forbidden"
    elif who.kind == "guest" and access.guest:
        return THROUGH
    elif who.kind != "citizen":
        return "forbidden"
    elif who.scopes is not None and access.scope not in who.scopes:
        return "insufficient-scope"
    elif who.mandate is not None and not (access.acting and who.mandate.allows(access.acting)):
        return "acting-not-allowed"
    elif not who.reaches(access.assurance):
        return "assurance-too-low"
    return "step-up-required" if access.step_up and not who.is_stepped_up else THROUGH


def seen(answer: TestResponse) -> str:
    """Return what a caller got: the code of the door's refusal, or `THROUGH`."""
    code = answer.json.get("code") if answer.is_json and isinstance(answer.json, dict) else None
    return code if code in DOOR_CODES else THROUGH


def resolve(spec: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a node of the document behind its reference."""
    while "$ref" in node:
        found: Any = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def body_schema(spec: Mapping[str, Any], operation: Operation) -> Mapping[str, Any] | None:
    """Return the schema of an operation's JSON body, if it takes one."""
    described = spec["paths"].get(operation.template, {}).get(operation.method.lower(), {})
    content = described.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    return resolve(spec, content["application/json"]["schema"])


def example_of(spec: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:  # noqa: ANN401, PLR0911
    """Return a value that fits a schema: its own example where it gives one."""
    schema = resolve(spec, schema)
    if schema.get("examples"):
        return schema["examples"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return example_of(spec, schema[word][0])
    if "enum" in schema:
        return next(value for value in schema["enum"] if value is not None)
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    kind = next(k for k in kind if k != "null") if isinstance(kind, list) else kind
    if kind == "object":
        wanted = schema.get("required", ())
        return {n: example_of(spec, schema["properties"][n]) for n in wanted}
    if kind == "array":
        return [example_of(spec, schema["items"])]
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    if kind == "boolean":
        return True
    return _text(schema)


def _text(schema: Mapping[str, Any]) -> str:
    form = schema.get("format")
    if form == "uuid":
        return "01890a5d-ac96-774b-bcce-b302099a8057"
    if form == "date-time":
        return "2030-01-01T00:00:00Z"
    if form == "date":
        return "2030-01-01"
    if form == "uri":
        return "https://city.example/"
    plain = (_SAFE_TEXT * 40)[: max(len(_SAFE_TEXT), schema.get("minLength", 1))]
    pattern = schema.get("pattern", "")
    if re.search(pattern, plain) and len(plain) <= schema.get("maxLength", len(plain)):
        return plain
    return _matching(pattern, schema.get("minLength", 1))


@functools.cache
def _matching(pattern: str, shortest: int) -> str:
    """Return a short text that fits a pattern; looked for once."""
    quiet = settings(max_examples=5_000, database=None, suppress_health_check=list(HealthCheck))
    text = st.from_regex(pattern.replace("$", r"\Z"), fullmatch=True)
    found: str = find(text, lambda t: len(t) >= shortest, settings=quiet, random=Random(0))  # noqa: S311
    return found


def members_of(spec: Mapping[str, Any], node: Mapping[str, Any]) -> set[str]:
    """Return the names of all members that a schema has at any depth."""
    node = resolve(spec, node)
    names: set[str] = set()
    for name, inner in node.get("properties", {}).items():
        names |= {name, *members_of(spec, inner)}
    if "items" in node:
        names |= members_of(spec, node["items"])
    return names


def answer_members(spec: Mapping[str, Any], operation: Operation) -> set[str]:
    """Return the names of all members of an operation's good answers."""
    described = spec["paths"][operation.template][operation.method.lower()]
    names: set[str] = set()
    for status, answer in described["responses"].items():
        if status.startswith("2"):
            for content in resolve(spec, answer).get("content", {}).values():
                names |= members_of(spec, content.get("schema", {}))
    return names


def closed_objects(
    spec: Mapping[str, Any], schema: Mapping[str, Any], value: object, place: str = ""
) -> Iterator[tuple[str, dict[str, Any], frozenset[str]]]:
    """Yield every object of a body that names its members: pointer, the object, the names."""
    schema = resolve(spec, schema)
    if isinstance(value, dict) and "properties" in schema:
        yield place, value, frozenset(schema["properties"])
        for name, inner in value.items():
            yield from closed_objects(
                spec, schema["properties"].get(name, {}), inner, f"{place}/{name}"
            )
    if isinstance(value, list) and "items" in schema:
        for number, inner in enumerate(value):
            yield from closed_objects(spec, schema["items"], inner, f"{place}/{number}")
