"""`integrators`: accounts of systems, which no citizen's request can make."""

import json

import click
from flask import Flask
from flask.cli import AppGroup

from app.factory import Rooms
from app.oauth import service as oauth
from app.oauth.errors import ClientExists, ClientInvalid
from app.oauth.values import AuthMethod, ClientStatus, GrantedScope, GrantType, NewClient, Profile

ACTOR = "command-line"


def register(app: Flask, rooms: Rooms) -> None:
    """Add the group."""
    app.cli.add_command(_integrators(rooms))


def _integrators(rooms: Rooms) -> AppGroup:
    group = AppGroup("integrators", help="Systems that call the API in their own name.")

    @group.command("create")
    @click.option("--name", required=True)
    @click.option("--scopes", default="", help="Separated by commas or spaces.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object.")
    def create(*, name: str, scopes: str, as_json: bool) -> None:
        """Make a system that calls in its own name with a secret, which is shown this once.

        Clients that ask citizens are registered over the API, and do FAPI 2.0 there.
        """
        wanted = NewClient(
            name=name,
            profile=Profile.PLAIN,
            auth_method=AuthMethod.BASIC,
            grant_types=(GrantType.CLIENT,),
            scopes=tuple(GrantedScope(s) for s in sorted(set(scopes.replace(",", " ").split()))),
        )
        try:
            with rooms.units.open(actor=ACTOR) as uow:
                made = oauth.create_client(uow, wanted, cause=ACTOR, status=ClientStatus.ACTIVE)
        except ClientExists as error:
            raise click.ClickException(f"there is an integrator {name!r}") from error
        except ClientInvalid as error:
            raise click.ClickException("a scope is lower-case letters, digits, _ . -") from error
        shown = [granted.scope for granted in made.scopes]
        _print(
            {"id": str(made.id), "name": name, "scopes": shown, "secret": made.secret},
            as_json=as_json,
        )

    return group


def _print(made: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False))
        return
    for name, value in made.items():
        click.echo(f"{name}: {value}")
