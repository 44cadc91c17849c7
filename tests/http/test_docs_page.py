"""The documentation page: all that it needs comes from this server; it can be switched off."""

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms, create_app
from config.settings import Settings

ADDRESS = re.compile(r"""(?:src|href)=["']([^"']+)["']""")


def test_the_page_names_only_assets_of_this_server_and_they_are_there(
    client: FlaskClient,
) -> None:
    page = client.get("/docs")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    found = ADDRESS.findall(page.text)
    assert len(found) == 3
    for address in found:
        assert address.startswith("/docs/")
        with client.get(address) as asset:  # a file is open behind it
            assert asset.status_code == 200
            assert asset.data
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.headers["Content-Security-Policy"]


def test_the_page_shows_the_document_of_this_server(client: FlaskClient) -> None:
    assert "url: '/openapi.json'" in client.get("/docs/start.js").text
    document = client.get("/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert "/v1/payments" in document["paths"]


@pytest.mark.parametrize("name", ["index.html", "..%2Fsetup.py", "swagger-ui.css.map", "nothing"])
def test_nothing_else_of_the_package_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404


def test_it_can_be_switched_off(settings: Settings, rooms: Rooms) -> None:
    web = replace(settings.web, docs=False)
    closed = create_app(replace(settings, web=web), rooms).test_client()
    for path in ("/docs", "/docs/swagger-ui.css", "/openapi.json"):
        assert closed.get(path).status_code == 404
    assert closed.get("/livez").status_code == 200
