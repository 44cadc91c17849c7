"""The wire format of members of staff with a badge."""

from app.sdk import Schema, fields
from plugins.traffic.values import BADGE


class NewBadgeSchema(Schema):
    """The badge that a member of staff wears."""

    badge = fields.Text(required=True, max_length=20, pattern=BADGE)


class OfficerSchema(Schema):
    """A member of staff with a badge."""

    staff_id = fields.UUID(required=True)
    badge = fields.Text(required=True)
    named_at = fields.Moment(required=True)
