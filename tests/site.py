"""The product live at an address of its own, for browsers and relying parties."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from urllib.parse import urlsplit

from app.factory import Rooms, build
from config.settings import Settings
from tests.conftest import World
from tests.factories import PATIENCE, codes_to, run_jobs
from tests.live import Live, serve


@dataclass(frozen=True)
class Site:
    """A running product, and a house that shares its address and keys, for what tests prepare."""

    url: str
    live: Live
    rooms: Rooms
    world: World
    env: dict[str, str]

    @contextmanager
    def house_that_reaches(self, url: str) -> Iterator[Rooms]:
        """Return a house that may call one more address of this machine."""
        reached = f"{self.env['EGRESS_LOOPBACK']},{urlsplit(url).netloc}"
        house = build(Settings.from_env({**self.env, "EGRESS_LOOPBACK": reached}))
        try:
            yield house
        finally:
            house.close()

    def code_for(self, phone: str) -> str:
        """Return the newest code that a number was sent, once the worker has sent it."""
        until = monotonic() + PATIENCE
        run_jobs(self.rooms)
        while not (sent := codes_to(self.world, f"+86{phone}")):
            assert monotonic() < until, "no code came"
            sleep(0.1)
            run_jobs(self.rooms)
        return sent[0]


@contextmanager
def serve_site(world: World, **settings: str) -> Iterator[Site]:
    """Run the product at `localhost`, a name, which browsers want for passkeys.

    A page and what belongs to it are asked for at once: no lane of it is ever full.
    """
    settings = {"WEB_THREADS": "64", **settings}
    with serve(world, named=True, **settings) as live:
        env = {
            **world.env,
            "PUBLIC_URL": live.url,
            "WEBAUTHN_ORIGINS": live.url,
            **settings,
        }
        rooms = build(Settings.from_env(env))
        try:
            yield Site(live.url, live, rooms, world, env)
        finally:
            rooms.close()
