"""The OpenAPI document is true, complete and named as the house names things."""

import copy
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.cli.openapi import DOCUMENT
from app.http.openapi import as_yaml
from app.http.problems import MEDIA_TYPE
from app.http.server import Server
from tests.contract import contract_of

Spec = dict[str, Any]
# Codes and years are their own identity: a problem's, the one printed on a receipt.
CODES = {
    "/problems/{code}",
    "/v1/receipts/{code}/validity",
    "/v1/utilities/due-feeds/{secret}",
    "/v1/certificates/{number}/validity",
    "/v1/certificates/status-lists/{number}",
    "/v1/certificates/types/{name}",
    "/v1/me/receipts/summaries/{year}",
    "/v1/settlement/payees/{payee}/statements/{period}",
    "/v1/settlement/payees/{payee}/statements/{period}/file",
    "/v1/settlement/payees/{payee}/statements/{period}/lines",
    "/v1/permits/desk/seats/{staff_id}/{role}",
    "/v1/services/{service_id}/versions/{number}",
    "/v1/services/{service_id}/versions/{number}/changes",
    "/v1/me/services/favourites/{service_id}",
    "/v1/services/{service_id}/gateway/{operation_path}",
}
OAUTH_REFUSALS = {"400", "401", "413", "415", "429", "503"}
REFUSALS = {"400", "401", "403", "404", "406", "409", "413", "415", "422", "429", "503"}


@pytest.fixture(scope="module")
def spec(app: Server) -> Spec:
    return contract_of(app).spec


def operations(spec: Spec) -> Iterator[tuple[str, Spec]]:
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def speaks_oauth(spec: Spec, operation: Spec) -> bool:
    """Say whether an operation refuses as RFC 6749 does, and not by a problem document."""
    answer = resolve(spec, operation["responses"]["400"])
    return "application/json" in answer["content"]


def resolve(spec: Spec, node: Spec) -> Spec:
    while "$ref" in node:
        found = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def test_the_committed_document_is_the_generated_one(app: Server) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == as_yaml(app.extensions["api"])


def test_the_document_is_valid_openapi_3_1(spec: Spec) -> None:
    assert spec["openapi"].startswith("3.1.")
    # Through YAML, as others read it.
    OpenAPIV31SpecValidator(yaml.safe_load(yaml.safe_dump(spec))).validate()


def test_the_validator_can_fail(spec: Spec) -> None:
    broken = copy.deepcopy(spec)
    next(operation for _, operation in operations(broken))["responses"] = "none"
    assert not OpenAPIV31SpecValidator(broken).is_valid()


def test_every_operation_has_a_name_of_its_own(spec: Spec) -> None:
    names = Counter(operation["operationId"] for _, operation in operations(spec))
    assert {name for name, count in names.items() if count > 1} == set()
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", name) for name in names), names


def test_every_operation_says_what_it_does(spec: Spec) -> None:
    tags = {tag["name"] for tag in spec["tags"] if tag["description"]}
    for name, operation in operations(spec):
        assert re.fullmatch(r"[A-Z].{4,70}", operation["summary"]), name
        assert len(operation["tags"]) == 1, name
        assert operation["tags"][0] in tags, name


def test_every_operation_says_how_it_succeeds(spec: Spec) -> None:
    for name, operation in operations(spec):
        good = {status for status in operation["responses"] if status.startswith(("2", "303"))}
        assert good, name
        for status in good - {"204", "303"}:
            if name == "POST /oauth/revoke":  # RFC 7009 says nothing in 200
                continue
            answer = resolve(spec, operation["responses"][status])
            assert answer["content"], name
            assert all(kind["schema"] for kind in answer["content"].values()), name


