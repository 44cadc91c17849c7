"""The wire format of what every petition shows."""

from app.sdk import Schema, fields

MAX_STATEMENT, MAX_REASON = 4_000, 500


class PetitionSchema(Schema):
    """A petition; lists for officers leave the text of some out."""

    id = fields.UUID(required=True)
    violation_id = fields.UUID(required=True)
    kind = fields.Text(required=True)
    statement = fields.Text(required=True, allow_none=True, max_length=MAX_STATEMENT, lines=True)
    status = fields.Text(required=True)
    decided_at = fields.Moment(required=True, allow_none=True)
    reason = fields.Text(required=True, allow_none=True, max_length=MAX_REASON)
