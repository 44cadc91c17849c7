"""docs/billers.md tells the truth: its file goes up, its commands print what they promise."""

import os
import re
import subprocess
from pathlib import Path
from uuid import uuid4

from flask.testing import FlaskClient

from app.factory import Rooms
from app.http.server import Server
from config.settings import ROOT
from tests.conftest import World
from tests.live import serve
from tests.plugins.utilities.desk import open_desk

PAGE = (ROOT / "docs" / "billers.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(sh|csv)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"    # (.+)$", re.MULTILINE)
A_DAY_OF_NOBODY_ELSE = "2031-01-06"


def test_every_command_runs_and_prints_what_it_promises(
    app: Server, client: FlaskClient, rooms: Rooms, world: World, tmp_path: Path
) -> None:
    mark = uuid4().hex[:6]
    page = PAGE.replace("202610", mark).replace("账单文件,2026-11-29-1", f"账单文件,{mark}")
    blocks = BLOCK.findall(page)
    (file,) = (text for kind, text in blocks if kind == "csv")
    script = "".join(text for kind, text in blocks if kind == "sh")
    (tmp_path / "bills.csv").write_text(file, encoding="utf-8")
    desk = open_desk(app, client, rooms)
    with serve(world) as live:
        done = subprocess.run(  # noqa: S603 - our own page
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - whichever the reader has
            cwd=tmp_path,
            env={
                **os.environ,
                "CITY": live.url,
                "TOKEN": desk.auth["Authorization"].removeprefix("Bearer "),
                "BILLER": desk.biller,
                "DAY": A_DAY_OF_NOBODY_ELSE,
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    promised = PROMISE.findall(script)
    assert len(promised) == 8
    rest = done.stdout
    for promise in promised:
        _, found, rest = rest.partition(promise)
        assert found, f"{promise} is not printed in its turn:\n{done.stdout}"
