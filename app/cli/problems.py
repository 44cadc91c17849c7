"""`problems`: every code that a refusal can carry, written from the code."""

from collections.abc import Sequence

import click
from flask import Flask

from app.http.problems import ProblemKind, known_kinds
from config.settings import ROOT

DOCUMENT = ROOT / "docs" / "problems.md"
_HEAD = """\
# Problem codes

Every refusal is a problem document (RFC 9457) with a stable `code`; its `type` is
`/problems/{code}`, which answers with what stands here. This page is written from the code by
`flask --app wsgi problems`.

| code | status | 中文 | English | when |
|---|---|---|---|---|
"""


def register(app: Flask) -> None:
    """Add the command."""

    @app.cli.command("problems")
    @click.option("--check", is_flag=True, help="Only say whether the file is up to date.")
    def problems(*, check: bool) -> None:
        """Write docs/problems.md."""
        text = as_markdown(known_kinds())
        if not check:
            DOCUMENT.write_text(text, encoding="utf-8")
        elif not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
            raise click.ClickException("docs/problems.md is out of date: run `problems`")


def as_markdown(kinds: Sequence[ProblemKind]) -> str:
    """Return the page: one line for each code."""
    rows = [
        f"| `{k.code}` | {k.status} | {k.title_zh} | {k.title_en} | {k.when} |\n" for k in kinds
    ]
    return _HEAD + "".join(rows)
