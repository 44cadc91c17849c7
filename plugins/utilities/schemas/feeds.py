"""The wire format of what is due, for calendars."""

from app.sdk import Schema, fields


class DueFeedSchema(Schema):
    """That there is a private address, and since when."""

    made_at = fields.Moment(required=True)


class OpenedDueFeedSchema(DueFeedSchema):
    """A private address, told this once: `path` stands after the address of this server."""

    path = fields.Text(required=True)
