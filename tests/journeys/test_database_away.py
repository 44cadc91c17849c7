"""The database is killed under a worker, which waits for it and goes on by itself."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from sandbox.environment import Outside, Secrets, product_environment
from sandbox.servers import Postgres, start_postgres, temporary_data_dir
from tests.journeys.house import PATIENCE, ROOT, wait_until
from tests.journeys.test_crash import flask
from tests.ports import port_of_a_run

NOBODY = "http://127.0.0.1:9"
AWAY = b"worker.database_away"


def environment(postgres: Postgres, folder: Path) -> dict[str, str]:
    outside = Outside(
        database_url=postgres.app_url,
        database_owner_url=postgres.owner_url,
        redis_url="redis://127.0.0.1:9",
        city_url=NOBODY,
        stripe_url=NOBODY,
    )
    given = product_environment(
        outside=outside, secrets=Secrets.fresh(), port=8000, data_dir=folder
    )
    return {**os.environ, **given, "PACE": "fast"}


def heartbeats(postgres: Postgres, after: datetime | None = None) -> list[int]:
    """Return the workers that PostgreSQL has heard of since then, or none while it is away."""
    query = "select id from procrastinate_workers where last_heartbeat > %s"
    since = after or datetime.min.replace(tzinfo=UTC)
    try:
        with psycopg.connect(postgres.owner_url.replace("+psycopg", "")) as connection:
            return [number for (number,) in connection.execute(query, (since,))]
    except psycopg.OperationalError:
        return []


def hang_up(postgres: Postgres) -> None:
    """End every connection of the service, as a failover does."""
    query = (
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where pid <> pg_backend_pid() and backend_type = 'client backend'"
    )
    with psycopg.connect(postgres.app_url.replace("+psycopg", "")) as connection:
        connection.execute(query)


def test_a_worker_outlives_its_database() -> None:
    with temporary_data_dir() as folder:
        home = folder / "postgres"
        # It comes back at its port, which nobody may have been given meanwhile.
        postgres = start_postgres(home, port=port_of_a_run(), durable=False)
        worker = None
        try:
            env = environment(postgres, folder)
            flask(env, "migrate")
            log = folder / "worker.log"
            with log.open("wb") as output:
                worker = subprocess.Popen(
                    [sys.executable, "-m", "app.worker"],
                    cwd=ROOT,
                    env=env,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            wait_until(lambda: heartbeats(postgres), bool)
            hang_up(postgres)
            # A worker that was between two connections notices nothing and keeps its number.
            hung_up = datetime.now(UTC)
            wait_until(lambda: heartbeats(postgres, hung_up), bool)
            port = urlsplit(postgres.app_url).port or 0
            told = log.read_bytes().count(AWAY)
            postgres.stop()
            # Long enough for the worker to have noticed, and to have been refused at the door.
            wait_until(log.read_bytes, lambda seen: seen.count(AWAY) > told)
            back = datetime.now(UTC)
            postgres = start_postgres(home, port=port, durable=False)
            wait_until(lambda: heartbeats(postgres, back), bool)
            assert worker.poll() is None
            worker.terminate()
            assert worker.wait(PATIENCE) == 0
        finally:
            if worker is not None:
                worker.kill()
                worker.wait()
            postgres.stop()
