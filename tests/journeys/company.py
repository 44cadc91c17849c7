"""The example company as a process of its own, and what staff of the city does for it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journeys.house import ROOT, Citizen, House, wait_until

PROVIDER_OFFSET = 20
EVERYWHERE_SECONDS = 1.1
"""Each process asks once a second who provides what: by then the last one knows, too."""
_RUN = re.compile(r"^```sh run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMISE = re.compile(r"  # (.+)$", re.MULTILINE)
REVIEWER, OPERATOR = "catalog-editor", "system-admin"


@dataclass(frozen=True)
class Company:
    """A parking company on this machine: its city, its address as that knows it and as it is."""

    house: House
    url: str
    inner: str
    folder: Path
    env: dict[str, str]

    def run(self, *arguments: str) -> str:
        """Run a command of the company and return what it prints."""
        done = subprocess.run(  # noqa: S603 - our own example
            [sys.executable, "-m", "parking", *arguments],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def tell(self, event: str, **data: object) -> None:
        """Send the city an event."""
        self.run("tell", event, json.dumps(data))


@contextmanager
def run_company(house: House, folder: Path, *, listen: str = "") -> Iterator[Company]:
    """Serve the company at the address where the sandbox may call a provider.

    It listens elsewhere (`listen`, host:port) when something stands before it.
    """
    url = f"http://127.0.0.1:{int(house.env['PORT']) + PROVIDER_OFFSET}"
    env = _environment(house, url, folder)
    inner = f"http://{listen}" if listen else url
    company = Company(house, url, inner, folder, env)
    (folder / "manifest.json").write_text(company.run("manifest"), encoding="utf-8")
    process = subprocess.Popen(  # noqa: S603 - our own example
        [sys.executable, "-m", "parking", "serve", *(["--listen", listen] if listen else [])],
        env=env,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("parking listens at")
        yield company
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


@contextmanager
def run_page(house: House, folder: Path) -> Iterator[Company]:
    """Run the commands of docs/providers.md, which make a company and take it to live."""
    page = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    script = "".join(_RUN.findall(page))
    promised = _PROMISE.findall(script)
    port = int(house.env["PORT"])
    for offset in (0, PROVIDER_OFFSET):
        script = script.replace(f"127.0.0.1:{8000 + offset}", f"127.0.0.1:{port + offset}")
    script = script.replace(".venv/bin/python", sys.executable)
    (folder / "made").mkdir()
    said = folder / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own page
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - whichever the reader has
            cwd=ROOT,
            env={**os.environ, "DATA_DIR": str(house.data_dir), "TMPDIR": str(folder / "made")},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the company that it leaves running ends with its group
        )
    try:
        status = process.wait(300)
        text = said.read_text(encoding="utf-8")
        assert status == 0, text
        assert len(promised) == 5
        printed = iter(text.splitlines())
        for promise in promised:
            assert promise in printed, f"{promise} is not printed in its turn:\n{text}"
        (place,) = (folder / "made").iterdir()
        url = f"http://127.0.0.1:{port + PROVIDER_OFFSET}"
        yield Company(house, url, url, place, _environment(house, url, place))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def _environment(house: House, url: str, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "examples"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CITY_URL": house.web.url,
        "PARKING_URL": url,
        "PARKING_DIR": str(folder),
    }


def register(company: Company) -> str:
    """Register the company over the API and return its state."""
    made = company.house.within(
        *("flask", "--app", "wsgi", "integrators", "new"),
        *("--name", "武当智慧停车", "--scope", "providers.manage"),
    )
    assert made.returncode == 0, made.stderr
    (company.folder / "account.json").write_text(made.stdout, encoding="utf-8")
    return company.run("register", "account.json")


def staff(house: House, role: str = REVIEWER) -> Citizen:
    """Return somebody behind the counter: who reviews providers, or who operates them."""
    return Citizen(house.web, house.city, token=house.staff_token(role))


def move(desk: Citizen, *states: str) -> dict[str, Any]:
    """Move the company from state to state, as staff does, and return it."""
    shown: dict[str, Any] = {}
    for state in states:
        reason = {"zh": "审核通过", "en": "It was looked at"}
        wanted = {"to": state, "reason": reason}
        answer = desk.post("/v1/marketplace/providers/parking/moves", wanted)
        assert answer.status == 200, answer.body
        shown = answer.json
    return shown


def await_service(house: House, *, available: bool) -> dict[str, Any]:
    """Return the company's service as the catalogue shows it, once it is so in every process."""
    seen = wait_until(
        lambda: house.web.call("GET", "/v1/services/parking-fee"),
        lambda answer: answer.status == 200 and answer.json["available"] is available,
    )
    time.sleep(EVERYWHERE_SECONDS)
    shown: dict[str, Any] = seen.json
    return shown
