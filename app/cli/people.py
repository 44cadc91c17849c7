"""`integrators`: accounts of systems, which no citizen's request can make."""

import json
from collections.abc import Sequence

import click
from flask import Flask
from flask.cli import AppGroup

from app.factory import Rooms
from app.oauth import service as oauth
from app.oauth.errors import ClientExists, ClientInvalid, SandboxOnly
from app.oauth.schemas import SandboxClientSchema
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

    _add_new(group, rooms)
    return group


def _add_new(group: AppGroup, rooms: Rooms) -> None:
    @group.command("new")
    @click.option("--name", required=True, help="What citizens read when they are asked.")
    @click.option("--scope", "scopes", multiple=True, help="May stand several times.")
    @click.option(
        "--redirect-uri", "redirect_uris", multiple=True, help="http://127.0.0.1/callback"
    )
    def new(*, name: str, scopes: Sequence[str], redirect_uris: Sequence[str]) -> None:
        """Make a key and a client of the sandbox, and print all that its first call needs.

        The key is shown this once. Elsewhere than in a sandbox staff registers clients.
        """
        try:
            with rooms.units.open(actor=ACTOR) as uow:
                made = oauth.make_sandbox_client(
                    uow,
                    rooms.deps[oauth.OAuthDeps],
                    name=name,
                    scopes=scopes,
                    redirect_uris=redirect_uris,
                    cause=ACTOR,
                )
        except (SandboxOnly, ClientExists, ClientInvalid) as error:
            faults = "".join(f"; {f['pointer']}: {f['message']}" for f in error.errors or ())
            raise click.ClickException(f"{error.title_en}. {error.detail}{faults}") from error
        click.echo(json.dumps(SandboxClientSchema().dump(made), ensure_ascii=False))


def _print(made: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False))
        return
    for name, value in made.items():
        click.echo(f"{name}: {value}")
