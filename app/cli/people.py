"""`staff` and `integrators`: accounts that no citizen's request can make."""

import json

import click
from flask import Flask
from flask.cli import AppGroup

from app.core.tokens import Tokens
from app.factory import Rooms
from app.oauth import service as oauth
from app.oauth.errors import ClientExists, ClientInvalid
from app.oauth.values import AuthMethod, ClientStatus, GrantedScope, GrantType, NewClient, Profile
from app.staff import service as staff_service
from app.staff.values import Role
from config.settings import Settings

ACTOR = "command-line"


def register(app: Flask, settings: Settings, rooms: Rooms) -> None:
    """Add both groups."""
    app.cli.add_command(_staff(settings, rooms))
    app.cli.add_command(_integrators(rooms))


def _staff(settings: Settings, rooms: Rooms) -> AppGroup:
    group = AppGroup("staff", help="Members of staff.")

    @group.command("create")
    @click.option("--role", type=click.Choice([str(role) for role in Role]), required=True)
    @click.option("--department", help="Whom a department operator acts for.")
    @click.option("--label", default="", help="What this account is called; no person's name.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object.")
    def create(*, role: str, department: str | None, label: str, as_json: bool) -> None:
        """Make a member of staff; in the sandbox, with a token good for a working day."""
        if Role(role) is Role.DEPARTMENT_OPERATOR and not department:
            raise click.UsageError("a department-operator needs --department")
        with rooms.units.open(actor=ACTOR) as uow:
            staff = staff_service.create_staff(uow, label or role, Role(role), department)
            made: dict[str, object] = {"id": str(staff.id), "role": role, "department": department}
            if settings.profile == "sandbox":
                tokens = rooms.deps[Tokens]
                made["access_token"] = staff_service.issue_sandbox_token(uow, tokens, staff)
        _print(made, as_json=as_json)

    return group


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
