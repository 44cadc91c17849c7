"""The service entry over HTTP: public, paged, searched."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.catalog.service import Snapshot
from app.catalog.values import Catalogue
from app.factory import build, create_app
from config.settings import Settings
from tests.catalog.conftest import Load, guide, with_source
from tests.catalog.test_catalogue_data import CATEGORIES


def walk(client: FlaskClient, path: str, **query: str | int) -> list[dict[str, Any]]:
    """Return every item of a list, page after page."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        asked = {**query, **({"cursor": cursor} if cursor else {})}
        answer = client.get(path, query_string=asked)
        assert answer.status_code == 200, answer.json
        items += answer.json["items"]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return items
        assert len(answer.json["items"]) == query.get("limit", 20)


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def test_the_thirteen_categories_stand_in_their_order(client: FlaskClient) -> None:
    answer = client.get("/v1/categories")
    assert answer.json["next_cursor"] is None
    found = [(item["id"], item["title"]["zh"]) for item in answer.json["items"]]
    assert found == CATEGORIES
    assert sum(item["services"] for item in answer.json["items"]) >= 400


@pytest.mark.parametrize("limit", [7, 20, 100])
def test_departments_are_listed_without_repeat_or_loss(client: FlaskClient, limit: int) -> None:
    found = walk(client, "/v1/departments", limit=limit)
    assert len(found) >= 40
    assert len(set(ids(found))) == len(found)
    assert found == walk(client, "/v1/departments")
    assert found[0]["id"] == "government-services-office"


@pytest.mark.parametrize("limit", [1, 33, 100])
def test_services_are_listed_without_repeat_or_loss(
    client: FlaskClient, snapshot: Snapshot, limit: int
) -> None:
    query: dict[str, str | int] = {"category": "police"} if limit == 1 else {}
    found = walk(client, "/v1/services", limit=limit, **query)
    everything = walk(client, "/v1/services", limit=100)
    assert len(everything) >= 400
    assert set(ids(everything)) == set(snapshot.services)
    assert found == [i for i in everything if i["category"] == "police" or not query]
    assert len(set(ids(found))) == len(found)


def test_a_department_and_a_service_are_read_whole(client: FlaskClient) -> None:
    department = client.get("/v1/departments/water-bureau").json
    assert department["title"] == {"zh": "十堰市水利和湖泊局", "en": "Water Bureau"}
    service = client.get("/v1/services/water-connection-application").json
    assert service["department"] == {k: v for k, v in department.items() if k != "services"}
    assert service["title"] == {"zh": "用水报装", "en": "Connection to the water supply"}
    assert service["statutory_limit"] == {"days": 15, "unit": "working"}
    assert service["promised_limit"] == {"days": 4, "unit": "working"}
    assert len(service["materials"]) == 3
    assert service["channels"] == ["online", "hall"]
    assert service["results"] == [{"zh": "供用水合同"}]
    assert service["version"] >= 1
    fee = client.get("/v1/services/water-meter-check").json["fees"][0]
    assert (fee["amount"], fee["currency"]) == (3000, "CNY")


def test_a_plugins_service_stands_beside_the_guides(client: FlaskClient) -> None:
    service = client.get("/v1/services/water-bill").json
    assert (service["kind"], service["action"], service["assurance"]) == ("payable", "pay", "basic")
    assert (service["available"], service["unavailable_reason"]) == (True, None)


def test_a_plugin_that_is_switched_off_stays_in_the_list(
    settings: Settings, client: FlaskClient
) -> None:
    house = build(replace(settings, plugins_disabled=frozenset({"utilities"})))
    try:
        found = create_app(settings, house).test_client().get("/v1/services/water-bill").json
    finally:
        house.close()
    assert found["available"] is False
    assert found["unavailable_reason"] == {
        "zh": "该服务暂未开放。",
        "en": "The service is switched off for now.",
    }
    usual = client.get("/v1/services/water-bill").json
    assert {**found, "available": True, "unavailable_reason": None} == usual


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/services/no-such-service", "service-not-found"),
        ("/v1/departments/no-such-bureau", "department-not-found"),
        ("/v1/services/WATER", "not-found"),
        ("/v1/services/", "not-found"),
    ],
)
def test_what_is_not_there_is_a_problem(client: FlaskClient, path: str, code: str) -> None:
    answer = client.get(path, headers={"If-None-Match": "*"})
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert (answer.json["code"], answer.json["type"]) == (code, f"/problems/{code}")
    assert "ETag" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("category", "living"),
        ("department", "water-bureau"),
        ("action", "pay"),
        ("assurance", "strong"),
        ("kind", "payable"),
    ],
)
def test_a_filter_lets_through_what_it_says(client: FlaskClient, name: str, value: str) -> None:
    everything = walk(client, "/v1/services", limit=100)

    def is_wanted(item: dict[str, Any]) -> bool:
        return bool((item["department"]["id"] if name == "department" else item[name]) == value)

    found = walk(client, "/v1/services", limit=100, **{name: value})
    assert ids(found) == [item["id"] for item in everything if is_wanted(item)]
    assert 0 < len(found) < len(everything)


