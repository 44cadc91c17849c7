"""The command line: `flask --app wsgi …`, one file for each group of commands."""

import click
from flask import Flask
from flask.cli import FlaskGroup

from app.cli import (
    audit,
    demo,
    demo_permits,
    jobs,
    keys,
    ledger,
    migrate,
    openapi,
    payments,
    people,
    personal_data,
    plugins,
    problems,
    reconciliation,
    staff,
)
from app.factory import Rooms
from config.settings import Settings


def register(app: Flask, settings: Settings, rooms: Rooms) -> None:
    """Give the application its commands."""
    migrate.register(app, settings, rooms)
    openapi.register(app)
    problems.register(app)
    reconciliation.register(app)
    payments.register(app)
    ledger.register(app)
    personal_data.register(app, rooms)
    plugins.register(app, settings)
    people.register(app, rooms)
    staff.register(app, settings, rooms)
    jobs.register(app, rooms)
    audit.register(app, settings, rooms)
    keys.register(app, rooms)
    demo.register(app, settings, rooms)
    demo_permits.register(app, settings, rooms)


def is_running() -> bool:
    """Say whether this process was started for a command of ours, not to serve."""
    context = click.get_current_context(silent=True)
    # A server's own command line may be built with click, too: only Flask's is ours.
    return context is not None and isinstance(context.find_root().command, FlaskGroup)
