"""The wire format of lists: `limit` and `cursor` in, `items` and `next_cursor` out."""

import functools
from typing import Any

from marshmallow import fields as ma_fields
from marshmallow import post_load, validate

from app.core.pagination import PageRequest
from app.http.fields import QueryInteger, Schema, Text

MAX_LIMIT = 100
DEFAULT_LIMIT = 20


class PageArgs(Schema):
    """Query arguments of a list; the view receives them with `page` (a `PageRequest`) inside."""

    limit = QueryInteger(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(min=1, max=MAX_LIMIT),
        metadata={"description": "How many items at most", "default": DEFAULT_LIMIT},
    )
    cursor = Text(
        load_default=None,
        max_length=600,
        pattern=r"[A-Za-z0-9_-]+",
        metadata={"description": "`next_cursor` of the page before"},
    )

    @post_load
    def _page(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        page = PageRequest(limit=data.pop("limit"), cursor=data.pop("cursor"))
        return {**data, "page": page}


@functools.cache
def page_of(schema: type[Schema]) -> type[Schema]:
    """Return the schema of a page of items."""
    name = schema.__name__.removesuffix("Schema")
    return type(
        f"{name}Page",
        (Schema,),
        {
            "items": ma_fields.List(ma_fields.Nested(schema), required=True),
            "next_cursor": ma_fields.String(required=True, allow_none=True),
        },
    )
