"""The database is killed under a worker, which waits for it and goes on by itself."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from sandbox.environment import Outside, Secrets, product_environment
from sandbox.servers import Postgres, start_postgres, temporary_data_dir
from tests.journeys.house import ROOT, wait_until
from tests.journeys.test_crash import flask

NOBODY = "http://127.0.0.1:9"


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


def heartbeats(postgres: Postgres) -> list[int]:
    """Return the workers that PostgreSQL has heard of within seconds, or none while it is away."""
    query = (
        "select id from procrastinate_workers where last_heartbeat > now() - interval '4 seconds'"
    )
    try:
        with psycopg.connect(postgres.owner_url.replace("+psycopg", "")) as connection:
            return [number for (number,) in connection.execute(query)]
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
        postgres = start_postgres(home, durable=False)
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
            first = wait_until(lambda: heartbeats(postgres), bool)
            hang_up(postgres)
            before = wait_until(lambda: heartbeats(postgres), lambda seen: seen not in (first, []))
            port = urlsplit(postgres.app_url).port or 0
            postgres.stop()
            # Long enough for the worker to have noticed, and to have been refused at the door.
            wait_until(log.read_text, lambda seen: "worker.database_away" in seen)
            postgres = start_postgres(home, port=port, durable=False)
            after = wait_until(lambda: heartbeats(postgres), lambda seen: seen not in (before, []))
            assert after
            assert worker.poll() is None
            worker.terminate()
            assert worker.wait(30) == 0
        finally:
            if worker is not None:
                worker.kill()
                worker.wait()
            postgres.stop()
