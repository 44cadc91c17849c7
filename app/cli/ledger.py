"""`ledger plan`: the account plan and the table of postings, written from the code."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.ledger.values import FAMILIES, PLAN, POSTINGS
from config.settings import ROOT

DOCUMENT = ROOT / "docs" / "ledger.md"
_HEAD = """\
# The books

Double entry in whole fen, append only: PostgreSQL refuses a transaction that does not sum to zero,
and every change of a row. A debit is above zero, a credit below. This page is written from the
code by `flask --app wsgi ledger plan`.

## Account plan

| account | 科目 | what it holds | kind | grows by |
|---|---|---|---|---|
"""
_POSTINGS = """
Fiscal non-tax revenue is owed to the treasury, which is a payee of its own: a split rule sends it
there.

## Postings

The same object is booked once: its id is the transaction's `external_ref`, unique within the kind.
"Shares" are those of the item's split, in proportion, to the fen.

| kind | 业务 | meaning | debit | credit | once for each |
|---|---|---|---|---|---|
"""
_FOOT = """
## Splits, corrections, balances

- A split rule is data (`config/splits`), version by version; a published version is never changed.
  An item is split by the version that is valid when its money comes, and what goes back takes that
  very split back: any refunds that make up the whole take exactly what each account got, and
  PostgreSQL refuses more than a share.
- Nothing is edited. `ledger.reverse` and `ledger.adjust` are asked for by one person and approved
  by another (`/v1/staff/requests`); a `correction.*` without two people fails the commit. What
  other records rest on (payments, refunds, settlements) is adjusted, not reversed.
- A balance is the last hourly snapshot and the tail after it; there is no running balance to wait
  for.
"""


def register(app: Flask) -> None:
    """Add the group."""
    group = AppGroup("ledger", help="The books.")

    @group.command("plan")
    @click.option("--check", is_flag=True, help="Only say whether the page is up to date.")
    def plan(*, check: bool) -> None:
        """Write docs/ledger.md."""
        text = as_markdown()
        if not check:
            DOCUMENT.write_text(text, encoding="utf-8")
        elif not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
            raise click.ClickException("docs/ledger.md is out of date: run `ledger plan`")

    app.cli.add_command(group)


def as_markdown() -> str:
    """Return the page: one line for each account and one for each kind of transaction."""
    accounts = [
        f"| `{family.code}` | {family.title_zh} | {family.title_en} | {family.kind} | "
        f"{'debit' if family.kind.sign > 0 else 'credit'} |\n"
        for family in PLAN
    ]
    postings = [
        f"| `{posting.kind}` | {posting.title_zh} | {posting.title_en} | {_named(posting.debit)} | "
        f"{_named(posting.credit)} | {posting.reference} |\n"
        for posting in POSTINGS.values()
    ]
    return _HEAD + "".join(accounts) + _POSTINGS + "".join(postings) + _FOOT


def _named(families: tuple[str, ...]) -> str:
    if len(families) == len(FAMILIES):
        return "any"
    return ", ".join(f"`{name}`" for name in families)
