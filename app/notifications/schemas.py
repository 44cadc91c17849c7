"""The wire format of the inbox."""

from app.http import fields
from app.http.pagination import PageArgs


class InboxFilterSchema(PageArgs):
    """Which messages, and how many."""

    unread = fields.QueryFlag(
        load_default=False, metadata={"description": "Only messages not read yet"}
    )


class InboxMessageSchema(fields.Schema):
    """A message to a citizen."""

    id = fields.UUID(required=True)
    kind = fields.Text(required=True, metadata={"examples": ["payment-received"]})
    subject = fields.Text(
        required=True, metadata={"description": "Id of what it is about, such as a payment"}
    )
    title = fields.Nested(fields.Title, required=True)
    body = fields.Nested(fields.Title, required=True)
    created_at = fields.Moment(required=True)
    read_at = fields.Moment(required=True, allow_none=True)
