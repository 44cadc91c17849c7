"""The clients are made from the present document, whole, and a bill is paid with each."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.clients.made import make_python, make_typescript, run
from tests.journeys.house import ROOT, House, run_house
from tools import clients

PAGE = (ROOT / "docs" / "integrators.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^```sh run\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"  # (.+)$", re.MULTILINE)
PAID = "42.50 paid, receipt of 42.50\n"


@pytest.fixture(scope="module")
def python_client() -> Path:
    """Return the folder of the client in Python."""
    return make_python()


@pytest.fixture(scope="module")
def typescript_client() -> Path:
    """Return the folder of the client in TypeScript."""
    return make_typescript()


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Run the product as it is."""
    with run_house() as running:
        yield running


def operation_ids() -> set[str]:
    paths = yaml.load((ROOT / "openapi.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)[
        "paths"
    ]
    return {
        operation["operationId"]
        for methods in paths.values()
        for method, operation in methods.items()
        if method != "parameters"
    }


def test_no_operation_is_missing_in_python(python_client: Path) -> None:
    made = {path.stem for path in (python_client / "wudang_api" / "api").glob("*/[a-z]*.py")}
    assert made == operation_ids()


def test_no_operation_is_missing_in_typescript(typescript_client: Path) -> None:
    text = (typescript_client / "src" / "generated" / "api.ts").read_text(encoding="utf-8")
    _, _, operations = text.partition("export interface operations {")
    made = set(re.findall(r"^    (\w+): \{$", operations, re.MULTILINE))
    assert made == operation_ids()


def test_a_client_of_an_older_document_is_noticed_and_made_anew(tmp_path: Path) -> None:
    document = tmp_path / "openapi.yaml"
    document.write_text("one: 1\n", encoding="utf-8")
    made = []
    folder = tmp_path / "made"

    def generate() -> None:
        folder.mkdir()
        (folder / "operation.py").write_text(document.read_text(encoding="utf-8"))
        made.append(document.read_text(encoding="utf-8"))

    client = clients.Client("test", (document,), folder, generate)
    assert not client.is_current
    client.make()
    assert client.is_current
    document.write_text("one: 2\n", encoding="utf-8")
    assert not client.is_current
    client.make()
    assert client.is_current
    assert made == ["one: 1\n", "one: 2\n"]

    def fail() -> None:
        raise SystemExit("the generator has refused")

    with pytest.raises(SystemExit):
        replace(client, generate=fail).make()
    assert not client.is_current


UPLOADS = """
import importlib, io, json, pkgutil
from datetime import date
import wudang_api.api
from wudang_api.api.jobs import send_a_file_of_vacancies_of_my_feed as feed
from wudang_api.api.permits import hand_a_file_in_with_my_application as material
from wudang_api.api.reconciliation import import_a_statement_file as statement
from wudang_api.api.utilities import upload_a_bill_file_of_my_biller as bills
from wudang_api.types import File

for module in pkgutil.walk_packages(wudang_api.api.__path__, "wudang_api.api."):
    importlib.import_module(module.name)

def sent(operation, *place, **query):
    call = operation._get_kwargs(*place, body=File(io.BytesIO(b"bytes")), **query)
    return call["content"].read().decode(), call["headers"]["Content-Type"]

print(json.dumps([sent(feed, "f"), sent(material, "a", "m"),
    sent(statement, source="s", profile="p", day=date(2026, 1, 6)), sent(bills, "b")]))
"""


def test_all_of_python_is_importable_and_sends_files_as_its_page_says(
    python_client: Path,
) -> None:
    done = run(sys.executable, "-c", UPLOADS, PYTHONPATH=str(python_client))
    assert done.returncode == 0, done.stderr
    sent = json.loads(done.stdout)
    kinds = ["application/x-ndjson", "application/octet-stream", "application/xml", "text/csv"]
    assert sent == [["bytes", kind] for kind in kinds]
    page = (python_client / "README.md").read_text(encoding="utf-8")
    assert all(f"`{kind}`" in page for kind in kinds[:3])


def test_a_bill_is_paid_in_python(house: House, python_client: Path) -> None:
    program = python_client / "examples" / "pay_a_bill.py"
    done = run(
        sys.executable, program, house.web.url, house.city.url, PYTHONPATH=str(python_client)
    )
    assert (done.returncode, done.stdout) == (0, PAID), done.stderr


def test_a_bill_is_paid_in_typescript(house: House, typescript_client: Path) -> None:
    program = typescript_client / "dist" / "examples" / "pay-a-bill.js"
    done = run("node", program, house.web.url, house.city.url)
    assert (done.returncode, done.stdout) == (0, PAID), done.stderr


def test_typescript_calls_in_its_own_name(
    house: House, typescript_client: Path, tmp_path: Path
) -> None:
    made = house.web.post("/v1/sandbox/clients", {"name": "武当文旅", "scopes": []}, {})
    assert made.status == 201, made.body
    program = tmp_path / "own.mjs"
    program.write_text(
        f"import {{ connect }} from '{(typescript_client / 'dist/src/index.js').as_uri()}'\n"
        f"const city = connect({json.dumps(made.json)})\n"
        "for (let tries = 0; tries < 3; tries++) {\n"
        "  const { data, error } = await city.GET('/v1/oauth/clients/me/requests')\n"
        "  console.log(data ? 'read' : error.code)\n"
        "}\n",
        encoding="utf-8",
    )
    done = run("node", program)
    assert (done.returncode, done.stdout) == (0, "read\nread\nread\n"), done.stderr


def test_typescript_tries_again_what_is_safe(typescript_client: Path) -> None:
    address = (typescript_client / "dist/src/index.js").as_uri()
    done = run("node", Path(__file__).with_name("stumbling.mjs"), address)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    address, nonce = found.pop("address"), found.pop("sentNonce")
    assert (address, nonce) == ("http://127.0.0.1/v1/oauth/clients/me/requests", "n-1")
    seen = {name: (one["status"], one["calls"], one["tokens"]) for name, one in found.items()}
    assert seen == {
        "busy": (200, 4, 1),
        "busyForever": (503, 4, 1),
        "broken": (200, 2, 1),
        "refused": (200, 2, 2),
        "refusedTwice": (401, 2, 2),
        "paidWithKey": (200, 3, 1),
        "paidWithout": (503, 1, 1),
        "paidWithoutBroken": ("broken", 1, 1),
        "nonce": (200, 2, 1),
    }
    assert all(one["proofs"] == one["calls"] for one in found.values()), "each proof is fresh"
    assert found["paidWithKey"]["keys"] == 1


def test_the_guides_commands_print_what_it_promises(
    house: House, python_client: Path, tmp_path: Path
) -> None:
    """From zero to the first call, and a bill: as written, but for ports and folders."""
    script = "".join(SHOWN)
    promised = PROMISE.findall(script)
    port = int(house.env["PORT"])
    for shown, offset in {"8000": 0, "8011": 11}.items():
        script = script.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{port + offset}")
    script = script.replace("data/", f"{tmp_path}/")
    script = script.replace("make clients ONLY=", ".venv/bin/python -m tools.clients ")
    script = script.replace(".venv/bin/python", sys.executable)
    done = run("bash", "-euo", "pipefail", "-c", script, DATA_DIR=str(house.data_dir))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(promised) == 3
    printed = iter(done.stdout.splitlines())
    for promise in promised:
        assert promise in printed, f"{promise} is not printed in its turn:\n{done.stdout}"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "\nclients: .venv/ready-dev\n\t$(PYTHON) -m tools.clients $(ONLY)\n" in makefile
