"""`payments graph`: the life of a payment, written from the code."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.payments.service.graph import as_markdown
from config.settings import ROOT

DOCUMENT = ROOT / "docs" / "payments.md"


def register(app: Flask) -> None:
    """Add the group."""
    group = AppGroup("payments", help="Payments.")

    @group.command("graph")
    @click.option("--check", is_flag=True, help="Only say whether the page is up to date.")
    def graph(*, check: bool) -> None:
        """Write docs/payments.md."""
        text = as_markdown()
        if not check:
            DOCUMENT.write_text(text, encoding="utf-8")
        elif not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
            raise click.ClickException("docs/payments.md is out of date: run `payments graph`")

    app.cli.add_command(group)
