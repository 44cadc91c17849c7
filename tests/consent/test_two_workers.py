"""A withdrawal holds on every worker from the moment it is answered."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.factory import Rooms
from tests.conftest import World
from tests.consent.support import make_agreement, seen
from tests.factories import bearer
from tests.host.plugins import MANIFEST, new_name, write_plugin
from tests.identity.support import log_in_quickly
from tests.live import PATIENCE, Live, serve

ROUTES = '''
"""Routes."""

import os

from flask.views import MethodView

from app.sdk import Blueprint, Schema, citizen, fields

blueprint = Blueprint("NAME", __name__, description="Who is it")


class NAMESeenSchema(Schema):
    """What is seen."""

    names = fields.List(fields.Text(), required=True)
    worker = fields.Integer(required=True)


@blueprint.route("/seen")
class Seen(MethodView):
    """What is seen."""

    @blueprint.response(200, NAMESeenSchema)
    def get(self) -> dict[str, object]:
        """See NAME citizen"""
        return {"names": sorted(citizen().attributes), "worker": os.getpid()}
'''
READERS = 3


def test_after_the_answer_nobody_sees_anything(world: World, rooms: Rooms, tmp_path: Path) -> None:
    name = new_name("seer")
    plugins = tmp_path / "plugins"
    declared = 'settings = []\ncitizen_attributes = ["phone"]'
    manifest = MANIFEST.format(name=name).replace("settings = []", declared)
    write_plugin(plugins, name, manifest=manifest, routes=ROUTES)
    agreement = make_agreement(rooms, consumer=f"plugin:{name}")
    citizen = log_in_quickly(rooms)
    headers = bearer(citizen.access_token)
    with serve(world, PLUGINS_DIR=str(plugins)) as live:
        shown = _withdraw_while_read(live, name, agreement.id, headers)
    before, after = shown
    assert len({worker for worker, _ in before}) == len({worker for worker, _ in after}) == 2
    assert all(names == ("phone",) for _, names in before)
    assert all(names == () for _, names in after)
    assert seen(rooms, citizen.citizen_id, f"plugin:{name}") == frozenset()


def _wait(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


Seen = list[tuple[int, tuple[str, ...]]]


def _withdraw_while_read(
    live: Live, name: str, agreement_id: str, headers: dict[str, str]
) -> tuple[Seen, Seen]:
    """Return what was seen before the withdrawal was sent, and after it was answered."""
    given = live.post("/v1/me/consents", {"agreement_id": agreement_id, "version": 1}, headers)
    assert given.status == 201, given.body
    looks: list[tuple[float, float, int, tuple[str, ...]]] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            begun = time.monotonic()
            answer = live.call("GET", f"/v1/{name}/seen", headers=headers)
            if answer.status == 503:  # a crowded worker tells nobody anything
                continue
            assert answer.status == 200, answer.body
            found = answer.json
            looks.append((begun, time.monotonic(), found["worker"], tuple(found["names"])))

    threads = [threading.Thread(target=read) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    _wait(lambda: len({worker for _, _, worker, _ in looks}) == 2)
    sent = time.monotonic()
    answer = live.call("DELETE", f"/v1/me/consents/{given.json['id']}", headers=headers)
    answered = time.monotonic()
    assert answer.status == 204
    _wait(lambda: len({w for begun, _, w, _ in looks if begun > answered}) == 2)
    over.set()
    for thread in threads:
        thread.join()
    before = [(w, names) for _, ended, w, names in looks if ended < sent]
    after = [(w, names) for begun, _, w, names in looks if begun > answered]
    return before, after
