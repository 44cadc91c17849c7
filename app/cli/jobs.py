"""`jobs`: what waits, what failed and will be tried again, and what is dead."""

import json

import click
from flask import Flask

from app.core.jobs import list_jobs, retry_job
from app.factory import Rooms

ACTOR = "command-line"


def register(app: Flask, rooms: Rooms) -> None:
    """Add the group; without a subcommand it lists."""

    @app.cli.group("jobs", invoke_without_command=True)
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
    @click.pass_context
    def jobs(context: click.Context, *, as_json: bool) -> None:
        """List jobs that are not done, the dead first; `retry` runs one once more."""
        if context.invoked_subcommand is None:
            with rooms.units.open(actor=ACTOR, read_only=True) as uow:
                for job in list_jobs(uow):
                    click.echo(json.dumps(job.to_json()) if as_json else str(job))

    @jobs.command("retry")
    @click.argument("job_id", type=int)
    def retry(job_id: int) -> None:
        """Run a dead job once more."""
        with rooms.units.open(actor=ACTOR) as uow:
            if not retry_job(uow, job_id):
                raise click.ClickException(f"there is no dead job {job_id}")
        click.echo(f"job {job_id} waits again")
