"""Plug-ins that tests write: each in a folder of its own, under a name used once."""

import itertools
import textwrap
from pathlib import Path

_numbers = itertools.count(1)

MANIFEST = """
name = "{name}"
title = {{ zh = "停车缴费", en = "Parking fees" }}
owner = "parking-company"
sdk = 1
provider = "ParkingProvider"
settings = []
tier = "silver"

[[payees]]
id = "{name}-payee"
title = {{ zh = "停车公司", en = "Parking company" }}
kind = "public"

[[services]]
id = "{name}-fee"
title = {{ zh = "停车费", en = "Parking fee" }}
category = "transport"
department = "parking-company"
kind = "payable"
action = "pay"
assurance = "basic"
posting = "idempotent"
keywords = ["停车", "parking"]
"""

PROVIDER = '''
"""A provider."""

from collections.abc import Sequence

from app.sdk import (
    Citizen, Fulfilment, NotFound, Payable, PayableProvider, PaymentNotice, now
)


class ParkingProvider(PayableProvider):
    """Knows one ticket."""

    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        """Return the ticket."""
        return [self.get_payable("P-1", citizen)]

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        """Return the ticket."""
        if reference != "P-1":
            raise NotFound
        title = {"zh": "停车费", "en": "Parking fee"}
        return Payable("P-1", title, 500, "CNY", "NAME-payee", None, "1")

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        """Return a confirmation."""
        return Fulfilment("R-" + notice.key, now())

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        """Return nothing."""
        return None
'''

ROUTES = '''
"""Routes."""

from flask.views import MethodView

from app.sdk import Blueprint, Schema, deps, fields
from plugins.NAME.provider import ParkingProvider

blueprint = Blueprint("NAME", __name__, description="Parking")


class NAMELotSchema(Schema):
    """A lot."""

    name = fields.Text(required=True)


@blueprint.route("/lots")
class Lots(MethodView):
    """Lots."""

    @blueprint.public
    @blueprint.response(200, NAMELotSchema(many=True))
    def get(self) -> list[dict[str, str]]:
        """List NAME lots"""
        return [{"name": type(deps(ParkingProvider)).__name__}]
'''


def new_name(stem: str = "parking") -> str:
    """Return a name that no other test of this process has."""
    return f"{stem}{next(_numbers)}"


def write_plugin(plugins: Path, name: str | None = None, **files: str) -> str:
    """Write a plug-in that loads, with some of its files replaced ("" leaves one out)."""
    name = name or new_name()
    folder = plugins / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text('"""A plug-in."""\n')
    given = {"provider": PROVIDER, "routes": ROUTES, **files}
    given.setdefault("manifest", MANIFEST.format(name=name))
    for part, text in given.items():
        if text:
            suffix = ".toml" if part == "manifest" else ".py"
            content = textwrap.dedent(text).replace("NAME", name)
            (folder / f"{part}{suffix}").write_text(content, encoding="utf-8")
    return name
