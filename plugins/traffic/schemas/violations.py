"""The wire format of violations."""

from app.sdk import PageArgs, Schema, fields
from plugins.traffic.schemas.common import one_of
from plugins.traffic.schemas.dues import FineDueSchema
from plugins.traffic.values import ViolationStatus


class ViolationArgs(PageArgs):
    """Which violations to list."""

    status = fields.Text(load_default=None, validate=[one_of(ViolationStatus)])


class MeasuredSpeedSchema(Schema):
    """What was measured and what is allowed, in km/h."""

    measured = fields.Integer(required=True)
    limit = fields.Integer(required=True)


class ViolationEvidenceSchema(Schema):
    """A picture of the police at our address, where it is marked, and the SHA-256 of theirs."""

    kind = fields.Text(required=True)
    sha256 = fields.Text(required=True)
    url = fields.Text(required=True, max_length=2_000)


class ViolationSchema(Schema):
    """A violation, its decision and what it costs today."""

    id = fields.UUID(required=True)
    status = fields.Text(required=True, validate=[one_of(ViolationStatus)])
    notice_no = fields.Text(required=True)
    plate_masked = fields.Text(required=True)
    vehicle_class = fields.Text(required=True)
    offence_code = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    legal_basis = fields.Text(required=True)
    place = fields.Text(required=True)
    occurred_at = fields.Moment(required=True)
    speed = fields.Nested(MeasuredSpeedSchema, required=True, allow_none=True)
    evidence = fields.List(fields.Nested(ViolationEvidenceSchema), required=True)
    authority = fields.Text(required=True)
    points = fields.Integer(required=True)
    fine = fields.Amount(required=True)
    currency = fields.Currency(required=True)
    notified_at = fields.Moment(required=True, allow_none=True)
    defend_by = fields.Date(required=True, allow_none=True)
    decision_no = fields.Text(required=True, allow_none=True)
    outcome = fields.Text(required=True, allow_none=True)
    decided_at = fields.Moment(required=True, allow_none=True)
    served_on = fields.Date(required=True, allow_none=True)
    served_by = fields.Text(required=True, allow_none=True)
    reconsider_by = fields.Date(required=True, allow_none=True)
    litigate_by = fields.Date(required=True, allow_none=True)
    dues = fields.List(fields.Nested(FineDueSchema), required=True)
    seen_at = fields.Moment(required=True)
