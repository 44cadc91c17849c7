"""`demo`: the main journey over HTTP, as a mobile app would perform it, one line a step."""

from http.client import HTTPException
from urllib.parse import urlsplit

import click
from flask import Flask

from app.cli.demo import journey, refusals
from app.cli.demo.actors import City, Phone
from app.cli.demo.journey import Tour
from app.cli.demo.story import Broken, Story
from app.core.tokens import Tokens
from app.factory import Rooms
from app.staff import service
from app.staff.values import Role
from config.settings import Settings


def register(app: Flask, settings: Settings, rooms: Rooms) -> None:
    """Add the command."""

    @app.cli.command("demo")
    def demo() -> None:
        """Pay a water bill against the running service; stop at the first broken promise."""
        if settings.profile != "sandbox":
            raise click.ClickException("the demonstration makes people and bills: sandbox only")
        tour = Tour(
            story=Story(),
            web=settings.web.public_url,
            stripe=settings.stripe.api_base,
            city=City(_origin(settings.sms_url)),
            phone=Phone.fresh(settings.web.public_url),
            staff_token=lambda: _staff_token(rooms),
        )
        try:
            paid = journey.perform(tour)
            refusals.perform(tour, paid)
        except Broken:
            raise click.exceptions.Exit(1) from None
        except (OSError, HTTPException) as error:
            raise click.ClickException(f"no answer: {error!r}; is it running?") from error
        click.echo(
            f"完成 All {tour.story.steps} steps are as promised, in {tour.story.seconds:.1f} s."
        )


def _staff_token(rooms: Rooms) -> str:
    """Make an auditor, as `staff create` does."""
    with rooms.units.open(actor="demo") as uow:
        staff = service.create_staff(uow, "demo", Role.AUDITOR, None)
        return service.issue_sandbox_token(uow, rooms.deps[Tokens], staff)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
