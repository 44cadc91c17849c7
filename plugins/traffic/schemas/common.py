"""What several forms of this plug-in share."""

from typing import Any

from app.sdk import fields


def one_of(kind: Any) -> fields.validate.OneOf:  # noqa: ANN401 - any StrEnum
    """Return the check that a text is one of these."""
    return fields.validate.OneOf([str(one) for one in kind])
