"""How long one has to pay: what `fees.toml` says, read once and strictly."""

import tomllib
from functools import cache
from pathlib import Path

from plugins.permits.service.tables import Table
from plugins.permits.values.fees import FeeTerms

FILE = Path(__file__).parents[1] / "fees.toml"


@cache
def find_fee_terms() -> FeeTerms:
    """Return until when fees are paid."""
    return read_fee_terms(FILE.read_text(encoding="utf-8"))


def read_fee_terms(text: str) -> FeeTerms:
    """Return what a file says; raise `BundleBroken` for what is not known or not possible."""
    table = Table(FILE.name, "", tomllib.loads(text))
    terms = FeeTerms(
        table.whole("working_days"), table.whole("reminded_after"), table.text("source")
    )
    table.done()
    if terms.reminded_after >= terms.working_days:
        raise table.broken("reminded_after", "must be less than working_days")
    return terms
