"""`demo-permits`: eight permits in a working day over HTTP, then with delays; one line a step."""

from urllib.parse import urlsplit

import click
from flask import Flask

from app.cli.demo.actors import City
from app.cli.demo.story import Broken, Story
from app.cli.demo.wire import NO_ANSWER
from app.cli.demo_permits import delays, one_day
from app.cli.demo_permits.actors import Account, MakeStaff
from app.cli.demo_permits.stage import Stage
from app.core.tokens import Tokens
from app.factory import Rooms
from app.staff import service
from app.staff.values import Role
from config.settings import Settings


def register(app: Flask, settings: Settings, rooms: Rooms) -> None:
    """Add the command."""

    @app.cli.command("demo-permits")
    def demo_permits() -> None:
        """Get eight permits in one working day, then with delays; stop at a broken promise."""
        if settings.clock_file is None:
            raise click.ClickException(
                "days are played in a minute: CLOCK_SHIFT_FILE is needed (make demo-permits)"
            )
        parts = urlsplit(settings.sms_url)
        stage = Stage(
            story=Story(),
            web=settings.web.public_url,
            city=City(f"{parts.scheme}://{parts.netloc}"),
            clock=settings.clock_file,
            make_staff=_maker(rooms),
        )
        try:
            delays.perform(stage, one_day.perform(stage))
        except Broken:
            raise click.exceptions.Exit(1) from None
        except NO_ANSWER as error:
            raise click.ClickException(f"no answer: {error!r}; is it running?") from error
        days = f"{stage.days[0]} 08:50 to {stage.days[-1]}"
        click.echo(
            f"完成 All {stage.story.steps} steps are as promised: {days}, "
            f"in {stage.story.seconds:.1f} s."
        )


def _maker(rooms: Rooms) -> MakeStaff:
    """Return what makes members of staff, as `staff create` does."""

    def make(role: str, department: str | None) -> Account:
        with rooms.units.open(actor="demo") as uow:
            staff = service.create_staff(uow, "demo", Role(role), department)
            return Account(
                str(staff.id), service.issue_sandbox_token(uow, rooms.deps[Tokens], staff)
            )

    return make
