"""Answers of the catalogue may be kept, and a caller who is current is told so cheaply."""

import pytest
from flask.testing import FlaskClient

from app.catalog.values import Catalogue
from tests.catalog.conftest import Load, guide, with_source

PUBLIC = [
    "/v1/categories",
    "/v1/departments",
    "/v1/departments/water-bureau",
    "/v1/services",
    "/v1/services?q=shuifei",
    "/v1/services/water-bill",
]


@pytest.mark.parametrize("path", PUBLIC)
def test_everybody_may_ask_and_may_keep_the_answer(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=60, must-revalidate"
    tag = answer.headers["ETag"]
    assert not tag.startswith("W/")
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == answer.headers["Cache-Control"]
        assert "Content-Type" not in again.headers
    stale = client.get(path, headers={"If-None-Match": '"0-old"'})
    assert (stale.status_code, stale.data) == (200, answer.data)
    head = client.head(path)
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", tag)


def test_each_question_has_its_own_tag(client: FlaskClient) -> None:
    tags = [client.get(path).headers["ETag"] for path in PUBLIC if "services" in path]
    assert tags[0] != tags[1]
    known = {"If-None-Match": tags[0]}
    assert client.get("/v1/services?q=shuifei", headers=known).status_code == 200


def test_a_newer_catalogue_is_served_with_a_new_tag(
    prompt_client: FlaskClient, load: Load, catalogue: Catalogue
) -> None:
    before = prompt_client.get("/v1/services/water-bill").headers["ETag"]
    assert prompt_client.get("/v1/services/route-fresh").status_code == 404
    load(with_source(catalogue, guide("route-fresh", title={"zh": "新鲜事物", "en": "Fresh"})))
    assert prompt_client.get("/v1/services/route-fresh").json["version"] == 1
    items = prompt_client.get("/v1/services?q=xinxianshiwu").json["items"]
    assert [item["id"] for item in items] == ["route-fresh"]
    again = prompt_client.get("/v1/services/water-bill", headers={"If-None-Match": before})
    assert again.status_code == 200
    assert again.headers["ETag"] != before
