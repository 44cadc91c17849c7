"""Operations that a remote provider declares, called by citizens over HTTP, and what never goes."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from app.host.remote_manifest import check_remote_manifest
from config.settings import ROOT
from tests.operations.town import GATEWAY, TITLE, Town, form, operations, refused
from tests.payments.helpers import new_key
from tests.providers.support import make_manifest


def test_a_declared_operation_is_called_with_nothing_of_the_citizens_own(town: Town) -> None:
    answer = town.ask(query_string={"day": "3"})
    assert (answer.status_code, answer.json) == (200, {"operation": "ask", "result": {"free": 7}})
    call = town.house.calls[-1]
    assert call.path == "/operations/parking-fee/car-parks/7?day=3"
    assert call.citizen is not None
    assert call.citizen["exp"] - call.citizen["iat"] == 60
    assert not call.headers.keys() & {"authorization", "cookie", "x-own"}
    token = town.citizen.auth["Authorization"].partition(" ")[2]
    assert token not in str(call.headers)
    with town.rooms.units.open(actor="test", read_only=True) as uow:
        told = uow.scalar(text("select count(*) from audit_entries where event='operation.called'"))
    assert told


def test_the_list_of_operations_tells_their_forms_and_an_example(town: Town) -> None:
    answer = town.client.get(GATEWAY, headers=town.citizen.auth)
    assert answer.status_code == 200, answer.text
    listed = {one["id"]: one for one in answer.json["items"]}
    assert listed["ask"]["example"] == {
        "path": "/car-parks/7",
        "query": {"day": 3},
        "body": None,
    }
    assert listed["reserve"]["example"]["body"] == {"places": 1}
    for name, one in listed.items():
        assert one["answer"]["type"] == "object", name
    example = listed["ask"]["example"]
    assert town.ask(example["path"], query_string=example["query"]).status_code == 200


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/payables", {}, 404),
        ("/car-parks/7/places", {}, 404),
        ("/car-parks/../payables", {}, 404),
        ("/car-parks/..", {}, 404),
        ("/car-parks/a%2Fb", {}, 404),
        ("/car-parks/7", {"day": "8"}, 422),
        ("/car-parks/7", {"day": "x"}, 422),
        ("/car-parks/7", {"other": "1"}, 422),
        ("/secrets", {}, 403),
    ],
)
def test_what_is_not_declared_never_leaves_the_house(
    town: Town, path: str, query: Mapping[str, str], status: int
) -> None:
    before = len(town.house.calls)
    assert town.ask(path, query_string=query).status_code == status
    assert len(town.house.calls) == before


def test_a_body_of_another_form_never_leaves_the_house(town: Town) -> None:
    before = len(town.house.calls)
    for wrong in ("2", 0, None, 1.5, True):
        answer = town.reserve(wrong)
        refused(answer, 422, "invalid-input")
        assert answer.json["errors"][0]["pointer"] == "/places"
    assert len(town.house.calls) == before


def test_plugins_are_not_reached_this_way(town: Town) -> None:
    headers = dict(town.citizen.auth)
    path = "/v1/services/water-bill/gateway/payables"
    refused(town.client.get(path, headers=headers), 404, "operation-not-found")


def test_an_answer_of_another_form_is_none(town: Town) -> None:
    for lie in ({"free": -1}, {"free": "many"}, {"free": 1, "secret": "x"}, {"other": 1}):
        town.house.said = lie
        answer = town.ask()
        refused(answer, 503, "unavailable")
        assert "secret" not in answer.text
    town.house.said = {}


def test_a_repeat_gets_the_first_answer_and_keys_are_each_citizens_own(town: Town) -> None:
    key = new_key()
    first, again = town.reserve(2, key), town.reserve(2, key)
    assert first.status_code == 200, first.text
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert town.house.calls[-1].headers["idempotency-key"] != key
    refused(town.reserve(3, key), 422, "idempotency-key-reused")


def test_a_declared_refusal_is_passed_on_and_no_other(town: Town) -> None:
    answer = town.reserve(8)
    refused(answer, 409, "parking:no-space")
    assert (answer.json["title_zh"], answer.json["title"]) == ("车位已满", "It is full")
    refused(town.reserve(50), 503, "operation-outcome-unknown")


def test_what_is_not_idempotent_is_sent_once_whatever_comes_of_it(town: Town) -> None:
    key = new_key()
    before = town.house.count("PUT")
    with town.house.failing("lost answer", "PUT"):
        refused(town.reserve(1, key, "PUT"), 503, "operation-outcome-unknown")
    refused(town.reserve(1, key, "PUT"), 503, "operation-outcome-unknown")
    assert town.house.count("PUT") == before + 1


def test_a_suspended_provider_is_not_called(town: Town) -> None:
    assert town.office.suspend("parking").status_code == 200
    town.refresh()
    before = len(town.house.calls)
    refused(town.ask(), 503, "service-unavailable")
    assert len(town.house.calls) == before


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/a/../b"},
        {"path": "/a/{x}y"},
        {"answer": {"type": "object", "properties": {}}},
        {"answer": {"$ref": "https://example.com/form.json"}},
        {"answer": form(a={"type": "string", "pattern": "(a+)+$", "maxLength": 9})},
        {"answer": form(a={"type": "string"})},
        {"answer": form(a={"type": "array", "maxItems": 3})},
        {"body": form()},
        {"query": form(a={"type": "object", "additionalProperties": False})},
        {"method": "PATCH"},
        {"refusals": [{"code": "gone", "status": 500, "title": TITLE}]},
        {"path": "/{anything}/7"},
        {"example": {"path": "/spare/7"}},
        {"example": {"path": "/spare", "query": {"day": 8}}},
        {"example": {"path": "/spare", "query": {"day": "3"}}},
        {"example": {"path": "/spare", "query": {"week": 1}}},
        {"example": {"path": "/spare", "body": {}}},
        {"example": {"path": "/spare", "own": 1}},
        {"example": "/spare"},
        {"method": "PUT", "idempotent": True, "body": form(a={"type": "boolean"})},
        {"method": "DELETE", "idempotent": True},
    ],
)
def test_a_manifest_with_an_unsafe_operation_is_refused(change: Mapping[str, Any]) -> None:
    own = make_manifest("parking", {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "A" * 43})
    reserve, ask, *_ = operations()
    faults = lambda declared: {  # noqa: E731 - two lines of use
        fault["pointer"]
        for fault in check_remote_manifest(
            {**own, "services": [{**own["services"][0], "operations": declared}]},
            ROOT / "config",
            (),
        )
        if "operations" in fault["pointer"]
    }
    assert faults([reserve, ask]) == set()
    spare = {**ask, "id": "spare", "path": "/spare", "example": {"path": "/spare"}}
    assert faults([ask, spare]) == set()
    assert faults([ask, {**spare, **change}])


@pytest.mark.parametrize(
    ("body", "more", "place"),
    [
        ({"places": 1}, {}, None),
        ({"places": 0}, {}, "body/places"),
        ({}, {}, "body"),
        (None, {}, "body"),
        ({"places": 1, "more": 1}, {}, "body"),
        ({"places": 1}, {"max_body": 12}, None),
        ({"places": 1}, {"max_body": 11}, "body"),
    ],
)
def test_an_example_is_of_its_operations_forms_and_size(
    body: object, more: Mapping[str, Any], place: str | None
) -> None:
    own = make_manifest("parking", {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "A" * 43})
    reserve = {**operations()[0], **more}
    reserve["example"] = {"path": "/car-parks/7/places"} | ({} if body is None else {"body": body})
    services = [{**own["services"][0], "operations": [reserve]}]
    faults = check_remote_manifest({**own, "services": services}, ROOT / "config", ())
    found = [fault["pointer"].partition("/example/")[2] for fault in faults]
    assert [one for one in found if one] == ([] if place is None else [place])
