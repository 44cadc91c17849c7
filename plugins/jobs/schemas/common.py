"""What several forms of this plug-in share."""

from collections.abc import Iterable

from app.sdk import fields
from plugins.jobs.values import DISTRICTS


def one_of(values: Iterable[str]) -> list[object]:
    """Return the rule that a field is one of these."""
    return [fields.validate.OneOf([str(value) for value in values])]


DISTRICT = one_of(DISTRICTS)
"""The city's districts and counties (GB/T 2260)."""
EXAMPLE_CODE = "91420300999999999W"
EXAMPLE_DISTRICT = "420302"
