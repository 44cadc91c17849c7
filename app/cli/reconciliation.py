"""`reconciliation kinds`: the page of the fourteen kinds, written from their table."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.reconciliation.values import KINDS, DifferenceKind
from config.settings import ROOT

DOCUMENT = ROOT / "docs" / "reconciliation.md"
_HEAD = """\
# The fourteen kinds of difference

Written from `app/reconciliation/values.py` by `flask --app wsgi reconciliation kinds`. A run
compares one city day of one source: a gateway, a biller, or the bank. What it finds is exactly
one of these kinds, decided by one statement within PostgreSQL
(`app/reconciliation/service/*_side.py`); several may hold of one object only where a line stands
twice besides.

**In transit** is no kind but a state: the other side may still have it. A capture or refund that
the gateway does not list is in transit until every day is imported on which it could stand; money
of which we have not heard is in transit for two hours, a refund on its way for ten days, a payout
for five. Then it opens by itself, or it closes by itself when a later run finds the other side.

| kind | 中文 | English | when exactly | who | what ends it |
|---|---|---|---|---|---|
"""
_TAIL = """
The life of a difference: `in_transit → open → assigned → explained | adjusted → closed`, and from
every state before a decision straight to `closed` when a later run finds both books the same. Who
explains or proposes a correction does not decide on it: PostgreSQL refuses the same person
(`ck_differences_second_person`, `ck_difference_adjustments_second_person`). What two people have
ended stays ended while both books say what they said then.
"""


def kinds_as_markdown() -> str:
    """Return the page."""
    rows = [
        f"| `{kind}` | {card.zh} | {card.en} | {card.when} | {card.owner} | {card.ends} |"
        for kind, card in ((kind, KINDS[kind]) for kind in DifferenceKind)
    ]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL


def register(app: Flask) -> None:
    """Add the command."""
    group = AppGroup("reconciliation", help="Our books against others'.")
    app.cli.add_command(group)

    @group.command("kinds")
    @click.option("--check", is_flag=True, help="Only say whether the file is up to date.")
    def kinds(*, check: bool) -> None:
        """Write docs/reconciliation.md."""
        text = kinds_as_markdown()
        if not check:
            DOCUMENT.write_text(text, encoding="utf-8")
        elif not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
            raise click.ClickException(
                "docs/reconciliation.md is out of date: run `reconciliation kinds`"
            )
