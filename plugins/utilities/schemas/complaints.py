"""The wire format of complaints."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.sdk import PageArgs, Schema, fields
from plugins.utilities.values import (
    MOST_WORDS,
    ComplaintStatus,
    Ground,
    NewComplaint,
    Outcome,
    Resolution,
)

_GROUND = fields.validate.OneOf([str(ground) for ground in Ground])
_OUTCOME = fields.validate.OneOf([str(outcome) for outcome in Outcome])
_STATUS = fields.validate.OneOf([str(status) for status in ComplaintStatus])


class NewComplaintSchema(Schema):
    """What is complained of, one bill or one order, and one's own words."""

    bill_id = fields.UUID(load_default=None)
    order_id = fields.UUID(load_default=None)
    ground = fields.Text(required=True, validate=[_GROUND])
    words = fields.Text(required=True, max_length=MOST_WORDS)

    @validates_schema
    def _one_subject(self, data: dict[str, Any], **_: object) -> None:
        if (data["bill_id"] is None) == (data["order_id"] is None):
            raise ValidationError("Either bill_id or order_id.")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewComplaint:
        return NewComplaint(**{**data, "ground": Ground(data["ground"])})


class ComplaintWordsSchema(Schema):
    """What one says to an answer."""

    words = fields.Text(required=True, max_length=MOST_WORDS)


class ComplaintUnitSchema(Schema):
    """Which unit of a biller sees to a complaint."""

    unit = fields.Text(required=True, max_length=60)


class ResolutionSchema(Schema):
    """What a biller answers."""

    outcome = fields.Text(required=True, validate=[_OUTCOME])
    answer = fields.Text(required=True, max_length=MOST_WORDS)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Resolution:
        return Resolution(Outcome(data["outcome"]), data["answer"])


class ComplaintArgs(PageArgs):
    """Which complaints to list."""

    status = fields.Text(load_default=None, validate=[_STATUS])


class ComplaintSchema(Schema):
    """A complaint; `evidence` is how its bill or order stood when it was registered."""

    id = fields.UUID(required=True)
    biller = fields.Text(required=True)
    bill_id = fields.UUID(required=True, allow_none=True)
    order_id = fields.UUID(required=True, allow_none=True)
    subject_number = fields.Text(required=True)
    ground = fields.Text(required=True, validate=[_GROUND])
    words = fields.Text(required=True)
    evidence = fields.Dict(required=True)
    status = fields.Text(required=True, validate=[_STATUS])
    unit = fields.Text(required=True, allow_none=True)
    outcome = fields.Text(required=True, allow_none=True, validate=[_OUTCOME])
    answer = fields.Text(required=True, allow_none=True)
    registered_at = fields.Moment(required=True)
    answered_at = fields.Moment(required=True, allow_none=True)
