"""The product live at an address of its own, for browsers and relying parties."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.factory import Rooms, build
from config.settings import Settings
from tests.conftest import World
from tests.factories import city, run_jobs
from tests.live import Live, serve


@dataclass(frozen=True)
class Site:
    """A running product, and a house that shares its address and keys, for what tests prepare."""

    url: str
    live: Live
    rooms: Rooms
    world: World

    def code_for(self, phone: str) -> str:
        """Return the newest code that a number was sent, once the worker has sent it."""
        run_jobs(self.rooms)
        return str(city(self.world, "GET", f"/sms/messages?to=%2B86{phone}")["items"][0]["code"])


@contextmanager
def serve_site(world: World, **settings: str) -> Iterator[Site]:
    """Run the product at `localhost`, a name, which browsers want for passkeys."""
    with serve(world, named=True, **settings) as live:
        env = {**world.env, **settings, "PUBLIC_URL": live.url}
        rooms = build(Settings.from_env(env))
        try:
            yield Site(live.url, live, rooms, world)
        finally:
            rooms.close()
