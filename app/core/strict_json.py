"""The one JSON parser of the house: UTF-8, no duplicates, no NaN, bounded in every direction."""

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 20
MAX_DIGITS = 18
# A string, or what is left when it does not end: never looked at twice, whatever it holds.
_STRING = re.compile(r'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)
_SHAPE = re.compile(r"[\[\]{},]")


class NotStrictJson(ValueError):
    """The text is not JSON as this house reads it; the message says why."""


def parse(raw: bytes, *, most_members: int | None = None) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a JSON text, or raise `NotStrictJson`.

    Refused: other encodings and byte-order marks, duplicate members, NaN and Infinity, integers
    of more than 18 digits, more than 20 levels, text that is not Unicode, and more than
    `most_members` members or elements in all.
    """
    try:
        text = raw.decode("utf-8", errors="strict")
    except UnicodeDecodeError as error:
        raise NotStrictJson("The body is not UTF-8.") from error
    most = math.inf if most_members is None else most_members
    _check_shape(text, most)
    members = _Members(most)
    try:
        value = json.loads(
            text,
            object_pairs_hook=members.object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_fraction,
        )
    except NotStrictJson:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrictJson("The body is not JSON.") from error
    if "\\u" in text:
        _check_text(value)
    return value


class _Members:
    """Counts the members of all objects of one text and refuses duplicates."""

    def __init__(self, most: float) -> None:
        self._count = 0
        self._most = most

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self._count += len(pairs)
        if self._count > self._most:
            raise NotStrictJson(f"More than {self._most} members.")
        value = dict(pairs)
        if len(value) != len(pairs):
            raise NotStrictJson("A member stands twice in an object.")
        return value


def _check_shape(text: str, most: float) -> None:
    """Refuse deep nesting and long arrays before the parser recurses into them."""
    depth = commas = 0
    for sign in _SHAPE.findall(_STRING.sub("", text)):
        if sign == ",":
            commas += 1
        else:
            depth += 1 if sign in "[{" else -1
        if depth > MAX_DEPTH:
            raise NotStrictJson(f"More than {MAX_DEPTH} levels.")
        if commas > most:
            raise NotStrictJson(f"More than {most} members.")


def _check_text(value: object) -> None:
    """Refuse half of a surrogate pair, which an escape can write and nobody can store."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise NotStrictJson("A string holds half of a surrogate pair.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise NotStrictJson(f"{name} is not JSON.")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise NotStrictJson(f"An integer has more than {MAX_DIGITS} digits.")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise NotStrictJson("A number is out of range.")
    return value
