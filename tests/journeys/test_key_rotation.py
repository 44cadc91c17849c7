"""Keys change while citizens are served by two processes, and nobody notices (P49)."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Self
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.tokens import OVERLAP, TokenInvalid, Tokens
from app.factory import Rooms
from app.http.authentication import Authenticator
from app.http.server import Server
from tests.conftest import World
from tests.factories import bearer, later, log_in
from tests.identity.support import log_in_quickly
from tests.live import ROOT, Live, serve

_BREATH = 0.05
"""Seconds between two rounds of a citizen: the commands, too, need the machine."""


def flask(world: World, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env={**world.env, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Load:
    """Citizens who read their profile, stay logged in, and arrive anew, until they are told off."""

    def __init__(self, live: Live, rooms: Rooms) -> None:
        self.answers: Counter[int] = Counter()
        self._live, self._rooms = live, rooms
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(3)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        mine = log_in_quickly(self._rooms)
        access, refresh = mine.access_token, mine.refresh_token
        while not self._over.is_set():
            self.answers[self._live.call("GET", "/v1/me", headers=bearer(access)).status] += 1
            fresh = self._live.post("/v1/auth/sessions/refresh", {"refresh_token": refresh}, {})
            self.answers[fresh.status] += 1
            access, refresh = fresh.json["access_token"], fresh.json["refresh_token"]
            newcomer = log_in_quickly(self._rooms)
            seen = self._live.call("GET", "/v1/me", headers=bearer(newcomer.access_token))
            self.answers[seen.status] += 1
            self._over.wait(_BREATH)


@pytest.mark.promise("P49")
def test_keys_rotate_under_load(world: World, rooms: Rooms, shows: Callable[[str], None]) -> None:
    veteran = log_in_quickly(rooms)
    # Of four threads a reader gets three, and waits 200 ms at most: with more nobody is shed.
    with serve(world, WEB_THREADS="64") as live, Load(live, rooms) as load:
        before = json.loads(flask(world, "keys", "status"))
        newest = max(w["number"] for w in before["encryption"])
        flask(world, "keys", "add-encryption")
        flask(world, "keys", "add-token-signing", "--publish-ahead", "2")
        flask(world, "keys", "rewrap")
        flask(world, "keys", "rewrap")  # whoever arrived before the new key was seen everywhere
        flask(world, "keys", "retire-encryption", str(newest))
        signer = json.loads(flask(world, "keys", "status"))["token_signing"][-1]["kid"]
        jwks = [key["kid"] for key in rooms.deps[Tokens].jwks()["keys"]]
        assert signer in jwks
        old = live.call("GET", "/v1/me", headers=bearer(veteran.access_token))
        assert old.status == 200, "a token of the key before is believed until it is over"
    after = json.loads(flask(world, "keys", "status"))["encryption"]
    assert [(w["number"], w["is_live"]) for w in after] == [(newest + 1, True)]
    assert load.answers.keys() == {200}, load.answers
    shows(f"{load.answers.total()} calls during both rotations: 0 failed; no data key left behind")


def test_the_key_before_is_over_when_its_last_token_is(rooms: Rooms, world: World) -> None:
    mine = log_in_quickly(rooms)
    tokens = rooms.deps[Tokens]
    long = tokens.issue(
        subject=mine.citizen_id,
        session_id=mine.session_id,
        kind="citizen",
        assurance="basic",
        lifetime=3 * OVERLAP,
    )
    flask(world, "keys", "add-token-signing", "--publish-ahead", "2")
    with later(3):
        assert rooms.deps[Authenticator].authenticate(long, fresh=True).id == mine.citizen_id
        kid = tokens.signing_keys()[-1].kid
    with later(OVERLAP.total_seconds() + 5):
        assert [key.kid for key in tokens.signing_keys()] == [kid]
        with pytest.raises(TokenInvalid):
            rooms.deps[Authenticator].authenticate(long, fresh=True)


def test_a_key_in_use_cannot_be_retired(world: World, rooms: Rooms) -> None:
    log_in_quickly(rooms)
    status = json.loads(flask(world, "keys", "status"))["encryption"]
    newest = max(w["number"] for w in status)
    for number in (newest, newest + 7):
        with pytest.raises(AssertionError, match=r"is the newest|there is no live key"):
            flask(world, "keys", "retire-encryption", str(number))
    flask(world, "keys", "add-encryption")
    with pytest.raises(AssertionError, match="still wraps"):
        flask(world, "keys", "retire-encryption", str(newest))
    flask(world, "keys", "rewrap")


def test_a_rewrapped_citizen_is_the_same(world: World, rooms: Rooms, app: Server) -> None:
    client = app.test_client()
    citizen = log_in(client, world, rooms)
    before = client.get("/v1/me", headers=citizen.auth).json
    flask(world, "keys", "add-encryption")
    flask(world, "keys", "rewrap")
    with later(2):
        assert client.get("/v1/me", headers=citizen.auth).json == before
    with rooms.units.open(actor="test", read_only=True) as uow:
        wrapped = uow.scalar(
            text("select wrapped from data_keys where owner = :owner"),
            {"owner": f"citizen:{UUID(citizen.id)}"},
        )
    assert int.from_bytes(bytes(wrapped)[1:3]) > 1
