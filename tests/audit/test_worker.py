"""The worker as it is deployed seals by itself, and a figure says how late it is."""

import os
import re
import subprocess
import sys
import time

from flask.testing import FlaskClient

from app.factory import Rooms, create_app
from config.settings import ROOT
from tests.audit.support import knock, rows, seal
from tests.factories import later

FIGURE = re.compile(r"^audit_sealing_lag_seconds (\S+)$", re.MULTILINE)


def shown_lag(client: FlaskClient) -> float:
    found = FIGURE.search(client.get("/metrics").text)
    assert found is not None
    return float(found[1])


def test_a_worker_seals_what_is_written_and_the_figure_falls(house: Rooms) -> None:
    client = create_app(house.settings, house).test_client()
    knock(house, 3)
    with later(1_800):
        assert shown_lag(client) >= 1_800
    worker = subprocess.Popen(
        [sys.executable, "-m", "app.worker"],
        cwd=ROOT,
        env={**house.settings.plugin_env, "PATH": os.environ["PATH"]},
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(2):
            expected = rows(house, "select max(number) from audit_entries")[0][0]
            until = time.monotonic() + 60
            while sealed(house) < expected:
                assert time.monotonic() < until, "nothing was sealed"
                assert worker.poll() is None, "the worker has ended"
                time.sleep(0.2)
            knock(house, 1)
    finally:
        worker.terminate()
        worker.wait(120)
    seal(house)
    with later(1_800):
        assert shown_lag(client) == 0


def sealed(rooms: Rooms) -> int:
    return int(rows(rooms, "select coalesce(max(last), 0) from audit_seals")[0][0])
