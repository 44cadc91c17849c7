"""The bodies that this API reads: strict JSON, and not much of it."""

from typing import Any

from app.core.errors import Malformed
from app.core.strict_json import NotStrictJson, parse

MAX_MEMBERS = 1_000


class JsonInvalid(Malformed):
    """The body is not JSON as this API reads it."""

    code = "malformed-json"
    title_zh = "JSON 格式不正确"
    title_en = "The body is not acceptable JSON"


def parse_json(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a JSON text, or raise `JsonInvalid`.

    Refused is what `app.core.strict_json` refuses, and more than 1,000 members or elements in all.
    """
    try:
        return parse(raw, most_members=MAX_MEMBERS)
    except NotStrictJson as error:
        raise JsonInvalid(str(error)) from error
