"""The forms that others declare for their JSON: a part of JSON Schema 2020-12 that is safe to run.

A form is a stranger's text. What could fetch something, call itself or take for ever (references,
patterns, conditions) is therefore no part of it, and what has no bound is refused: an object names
all its members, a text and a list say how long they may be.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, SchemaError
from referencing import Registry

DEEPEST = 6
LONGEST_TEXT = 10_000
LONGEST_LIST = 1_000
_ANYWHERE = frozenset({"type", "title", "description", "enum", "const"})
_OF_TYPE: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum"}),
    "number": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
}
_NOWHERE: Registry[Any] = Registry()  # holds no document and fetches none


@dataclass(frozen=True, slots=True)
class Form:
    """A form in which `find_flaws` has found nothing."""

    schema: Mapping[str, Any]

    def faults(self, value: object) -> list[dict[str, str]]:
        """Return where a value is not of this form: pointers and rules, never what stood there."""
        checker = Draft202012Validator(dict(self.schema), registry=_NOWHERE)
        found = (
            {
                "pointer": "".join(f"/{part}" for part in error.absolute_path),
                "message": f"Does not keep `{error.validator}`.",
            }
            for error in checker.iter_errors(value)
        )
        return sorted(found, key=lambda fault: (fault["pointer"], fault["message"]))


def find_flaws(schema: object, place: str = "", depth: int = 1) -> Iterator[tuple[str, str]]:
    """Yield each place of a schema that makes it no form, and why."""
    if not isinstance(schema, dict):
        yield place, "Must be an object: a schema."
        return
    kind = schema.get("type")
    if depth > DEEPEST:
        yield place, f"Is nested more than {DEEPEST} levels deep."
        return
    if not isinstance(kind, str) or kind not in _OF_TYPE:
        yield place, f"Must have a `type`, one of {', '.join(sorted(_OF_TYPE))}."
        return
    for name in sorted(schema.keys() - _ANYWHERE - _OF_TYPE[kind]):
        yield f"{place}.{name}", f"Has no place in a form of type {kind}."
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        inner = "".join(f".{part}" for part in error.absolute_path)
        yield place + inner, f"Is not JSON Schema 2020-12: `{error.validator}`."
        return
    yield from _unbounded(schema, place, kind)
    for name, inner_schema in schema.get("properties", {}).items():
        yield from find_flaws(inner_schema, f"{place}.properties.{name}", depth + 1)
    if "items" in schema:
        yield from find_flaws(schema["items"], f"{place}.items", depth + 1)


def _unbounded(schema: Mapping[str, Any], place: str, kind: str) -> Iterator[tuple[str, str]]:
    if kind == "object":
        if schema.get("additionalProperties") is not False:
            yield place, "Must say `additionalProperties: false`: nothing unnamed is passed on."
        for name in sorted(set(schema.get("required", ())) - schema.get("properties", {}).keys()):
            yield f"{place}.required", f"Names {name!r}, which is no property."
    elif "enum" in schema or "const" in schema:
        return
    elif kind == "string" and not 0 < schema.get("maxLength", 0) <= LONGEST_TEXT:
        yield place, f"Must have a `maxLength` of at most {LONGEST_TEXT}."
    elif kind == "array":
        if "items" not in schema:
            yield place, "Must say of which form its `items` are."
        if not 0 < schema.get("maxItems", 0) <= LONGEST_LIST:
            yield place, f"Must have `maxItems` of at most {LONGEST_LIST}."
