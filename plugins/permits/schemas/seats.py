"""The wire format of seats."""

from app.sdk import PageArgs, Schema, fields
from plugins.permits.values.seats import SeatRole

_DEPARTMENT = r"[a-z0-9]+(-[a-z0-9]+)*"


class PermitSeatArgs(PageArgs):
    """Whose seats."""

    department = fields.Text(required=True, max_length=64, pattern=_DEPARTMENT)


class PermitSeatWishSchema(Schema):
    """Of which department a seat is, and whether a decider may decide what they proposed."""

    department = fields.Text(required=True, max_length=64, pattern=_DEPARTMENT)
    decides_alone = fields.Flag(load_default=False)


class PermitSeatSchema(Schema):
    """A seat."""

    staff_id = fields.UUID(required=True)
    department = fields.Text(required=True)
    role = fields.Text(
        required=True, validate=[fields.validate.OneOf([str(role) for role in SeatRole])]
    )
    decides_alone = fields.Boolean(required=True)
    given_at = fields.Moment(required=True)
