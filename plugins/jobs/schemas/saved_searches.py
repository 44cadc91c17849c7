"""The wire format of searches that are kept."""

from typing import Any

from marshmallow import post_load

from app.sdk import Schema, fields
from plugins.jobs.values import (
    DISTRICTS,
    MOST_EXPERIENCE,
    MOST_FRESH_DAYS,
    MOST_PAY,
    MOST_QUERY,
    Education,
    EmploymentType,
    VacancyFilter,
)

_WITHIN = fields.validate.Range
_TYPES = fields.validate.OneOf([str(kind) for kind in EmploymentType])
_EDUCATION = fields.validate.OneOf([str(kind) for kind in Education])


class SavedFilterSchema(Schema):
    """What is looked for, as a search takes it; pay is in fen a month."""

    q = fields.Text(load_default=None, allow_none=True, max_length=MOST_QUERY)
    district = fields.Text(
        load_default=None, allow_none=True, validate=[fields.validate.OneOf(list(DISTRICTS))]
    )
    employment_type = fields.Text(load_default=None, allow_none=True, validate=[_TYPES])
    pay_from = fields.Integer(load_default=None, allow_none=True, validate=_WITHIN(0, MOST_PAY))
    pay_to = fields.Integer(load_default=None, allow_none=True, validate=_WITHIN(0, MOST_PAY))
    education = fields.Text(load_default=None, allow_none=True, validate=[_EDUCATION])
    experience_months = fields.Integer(
        load_default=None, allow_none=True, validate=_WITHIN(0, MOST_EXPERIENCE)
    )
    fresh_days = fields.Integer(
        load_default=None, allow_none=True, validate=_WITHIN(1, MOST_FRESH_DAYS)
    )
    employer_id = fields.UUID(load_default=None, allow_none=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> VacancyFilter:
        employer = data.pop("employer_id")
        return VacancyFilter(**data, employer_id=None if employer is None else str(employer))


class NewSavedSearchSchema(Schema):
    """A search to be kept."""

    wanted = fields.Nested(SavedFilterSchema, required=True)


class SavedSearchSchema(Schema):
    """A search that is kept; `told_at` is when its citizen was last told of something new."""

    id = fields.UUID(required=True)
    wanted = fields.Nested(SavedFilterSchema, required=True)
    saved_at = fields.Moment(required=True)
    seen_until = fields.Moment(required=True)
    told_at = fields.Moment(required=True, allow_none=True)
