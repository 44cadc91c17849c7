"""Schema fields with the strict input rules: what a client may send, and how we show it."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

import marshmallow as ma
from marshmallow import validate
from marshmallow.fields import (
    URL,
    UUID,
    Boolean,
    Constant,
    Date,
    Dict,
    Enum,
    Function,
    List,
    Method,
    Nested,
    Pluck,
    Raw,
)

from app.core.clock import wire_time
from app.core.money import MAX_AMOUNT

__all__ = [
    "URL",
    "UUID",
    "Amount",
    "Boolean",
    "Constant",
    "Currency",
    "Date",
    "Dict",
    "Enum",
    "Flag",
    "Function",
    "Integer",
    "List",
    "Method",
    "Moment",
    "Nested",
    "Pluck",
    "QueryFlag",
    "QueryInteger",
    "Raw",
    "Schema",
    "Secret",
    "Text",
    "Title",
    "validate",
]

# Control, bidirectional and zero-width characters, and separators of lines.
_HIDDEN = r"\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_FORBIDDEN = rf"\u0000-\u001f{_HIDDEN}"
_FORBIDDEN_IN_LINES = rf"\u0000-\u0008\u000b-\u001f{_HIDDEN}"
_UNSAFE = re.compile(rf"[{_FORBIDDEN}\ud800-\udfff]")
_UNSAFE_LINES = re.compile(rf"[{_FORBIDDEN_IN_LINES}\ud800-\udfff]")
DEFAULT_LENGTH = 200


class Schema(ma.Schema):
    """A schema that refuses members it does not know, on the way in."""

    class Meta:
        unknown = ma.RAISE

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        """Return the schema itself: who copies what is said of an operation changes no schema."""
        return self


class Text(ma.fields.String):
    """A string without control, bidirectional or zero-width characters, in NFC, of bounded length.

    `pattern` is an anchored regular expression and appears in the OpenAPI document.
    """

    default_error_messages = {
        "unsafe": "Contains a character that is not allowed.",
        "form": "Must be in Unicode normal form C.",
    }

    def __init__(
        self,
        *,
        max_length: int = DEFAULT_LENGTH,
        min_length: int = 1,
        pattern: str | None = None,
        lines: bool = False,
        **kwargs: Any,  # noqa: ANN401 - marshmallow's own options
    ) -> None:
        rules: list[Any] = [validate.Length(min=min_length, max=max_length)]
        if pattern is not None:
            rules.append(validate.Regexp(rf"^(?:{pattern})\Z"))
            metadata = {"pattern": f"^(?:{pattern})$"}
        else:
            metadata = {"pattern": f"^[^{_FORBIDDEN_IN_LINES if lines else _FORBIDDEN}]*$"}
        kwargs["metadata"] = {**metadata, **kwargs.get("metadata", {})}
        super().__init__(validate=[*kwargs.pop("validate", []), *rules], **kwargs)
        self._unsafe = _UNSAFE_LINES if lines else _UNSAFE

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 - whatever the client sent
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if self._unsafe.search(text):
            raise self.make_error("unsafe")
        if not unicodedata.is_normalized("NFC", text):
            raise self.make_error("form")
        return text


class Secret(ma.fields.String):
    """A password: any characters, 1 to 128 of them, never shown."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(
            validate=validate.Length(min=1, max=128),
            load_only=True,
            metadata={"format": "password"},
            **kwargs,
        )

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 - whatever the client sent
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self.make_error("invalid")
        return text


class Integer(ma.fields.Integer):
    """A JSON integer: no string, no fraction, no boolean."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(strict=True, **kwargs)

    def _validated(self, value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
        if isinstance(value, bool | str | float):
            raise self.make_error("invalid")
        return super()._validated(value)


class QueryInteger(ma.fields.Integer):
    """An integer of a query string: ASCII digits only."""

    def _validated(self, value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,18}", value):
            raise self.make_error("invalid")
        return super()._validated(value)


class Flag(ma.fields.Boolean):
    """A JSON boolean: true or false and nothing else."""

    truthy = {True}
    falsy = {False}

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 - whatever the client sent
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return bool(super()._deserialize(value, attr, data, **kwargs))


class QueryFlag(ma.fields.Boolean):
    """A boolean of a query string: `true` or `false` and nothing else."""

    truthy = {"true"}
    falsy = {"false"}


class Moment(ma.fields.AwareDateTime):
    """An RFC 3339 date and time: any offset on the way in, UTC with `Z` on the way out."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(format="iso", **kwargs)

    def _deserialize(
        self,
        value: Any,  # noqa: ANN401 - whatever the client sent
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> datetime:
        moment = super()._deserialize(value, attr, data, **kwargs)
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:  # an offset that leads out of the calendar
            raise self.make_error("invalid", input=value, obj_type="datetime") from error

    def _serialize(
        self,
        value: datetime | None,
        attr: str | None,  # noqa: ARG002 - marshmallow's signature
        obj: Any,  # noqa: ANN401, ARG002
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> str | None:
        if value is None:
            return None
        return wire_time(value)


class Amount(Integer):
    """An amount in minor units (fen), 0 to ten to the tenth."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        metadata = {"description": "Minor units (fen)", "examples": [4250]}
        kwargs["metadata"] = {**metadata, **kwargs.get("metadata", {})}
        super().__init__(validate=validate.Range(min=0, max=MAX_AMOUNT * 20), **kwargs)


class Currency(ma.fields.String):
    """An ISO 4217 code."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(validate=validate.OneOf(["CNY"]), **kwargs)


class Title(Schema):
    """A text in Chinese and English."""

    zh = ma.fields.String(required=True)
    en = ma.fields.String(required=True)
