"""What several forms of this plug-in share."""

from app.sdk import fields
from typing import Any


def one_of(kind: Any) -> fields.validate.OneOf:  # noqa: ANN401 - any StrEnum
    """Return the check that a text is one of these."""
    return fields.validate.OneOf([str(one) for one in kind])
