"""One way leads out of the house: nothing in it opens a connection but the one client."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import dotted, files_of, name_of, tree_of

HOUSE = ("app", "plugins", "config")
# What can speak to another system, from the standard library or from what may be installed.
CLIENTS = {
    "aiohttp",
    "curl_cffi",
    "ftplib",
    "http.client",
    "httpcore",
    "httplib2",
    "httpx",
    "imaplib",
    "niquests",
    "paramiko",
    "poplib",
    "pycurl",
    "requests",
    "smtplib",
    "socket",
    "ssl",
    "telnetlib",
    "tornado",
    "urllib.request",
    "urllib3",
    "websocket",
    "websockets",
    "xmlrpc",
}
ALLOWED = {
    "app/core/egress.py": {"http.client", "socket", "ssl", "urllib3"},
    "app/core/names.py": {"socket"},
    # A player of citizens' parts, started by hand: it stands outside and calls the house itself.
    "app/cli/demo/__init__.py": {"http.client"},
    "app/cli/demo/wire.py": {"http.client"},
}
# Names that would open a connection by another library's own client.
OPENERS = {
    "asyncio.open_connection",
    "stripe.HTTPXClient",
    "stripe.RequestsClient",
    "stripe.UrllibClient",
    "urlopen",
}


def clients_in(tree: ast.Module) -> Iterator[str]:
    """Yield what a file imports of `CLIENTS` and `OPENERS`, at any depth, under any name."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            named = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
            yield from (CLIENTS | OPENERS) & named


def openers_in(tree: ast.Module) -> set[str]:
    """Return what a file names of `OPENERS`."""
    return OPENERS & {
        dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)
    }


def test_nothing_else_opens_a_connection() -> None:
    found = {
        name_of(path): clients
        for path in files_of(*HOUSE)
        if (clients := set(clients_in(tree_of(path))) | openers_in(tree_of(path)))
    }
    assert found == ALLOWED


@pytest.mark.parametrize(
    "line",
    [
        "import requests",
        "import urllib3.util",
        "import urllib.request as quiet",
        "from urllib import request",
        "from urllib.request import urlopen",
        "from http import client",
        "import http.client",
        "def f():\n    import socket",
        "import httpx, json",
        "import stripe\nclient = stripe.RequestsClient()",
        "from stripe import RequestsClient",
        "from asyncio import open_connection",
    ],
)
def test_every_way_of_saying_it_is_seen(line: str, tmp_path: Path) -> None:
    file = tmp_path / "seeded.py"
    file.write_text(line)
    tree = ast.parse(file.read_text())
    assert set(clients_in(tree)) | openers_in(tree)


@pytest.mark.parametrize(
    "line", ["from urllib.parse import urlsplit", "from http import HTTPStatus", "import json"]
)
def test_what_opens_nothing_is_not(line: str) -> None:
    assert not set(clients_in(ast.parse(line)))
