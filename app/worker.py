"""Runs the jobs and the schedules until it is told to stop: `python -m app.worker`."""

import os

from app.core import logs
from app.factory import build
from config.settings import Settings

CONCURRENCY = 8


def main() -> None:
    """Run one worker; more workers are more copies of this program."""
    settings = Settings.from_env(os.environ)
    logs.configure(settings.log_level)
    rooms = build(settings)
    rooms.check_start()
    rooms.jobs.run(rooms.units, concurrency=CONCURRENCY)


if __name__ == "__main__":
    main()
