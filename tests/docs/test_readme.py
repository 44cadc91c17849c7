"""README.md tells the truth: what it shows is run, and what it promises is printed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.journeys.house import ROOT, House, run_house

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```sh( run)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"  # (.+)$", re.MULTILINE)
PORTS = {"8000": 0, "8010": 10, "8011": 11, "8012": 12}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Run the product as it is."""
    with run_house() as running:
        yield running


def test_every_command_runs_and_prints_what_it_promises(house: House) -> None:
    script = "".join(text for marked, text in BLOCK.findall(README) if marked)
    promised = PROMISE.findall(script)
    port = int(house.env["PORT"])
    for shown, offset in PORTS.items():
        script = script.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{port + offset}")
    script = script.replace(".venv/bin/python", sys.executable)
    done = subprocess.run(  # noqa: S603 - our own README
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - whichever the reader has
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(house.data_dir)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(promised) == 11
    printed = iter(done.stdout.splitlines())
    for promise in promised:
        assert promise in printed, f"{promise} is not printed in its turn:\n{done.stdout}"


def test_commands_that_are_not_run_here_exist() -> None:
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = [text.strip() for marked, text in BLOCK.findall(README) if not marked]
    assert named == ["make run"]
    for target in [*re.findall(r"`make ([a-z-]+)`", README), "run", "demo"]:
        assert re.search(rf"^{target}:", targets, re.MULTILINE), target


@pytest.mark.parametrize(
    "page",
    sorted(
        str(path.relative_to(ROOT))
        for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "sandbox/README.md"]
    ),
)
def test_every_link_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), target
