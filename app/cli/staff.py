"""`staff`: the first administrators, the sandbox's accounts, and the page of roles."""

import json
from collections.abc import Mapping

import click
from flask import Flask
from flask.cli import AppGroup

from app.core.tokens import Tokens
from app.factory import Rooms
from app.staff import service
from app.staff.errors import Bootstrapped
from app.staff.service import StaffDeps
from app.staff.values import PERMISSIONS_BY_NAME, ROLES, Office, Role, Words
from config.settings import ROOT, Settings

ACTOR = "command-line"
DOCUMENT = ROOT / "docs" / "roles.md"
OFFICES = {
    Office.SYSTEM: Words("系统管理", "System administration"),
    Office.SECURITY: Words("安全管理", "Security administration"),
    Office.AUDIT: Words("审计管理", "Audit administration"),
    Office.OPERATIONS: Words("业务办理", "Operations"),
}
_HEAD = """\
# Roles of staff

Written from the permission table (`app/staff/values.py`) by `flask --app wsgi staff roles`. What
stands in no row is allowed to nobody. A person holds roles of **one office** only: the database
refuses any other, so nobody is two of the three administrators. Roles are granted by two security
administrators together; nobody grants to themselves. A permission under *may be elevated to* is
held for an hour at most, with a reason, when another person approves.

| 角色 Role | office | 权限 may | may be elevated to |
|---|---|---|---|
"""
_PERMISSIONS_HEAD = """
## Permissions

| permission | 中文 | English |
|---|---|---|
"""


def register(app: Flask, settings: Settings, rooms: Rooms) -> None:
    """Add the group."""
    group = AppGroup("staff", help="Members of staff.")
    _create(group, settings, rooms)
    _bootstrap(group, rooms)
    _roles(group)
    app.cli.add_command(group)


def _create(group: AppGroup, settings: Settings, rooms: Rooms) -> None:
    @group.command("create")
    @click.option("--role", type=click.Choice([str(role) for role in Role]), required=True)
    @click.option("--department", help="Whom a department operator acts for.")
    @click.option("--label", default="", help="What this account is called; no person's name.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object.")
    def create(*, role: str, department: str | None, label: str, as_json: bool) -> None:
        """Make a member of staff for the sandbox, with a token good for a working day."""
        if Role(role) is Role.DEPARTMENT_OPERATOR and not department:
            raise click.UsageError("a department-operator needs --department")
        with rooms.units.open(actor=ACTOR) as uow:
            member = service.create_staff(uow, label or role, Role(role), department)
            made: dict[str, object] = {"id": str(member.id), "role": role, "department": department}
            if settings.profile == "sandbox":
                tokens = rooms.deps[Tokens]
                made["access_token"] = service.issue_sandbox_token(uow, tokens, member)
        _print(made, as_json=as_json)


def _bootstrap(group: AppGroup, rooms: Rooms) -> None:
    @group.command("bootstrap")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
    def bootstrap(*, as_json: bool) -> None:
        """Invite the first two security administrators; each token is shown this once.

        Give each to another person. Refused when there are two already.
        """
        try:
            with rooms.units.open(actor=ACTOR) as uow:
                made = service.bootstrap(uow, rooms.deps[StaffDeps])
        except Bootstrapped as error:
            raise click.ClickException("there are two security administrators") from error
        for invited in made:
            shown = {
                "id": str(invited.id),
                "role": str(Role.SECURITY_ADMIN),
                "token": invited.token,
                "expires_at": invited.expires_at.isoformat(),
            }
            _print(shown, as_json=as_json)


def _roles(group: AppGroup) -> None:
    @group.command("roles")
    @click.option("--check", is_flag=True, help="Only say whether the file is up to date.")
    def roles(*, check: bool) -> None:
        """Write docs/roles.md."""
        text = as_markdown()
        if not check:
            DOCUMENT.write_text(text, encoding="utf-8")
        elif not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
            raise click.ClickException("docs/roles.md is out of date: run `staff roles`")


def as_markdown() -> str:
    """Return the page: one line for each role and each permission."""
    rows = [
        f"| {card.title.zh} {card.title.en} `{role}` "
        f"| {OFFICES[card.office].zh} {OFFICES[card.office].en} "
        f"| {_listed(card.permissions)} | {_listed(card.elevations)} |\n"
        for role, card in ROLES.items()
    ]
    names = [
        f"| `{name}` | {title.zh} | {title.en} |\n" for name, title in PERMISSIONS_BY_NAME.items()
    ]
    return _HEAD + "".join(rows) + _PERMISSIONS_HEAD + "".join(names)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "–"


def _print(made: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False))
        return
    for name, value in made.items():
        click.echo(f"{name}: {value}")
