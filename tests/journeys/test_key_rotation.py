"""Keys change while citizens are served by two processes, and nobody notices (P49)."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Self
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from app.cli.keys import register
from app.core.key_file import LOOK_SECONDS
from app.core.tokens import OVERLAP, TokenInvalid, Tokens
from app.factory import Rooms, build
from app.http.authentication import Authenticator
from app.http.server import Server
from config.settings import Settings
from tests.conftest import World
from tests.factories import bearer, later, log_in
from tests.identity.support import log_in_quickly
from tests.live import Live, serve

_BREATH = 0.05
"""Seconds between two rounds of a citizen: the commands, too, need the machine."""


Keys = Callable[..., str]


@pytest.fixture
def keys(world: World) -> Iterator[Keys]:
    """Return the command `keys` of a house of its own, which like any other sees a file's keys."""
    house = build(Settings.from_env(world.env))
    made = Flask("commands")
    register(made, house)

    def run(*arguments: str) -> str:
        done = made.test_cli_runner().invoke(args=["keys", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    yield run
    house.close()


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
def test_keys_rotate_under_load(
    world: World, rooms: Rooms, keys: Keys, shows: Callable[[str], None]
) -> None:
    veteran = log_in_quickly(rooms)
    # Of four threads a reader gets three, and waits 200 ms at most: with more nobody is shed.
    with serve(world, WEB_THREADS="64") as live, Load(live, rooms) as load:
        before = json.loads(keys("status"))
        newest = max(w["number"] for w in before["encryption"])
        keys("add-encryption")
        keys("add-token-signing", "--publish-ahead", "2")
        keys("rewrap")
        time.sleep(4 * LOOK_SECONDS)
        keys("rewrap")  # whoever arrived before the new key was seen everywhere
        keys("retire-encryption", str(newest))
        signer = json.loads(keys("status"))["token_signing"][-1]["kid"]
        jwks = [key["kid"] for key in rooms.deps[Tokens].jwks()["keys"]]
        assert signer in jwks
        old = live.call("GET", "/v1/me", headers=bearer(veteran.access_token))
        assert old.status == 200, "a token of the key before is believed until it is over"
    after = json.loads(keys("status"))["encryption"]
    assert [(w["number"], w["is_live"]) for w in after] == [(newest + 1, True)]
    assert load.answers.keys() == {200}, load.answers
    shows(f"{load.answers.total()} calls during both rotations: 0 failed; no data key left behind")


def test_the_key_before_is_over_when_its_last_token_is(rooms: Rooms, keys: Keys) -> None:
    mine = log_in_quickly(rooms)
    tokens = rooms.deps[Tokens]
    long = tokens.issue(
        subject=mine.citizen_id,
        session_id=mine.session_id,
        kind="citizen",
        assurance="basic",
        lifetime=3 * OVERLAP,
    )
    keys("add-token-signing", "--publish-ahead", "2")
    time.sleep(1.1 * LOOK_SECONDS)
    with later(3):
        assert rooms.deps[Authenticator].authenticate(long, fresh=True).id == mine.citizen_id
        kid = tokens.signing_keys()[-1].kid
    with later(OVERLAP.total_seconds() + 5):
        assert [key.kid for key in tokens.signing_keys()] == [kid]
        with pytest.raises(TokenInvalid):
            rooms.deps[Authenticator].authenticate(long, fresh=True)


def test_a_key_in_use_cannot_be_retired(rooms: Rooms, keys: Keys) -> None:
    log_in_quickly(rooms)
    status = json.loads(keys("status"))["encryption"]
    newest = max(w["number"] for w in status)
    for number in (newest, newest + 7):
        with pytest.raises(AssertionError, match=r"is the newest|there is no live key"):
            keys("retire-encryption", str(number))
    keys("add-encryption")
    with pytest.raises(AssertionError, match="still wraps"):
        keys("retire-encryption", str(newest))
    keys("rewrap")


def test_a_rewrapped_citizen_is_the_same(
    world: World, rooms: Rooms, app: Server, keys: Keys
) -> None:
    client = app.test_client()
    citizen = log_in(client, world, rooms)
    before = client.get("/v1/me", headers=citizen.auth).json
    keys("add-encryption")
    keys("rewrap")
    with later(2):
        assert client.get("/v1/me", headers=citizen.auth).json == before
    with rooms.units.open(actor="test", read_only=True) as uow:
        wrapped = uow.scalar(
            text("select wrapped from data_keys where owner = :owner"),
            {"owner": f"citizen:{UUID(citizen.id)}"},
        )
    assert int.from_bytes(bytes(wrapped)[1:3]) > 1