def test_every_refusal_is_a_problem_document(spec: Spec) -> None:
    for name, operation in operations(spec):
        refusals = {s: a for s, a in operation["responses"].items() if s >= "400"}
        if speaks_oauth(spec, operation):
            assert set(refusals) == OAUTH_REFUSALS, name
            for answer in refusals.values():
                content = resolve(spec, answer)["content"]
                assert content == {
                    "application/json": {"schema": {"$ref": "#/components/schemas/OAuthError"}}
                }
            continue
        assert {"400", "404", "422", "429", "503"} <= set(refusals) <= REFUSALS, name
        if operation["security"]:
            assert {"401", "403"} <= set(refusals), name
        for answer in refusals.values():
            content = resolve(spec, answer)["content"]
            assert content == {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def test_a_body_says_what_it_is_and_may_be_refused(spec: Spec) -> None:
    for name, operation in operations(spec):
        if "requestBody" in operation:
            assert operation["requestBody"]["required"], name
            assert operation["requestBody"]["content"], name
            assert {"413", "415"} <= set(operation["responses"]), name


def test_a_thing_is_named_by_its_thing_id(spec: Spec) -> None:
    """`Thing`, `{thing_id}` and `id` is what lets a scanner find other people's things."""
    for path in spec["paths"]:
        names = re.findall(r"{(\w+)}", path)
        if path not in CODES:
            assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*_id", name) for name in names), path
        for name in names:
            before = path.partition(f"/{{{name}}}")[0].rsplit("/", 1)[1]
            if path not in CODES:
                # The collection's name is the plural of the thing's: bills -> bill_id.
                assert singular(before) == name.removesuffix("_id"), path


def singular(plural: str) -> str:
    plural = plural.replace("-", "_")
    if plural == "inbox":
        return "message"
    if plural.endswith("ches"):
        return plural.removesuffix("es")
    return f"{plural[:-3]}y" if plural.endswith("ies") else plural.removesuffix("s")


def test_a_thing_that_is_read_carries_its_id(spec: Spec) -> None:
    read = [path for path in spec["paths"] if re.search(r"{\w+_id}$", path)]
    checked = 0
    for path in read:
        if "get" in spec["paths"][path]:
            content = spec["paths"][path]["get"]["responses"]["200"]["content"]
            schema = resolve(spec, content["application/json"]["schema"])
            assert "id" in schema["required"], path
            checked += 1
    assert checked >= 5


def test_every_path_parameter_is_bounded(spec: Spec) -> None:
    for path, item in spec["paths"].items():
        holders = [item, *(item[name] for name in item if name != "parameters")]
        for parameter in (p for holder in holders for p in holder.get("parameters", ())):
            described = resolve(spec, parameter)
            if described["in"] == "path":
                schema = described["schema"]
                assert schema.get("format") == "uuid" or "pattern" in schema, path


def test_every_list_is_a_page(spec: Spec) -> None:
    """`items` and `next_cursor`, and how many are asked for; small fixed lists have no cursor."""
    for name, operation in operations(spec):
        if not operation["summary"].startswith("List ") or "200" not in operation["responses"]:
            continue
        content = operation["responses"]["200"]["content"]["application/json"]
        schema = resolve(spec, content["schema"])
        assert "items" in schema["required"], name
        if any(resolve(spec, p)["name"] == "cursor" for p in operation.get("parameters", ())):
            assert set(schema["required"]) >= {"items", "next_cursor"}, name


def test_inputs_take_no_unknown_members_and_no_endless_texts(spec: Spec) -> None:
    for name, operation in operations(spec):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if (
                kind != "application/x-www-form-urlencoded"
            ):  # RFC 6749 ignores what it has no name for
                _check_input(spec, name, content["schema"])


def _check_input(spec: Spec, name: str, schema: Spec) -> None:
    schema = resolve(spec, schema)
    if "properties" in schema:
        assert schema["additionalProperties"] is False, (name, schema)
        for inner in schema["properties"].values():
            _check_input(spec, name, inner)
    if schema.get("type") == "array":
        assert "maxItems" in schema, (name, schema)
        _check_input(spec, name, schema["items"])


def test_money_is_whole_fen(spec: Spec) -> None:
    """No amount anywhere is a fraction."""
    for title, schema in spec["components"]["schemas"].items():
        for name, member in schema.get("properties", {}).items():
            if name == "amount" or name.endswith("_amount"):
                assert member["type"] in ("integer", ["integer", "null"]), (title, name)
