"""`personal-data`: every column that is about a person, written from the inventory."""

import click
from flask import Flask

from app.factory import Rooms
from app.privacy.service import InventoryInvalid, as_markdown
from config.settings import ROOT

DOCUMENT = ROOT / "docs" / "personal-data.md"


def register(app: Flask, rooms: Rooms) -> None:
    """Add the command."""

    @app.cli.command("personal-data")
    @click.option("--check", is_flag=True, help="Only say whether the file is up to date.")
    def personal_data(*, check: bool) -> None:
        """Write docs/personal-data.md."""
        try:
            text = as_markdown(rooms.inventory())
        except InventoryInvalid as error:
            raise click.ClickException(str(error)) from error
        if not check:
            DOCUMENT.write_text(text, encoding="utf-8")
        elif not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
            raise click.ClickException("docs/personal-data.md is out of date: run `personal-data`")
