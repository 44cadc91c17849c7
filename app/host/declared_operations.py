"""The operations that a remote provider's manifest declares: their fields, rules, and forms."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from marshmallow import Schema, fields, validate

from app.catalog.service.entry_schemas import TitleEntrySchema
from app.core.json_schema import find_flaws
from app.host.manifest_schema import Strict
from app.sdk.operations import (
    KINDS,
    MOST_ANSWERED,
    MOST_SENT,
    build_operation,
    could_be_both,
    is_path,
)

MOST_OPERATIONS = 20
MOST_REFUSALS = 20
METHODS = ("GET", "POST", "PUT", "DELETE")
_KEBAB = r"^(?:[a-z0-9]+(-[a-z0-9]+)*)\Z"
_LONGEST_CODE = 32  # with the provider's name and a colon before it, a code of the house's length
_IN_QUERY = frozenset({"string", "integer", "boolean"})


def _id() -> fields.String:
    said = "Must be lower-case words joined by hyphens."
    return fields.String(
        required=True,
        validate=[validate.Length(max=_LONGEST_CODE), validate.Regexp(_KEBAB, error=said)],
    )


def _size(most: int) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(1, most))


class RefusalSchema(Strict):
    """One way of saying no."""

    code = _id()
    status = fields.Integer(required=True, strict=True, validate=validate.OneOf(tuple(KINDS)))
    title = fields.Nested(TitleEntrySchema, required=True)


class ExampleSchema(Strict):
    """A call of the operation."""

    path = fields.String(required=True, validate=validate.Length(max=200))
    query = fields.Dict()
    body = fields.Dict()


class OperationSchema(Strict):
    """One operation."""

    id = _id()
    title = fields.Nested(TitleEntrySchema, required=True)
    method = fields.String(required=True, validate=validate.OneOf(METHODS))
    path = fields.String(required=True, validate=validate.Length(max=200))
    assurance = fields.String(validate=validate.OneOf(["basic", "verified", "strong"]))
    idempotent = fields.Boolean(truthy={True}, falsy={False})
    query = fields.Dict()
    body = fields.Dict()
    answer = fields.Dict(required=True)
    example = fields.Nested(ExampleSchema, required=True)
    refusals = fields.List(
        fields.Nested(RefusalSchema), validate=validate.Length(max=MOST_REFUSALS)
    )
    max_body = _size(MOST_SENT)
    max_answer = _size(MOST_ANSWERED)


def operations_field() -> fields.List[Any]:
    """Return the field of a service that holds its operations."""
    nested: Schema = OperationSchema()
    return fields.List(fields.Nested(nested), validate=validate.Length(max=MOST_OPERATIONS))


def operation_faults(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each place of a manifest whose operations make no sense, and why."""
    for number, service in enumerate(manifest["services"]):
        declared = service.get("operations", [])
        for name, times in Counter(one["id"] for one in declared).items():
            if times > 1:
                yield f"services[{number}].operations", f"The id {name!r} stands {times} times."
        for one, other in combinations(declared, 2):
            if one["method"] == other["method"] and could_be_both(one["path"], other["path"]):
                said = f"A path may mean both {one['id']!r} and {other['id']!r}."
                yield f"services[{number}].operations", said
        for place, operation in enumerate(declared):
            where = f"services[{number}].operations[{place}]"
            faults = [*_faults(operation, where)]
            # What is no form cannot judge an example.
            yield from faults or _example_faults(operation, where, service["assurance"])


def _faults(operation: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    if not is_path(operation["path"]):
        yield f"{place}.path", "Must be plain segments, of which some may be {names}."
    reads, takes_body = operation["method"] == "GET", operation["method"] in {"POST", "PUT"}
    if "query" in operation and not reads:
        yield f"{place}.query", "Only a GET has a query."
    if "body" in operation and not takes_body:
        yield f"{place}.body", "Only POST and PUT have a body."
    if takes_body and "body" not in operation:
        yield f"{place}.body", "Must say of which form the body is."
    if not reads and "idempotent" not in operation:
        yield f"{place}.idempotent", "Must say whether the same key again acts once."
    yield from _form_faults(operation, place)


def _form_faults(operation: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    codes = [refusal["code"] for refusal in operation.get("refusals", ())]
    if len(set(codes)) != len(codes):
        yield f"{place}.refusals", "A code stands twice."
    for name in ("query", "body", "answer"):
        if name not in operation:
            continue
        if operation[name].get("type") != "object":
            yield f"{place}.{name}", "Must be of type object."
        for inner, message in find_flaws(operation[name]):
            yield f"{place}.{name}{inner}", message
    for name, inner in operation.get("query", {}).get("properties", {}).items():
        if not isinstance(inner, dict) or inner.get("type") not in _IN_QUERY:
            yield f"{place}.query.properties.{name}", "Must be a string, an integer or a boolean."


def _example_faults(
    operation: Mapping[str, Any], place: str, assurance: str
) -> Iterator[tuple[str, str]]:
    for inner, message in build_operation(operation, assurance).example_faults():
        yield f"{place}.example.{inner}", message
