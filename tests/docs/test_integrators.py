"""docs/integrators.md tells the truth: its keys, its registration and its site are made and run."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.http.server import Server
from app.oauth.values import SCOPES
from tests.browser.chromium import Browser
from tests.browser.conftest import browser, chromium, site
from tests.browser.person import log_in, new_number
from tests.contract import contract_of
from tests.factories import bearer, staff_token
from tests.relying_party.party import FOLDER, free_home, install, run_node
from tests.site import Site

__all__ = ["browser", "chromium", "site"]
PAGE = (FOLDER.parent.parent / "docs" / "integrators.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
ASKED = PAGE.partition("### 6. What can be asked for")[2].partition("\n##")[0]
ROWS = re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", ASKED, re.MULTILINE)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder beside the libraries that the page asks to install."""
    install()
    made = FOLDER / "node_modules" / ".shown"
    made.mkdir(exist_ok=True)
    yield made
    for file in made.iterdir():
        file.unlink()


def test_from_zero_to_a_logged_in_citizen(browser: Browser, site: Site, folder: Path) -> None:
    for name in ("keys.mjs", "site.mjs"):
        (folder / name).write_text(BLOCKS[name], encoding="utf-8")
    made = subprocess.run(  # noqa: S603 - our own page
        ["node", folder / "keys.mjs"],  # noqa: S607 - wherever node is
        capture_output=True,
        check=True,
        text=True,
    )
    keys = json.loads(made.stdout)

    port, home = free_home()
    text = BLOCKS["registration"].replace("http://127.0.0.1:4000", home)
    wanted = json.loads(text)
    wanted["name"] += f" {port}"  # a name is taken once, and other tests share this city
    wanted["jwks"] = {"keys": [keys["public"]]}
    staff = bearer(staff_token(site.rooms, "security-admin"))
    registered = site.live.post("/v1/oauth/clients", wanted, staff)
    assert registered.status == 201, registered.body
    client_id = registered.json["id"]
    change = json.dumps({"status": "sandbox"}).encode()
    kind = {"Content-Type": "application/json"}
    place = f"/v1/oauth/clients/{client_id}"
    answer = site.live.call("PATCH", place, body=change, headers={**staff, **kind})
    assert answer.status == 200, answer.body

    told = {
        "ISSUER": site.url,
        "CLIENT_ID": client_id,
        "PRIVATE_KEY": json.dumps(keys["private"]),
        "PORT": str(port),
    }
    number = new_number()
    with run_node(folder / "site.mjs", told):
        browser.open(home)
        browser.press("Log in")
        assert "测试中" in browser.text, "a client of the sandbox says so"
        log_in(browser, site, number)
        browser.tick("手机号码")
        browser.tick("查看您的账单")
        browser.press("同意授权")
        shown = json.loads(browser.text)
    assert shown["citizen"]["phone_number"] == f"+86{number}"
    assert shown["bills"]["items"] == []


def test_every_scope_is_explained_and_no_other() -> None:
    assert [scope for scope, _ in ROWS] == list(SCOPES)


def test_the_operations_named_for_a_scope_are_open_to_it(app: Server) -> None:
    paths = contract_of(app).spec["paths"]
    for scope, said in ROWS:
        for method, place in re.findall(r"`(GET|POST) (/[a-z0-9/{}_]+)…?`", said):
            under = [
                operation[method.lower()]
                for path, operation in paths.items()
                if path.startswith(place.rstrip("/")) and method.lower() in operation
            ]
            granted = [
                one["security"] for one in under if {"grant": [scope]} in one.get("security", [])
            ]
            assert granted, (scope, method, place)


def test_scopes_open_only_what_a_scope_can_be_for(app: Server) -> None:
    """Reading scopes open reads, and nothing opens who a citizen is or how they log in."""
    opened = {}
    for path, operations in contract_of(app).spec["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            for way in operation.get("security", []):
                for scope in way.get("grant", []):
                    opened[f"{method} {path}"] = scope
    assert len(opened) >= 15
    for operation, scope in opened.items():
        method, _, path = operation.partition(" ")
        assert scope in SCOPES, operation
        assert not path.startswith("/v1/auth"), operation
        assert path != "/v1/me", operation
        if not scope.endswith(".write") and scope != "openid":
            assert method == "get", operation
