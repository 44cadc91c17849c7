"""The wire format of decisions that are found by two facts."""

from app.sdk import Schema, fields
from plugins.traffic.schemas.dues import FineDueSchema
from plugins.traffic.values import POLICE_NUMBER, SECOND_FACT


class DecisionLookupSchema(Schema):
    """A decision's number and a second fact.

    The last six of the engine's number, or the last four of the driver's licence.
    """

    decision_no = fields.Text(required=True, max_length=40, pattern=POLICE_NUMBER)
    digits = fields.Text(required=True, max_length=6, pattern=SECOND_FACT)


class FoundDecisionSchema(Schema):
    """A decision, masked; it can be paid by whoever asked until `payable_until`."""

    decision_no = fields.Text(required=True)
    status = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    plate_masked = fields.Text(required=True)
    dues = fields.List(fields.Nested(FineDueSchema), required=True)
    payable_until = fields.Moment(required=True)


class TrafficGuestSchema(Schema):
    """What somebody without an account may pay, and the token to pay it with until then."""

    decision = fields.Nested(FoundDecisionSchema, required=True)
    service = fields.Text(required=True)
    reference = fields.Text(required=True)
    token = fields.Text(required=True, max_length=4096)
