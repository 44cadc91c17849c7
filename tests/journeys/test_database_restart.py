"""PostgreSQL is killed and comes back: refusals meanwhile, nothing lost, no restart of ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.core import migrate
from app.factory import Rooms, build, create_app
from app.http.server import Server
from config.settings import Settings
from sandbox.servers import Postgres, start_postgres, temporary_data_dir
from tests.conftest import World
from tests.factories import bearer, make_phone, staff_token
from tests.ports import port_of_a_run

BALANCE = "/v1/ledger/trial-balance"


@dataclass
class Fragile:
    """A house with a PostgreSQL of its own."""

    folder: Path
    postgres: Postgres
    rooms: Rooms
    app: Server

    def kill(self) -> None:
        """Take PostgreSQL away."""
        self.postgres.stop()

    def revive(self) -> None:
        """Bring PostgreSQL back where it was."""
        port = urlsplit(self.postgres.app_url).port
        self.postgres = start_postgres(self.folder, port=port or 0)


@pytest.fixture
def fragile(world: World) -> Iterator[Fragile]:
    """Return a house whose database can be killed."""
    with temporary_data_dir() as data:
        folder = Path(data) / "pg"
        # It comes back at its port, which nobody may have been given meanwhile.
        postgres = start_postgres(folder, port=port_of_a_run())
        env = {
            **world.env,
            "DATABASE_URL": postgres.app_url,
            "DATABASE_OWNER_URL": postgres.owner_url,
        }
        settings = Settings.from_env(env)
        rooms = build(settings)
        migrate.upgrade(postgres.owner_url, postgres.app_url, rooms.histories)
        rooms.load_catalogue()
        house = Fragile(folder, postgres, rooms, create_app(settings, rooms))
        yield house
        rooms.close()
        house.postgres.stop()


def test_the_house_refuses_while_its_database_is_away_and_goes_on_by_itself(
    fragile: Fragile,
) -> None:
    auditor = bearer(staff_token(fragile.rooms, "auditor"))
    client = fragile.app.test_client()
    assert client.get(BALANCE, headers=auditor).status_code == 200
    assert client.get("/readyz").status_code == 200
    fragile.kill()
    away = client.get(BALANCE, headers=auditor)
    assert (away.status_code, away.json["code"]) == (503, "unavailable")
    assert int(away.headers["Retry-After"]) >= 1
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
    fragile.revive()
    assert client.get("/readyz").status_code == 200
    assert client.get(BALANCE, headers=auditor).status_code == 200


def test_a_restart_between_two_requests_is_not_noticed(fragile: Fragile) -> None:
    client = fragile.app.test_client()
    for _ in range(3):
        read = client.get("/v1/receipts/nothing/validity?amount=1")
        assert (read.status_code, read.json["valid"]) == (200, False)
        wanted = {"phone": make_phone(), "purpose": "login"}
        assert client.post("/v1/auth/challenges", json=wanted).status_code == 202
        fragile.kill()
        fragile.revive()