def test_a_service_for_both_is_for_each(client: FlaskClient) -> None:
    asked = {
        name: {item["audience"] for item in walk(client, "/v1/services", limit=100, audience=name)}
        for name in ("citizen", "organisation", "both")
    }
    assert asked == {
        "citizen": {"citizen", "both"},
        "organisation": {"organisation", "both"},
        "both": {"both"},
    }


def test_filters_narrow_a_search_and_each_other(client: FlaskClient) -> None:
    found = walk(client, "/v1/services", q="水", action="query", department="water-bureau")
    assert set(ids(found)) == {"water-outage-query", "water-quality-query"}
    nothing = client.get("/v1/services", query_string={"q": "水费", "category": "police"}).json
    assert nothing == {"items": [], "next_cursor": None}
    unknown = client.get("/v1/services?category=no-such").json
    assert unknown == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("typed", ["水费", "shuifei", "sf", "自来水", "shufei", "shuifie", "水 费"])
def test_the_water_bill_is_the_first_hit(client: FlaskClient, typed: str) -> None:
    items = client.get("/v1/services", query_string={"q": typed}).json["items"]
    assert items[0]["id"] == "water-bill"
    assert items[0]["matched_by"] is not None


def test_without_a_search_no_reason_is_given(client: FlaskClient) -> None:
    plain = client.get("/v1/services").json
    assert {item["matched_by"] for item in plain["items"]} == {None}
    for blank in ("", "  "):
        assert client.get("/v1/services", query_string={"q": blank}).json["items"] == plain["items"]


def test_a_search_is_paged_in_its_order(client: FlaskClient) -> None:
    whole = client.get("/v1/services?q=登记&limit=100").json["items"]
    assert len(whole) > 20
    assert walk(client, "/v1/services", q="登记", limit=9) == whole


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("page=2", "page"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("kind=shop", "kind"),
        ("action=eat", "action"),
        ("assurance=level4", "assurance"),
        ("audience=all", "audience"),
        ("category=No%20Slug", "category"),
        ("q=" + "a" * 65, "q"),
        ("q=%00", "q"),
        ("q=a&q=b", "q"),
    ],
)
def test_a_bad_argument_is_named(client: FlaskClient, query: str, parameter: str) -> None:
    answer = client.get(f"/v1/services?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
    assert [fault["parameter"] for fault in answer.json["errors"]] == [parameter]


@pytest.mark.parametrize("path", ["/v1/categories", "/v1/services/water-bill"])
def test_an_argument_that_is_not_taken_is_refused(client: FlaskClient, path: str) -> None:
    answer = client.get(f"{path}?limit=1")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")


def test_text_that_is_not_in_normal_form_is_searched_all_the_same(client: FlaskClient) -> None:
    decomposed = "shui\u0300fe\u0300i"
    items = client.get("/v1/services", query_string={"q": decomposed}).json["items"]
    assert items[0]["id"] == "water-bill"


@examples(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=70))
def test_whatever_is_typed_there_is_an_answer(client: FlaskClient, typed: str) -> None:
    answer = client.get("/v1/services", query_string={"q": typed.encode("utf-8", "ignore")})
    assert answer.status_code in {200, 422}


@pytest.mark.parametrize("cursor", ["abc", "WyIxIl0", "W10", "e30", "WyJ4IiwgIngiLCAieCJd"])
def test_a_cursor_that_was_never_given_is_refused(client: FlaskClient, cursor: str) -> None:
    for path in ("/v1/services", "/v1/departments"):
        answer = client.get(path, query_string={"cursor": cursor})
        assert (answer.status_code, answer.json["code"]) == (400, "cursor-invalid")


def test_a_cursor_belongs_to_its_list(client: FlaskClient) -> None:
    cursor = client.get("/v1/services?limit=1").json["next_cursor"]
    for path in ("/v1/services?q=sf", "/v1/services?category=living", "/v1/departments?limit=2"):
        answer = client.get(path, query_string={"cursor": cursor}) if "?" not in path else None
        answer = answer or client.get(f"{path}&cursor={cursor}")
        assert (answer.status_code, answer.json["code"]) == (400, "cursor-invalid")
    assert client.get(f"/v1/services?limit=5&cursor={cursor}").status_code == 200


def test_a_cursor_ends_with_its_version(
    prompt_client: FlaskClient, load: Load, catalogue: Catalogue
) -> None:
    cursor = prompt_client.get("/v1/services?limit=1").json["next_cursor"]
    load(with_source(catalogue, guide("route-new")))
    answer = prompt_client.get(f"/v1/services?limit=1&cursor={cursor}")
    assert (answer.status_code, answer.json["code"]) == (400, "cursor-invalid")


def test_the_document_tells_of_tags_and_of_nothing_to_prove(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").json["paths"]
    for path in (
        "/v1/categories",
        "/v1/departments",
        "/v1/departments/{department_id}",
        "/v1/services",
        "/v1/services/{service_id}",
    ):
        operation = paths[path]["get"]
        assert operation["security"] == []
        assert operation["tags"] == ["catalog"]
        assert set(operation["responses"]) == {"200", "304", "400", "404", "422", "429", "503"}
        assert "ETag" in operation["responses"]["200"]["headers"]
        assert "content" not in operation["responses"]["304"]
