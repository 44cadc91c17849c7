"""Runs the jobs and the schedules until it is told to stop: `python -m app.worker`."""

import gc

gc.disable()  # what a start makes stays: to look for garbage in it is a third of a start

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
    gc.freeze()
    gc.enable()
    rooms.jobs.run(rooms.units, concurrency=CONCURRENCY)


if __name__ == "__main__":
    main()
