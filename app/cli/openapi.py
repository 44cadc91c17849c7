"""`openapi`: the API's document, written from the code."""

from pathlib import Path

import click
from flask import Flask

from app.http.openapi import as_yaml
from config.settings import ROOT

DOCUMENT = ROOT / "openapi.yaml"


def register(app: Flask) -> None:
    """Add the command."""

    @app.cli.command("openapi")
    @click.option("--check", is_flag=True, help="Only say whether the file is up to date.")
    @click.option(
        "--file", "path", type=click.Path(path_type=Path), default=DOCUMENT, show_default=False
    )
    def openapi(*, check: bool, path: Path) -> None:
        """Write openapi.yaml."""
        text = as_yaml(app.extensions["api"])
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            raise click.ClickException(f"{path.name} is out of date: run `make openapi`")
