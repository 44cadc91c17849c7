"""The wire format of vacancies; names as in schema.org's JobPosting where it has one."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.sdk import PageArgs, Schema, fields
from plugins.jobs.schemas.common import DISTRICT, EXAMPLE_DISTRICT, one_of
from plugins.jobs.values import (
    MOST_APPLICATIONS,
    MOST_DESCRIPTION,
    MOST_EXPERIENCE,
    MOST_FRESH_DAYS,
    MOST_PAY,
    MOST_POSITIONS,
    MOST_PROMISE,
    MOST_QUERY,
    MOST_SHORT,
    MOST_TITLE,
    Advert,
    CloseCause,
    Education,
    EmploymentType,
    PayUnit,
    RevisionReason,
    RevisionStatus,
    SearchOrder,
    VacancyStatus,
)

_DESK_CAUSES = [cause for cause in CloseCause if cause.startswith("desk-")]
_WITHIN = fields.validate.Range
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PAY = {"description": "Minor units (fen) for a month or an hour, see `pay_unit`"}


class NewVacancySchema(Schema):
    """What an advert says."""

    title = fields.Text(required=True, min_length=2, max_length=MOST_TITLE)
    description = fields.Text(required=True, min_length=10, max_length=MOST_DESCRIPTION, lines=True)
    employment_type = fields.Text(required=True, validate=one_of(EmploymentType))
    district = fields.Text(
        required=True, validate=DISTRICT, metadata={"examples": [EXAMPLE_DISTRICT]}
    )
    address = fields.Text(load_default=None, max_length=MOST_SHORT)
    pay_from = fields.Integer(required=True, validate=_WITHIN(1, MOST_PAY), metadata=_PAY)
    pay_to = fields.Integer(required=True, validate=_WITHIN(1, MOST_PAY), metadata=_PAY)
    pay_unit = fields.Text(required=True, validate=one_of(PayUnit))
    education = fields.Text(load_default=str(Education.NONE), validate=one_of(Education))
    experience_months = fields.Integer(load_default=0, validate=_WITHIN(0, MOST_EXPERIENCE))
    qualifications = fields.Text(load_default=None, max_length=MOST_SHORT)
    skills = fields.Text(load_default=None, max_length=MOST_SHORT)
    open_positions = fields.Integer(load_default=1, validate=_WITHIN(1, MOST_POSITIONS))
    most_applications = fields.Integer(
        load_default=None, allow_none=True, validate=_WITHIN(1, MOST_APPLICATIONS)
    )
    response_promise_days = fields.Integer(load_default=7, validate=_WITHIN(1, MOST_PROMISE))
    direct_apply = fields.Flag(load_default=True)
    valid_through = fields.Date(required=True)

    @validates_schema
    def _pay(self, data: dict[str, Any], **_: object) -> None:
        if data["pay_from"] > data["pay_to"]:
            raise ValidationError("Must not be less than pay_from.", "pay_to")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Advert:
        return Advert(**data)


class AdvertSchema(Schema):
    """The wording of a vacancy."""

    title = fields.Text(required=True)
    description = fields.Text(required=True, lines=True)
    employment_type = fields.Text(required=True, validate=one_of(EmploymentType))
    district = fields.Text(required=True)
    address = fields.Text(required=True, allow_none=True)
    pay_from = fields.Integer(required=True, metadata=_PAY)
    pay_to = fields.Integer(required=True, metadata=_PAY)
    pay_unit = fields.Text(required=True, validate=one_of(PayUnit))
    education = fields.Text(required=True, validate=one_of(Education))
    experience_months = fields.Integer(required=True)
    qualifications = fields.Text(required=True, allow_none=True)
    skills = fields.Text(required=True, allow_none=True)
    open_positions = fields.Integer(required=True)
    most_applications = fields.Integer(required=True, allow_none=True)
    response_promise_days = fields.Integer(required=True)
    direct_apply = fields.Boolean(required=True)
    valid_through = fields.Date(required=True)


class VacancySourceSchema(Schema):
    """Where a vacancy was told of: `direct`, or the name of a feed, and its id there."""

    kind = fields.Text(required=True)
    id = fields.Text(required=True)


class VacancySchema(Schema):
    """A vacancy."""

    id = fields.UUID(required=True)
    employer_id = fields.UUID(required=True)
    employer_name = fields.Text(required=True)
    advert = fields.Nested(AdvertSchema, required=True)
    status = fields.Text(required=True, validate=one_of(VacancyStatus))
    revision = fields.Integer(required=True)
    sources = fields.List(fields.Nested(VacancySourceSchema), required=True)
    posted_at = fields.Moment(required=True)
    published_at = fields.Moment(required=True, allow_none=True)
    closed_at = fields.Moment(required=True, allow_none=True)
    closed_cause = fields.Text(required=True, allow_none=True)


class VacancyRevisionSchema(Schema):
    """One wording of a vacancy, and what became of it."""

    id = fields.UUID(required=True)
    vacancy_id = fields.UUID(required=True)
    employer_id = fields.UUID(required=True)
    employer_name = fields.Text(required=True)
    number = fields.Integer(required=True)
    status = fields.Text(required=True, validate=one_of(RevisionStatus))
    advert = fields.Nested(AdvertSchema, required=True)
    reason = fields.Text(required=True, allow_none=True)
    made_at = fields.Moment(required=True)


class VacancyArgs(PageArgs):
    """Which of an employer's vacancies to list."""

    status = fields.Text(load_default=None, validate=one_of(VacancyStatus))


class VacancySearchArgs(PageArgs):
    """What to look for; `education` and `experience_months` are what one has."""

    q = fields.Text(load_default=None, max_length=MOST_QUERY)
    district = fields.Text(load_default=None, validate=DISTRICT)
    employment_type = fields.Text(load_default=None, validate=one_of(EmploymentType))
    pay_from = fields.QueryInteger(
        load_default=None, metadata={"description": "At least so much a month (fen)"}
    )
    pay_to = fields.QueryInteger(
        load_default=None, metadata={"description": "At most so much a month (fen)"}
    )
    education = fields.Text(load_default=None, validate=one_of(Education))
    experience_months = fields.QueryInteger(load_default=None, validate=_WITHIN(0, MOST_EXPERIENCE))
    fresh_days = fields.QueryInteger(load_default=None, validate=_WITHIN(1, MOST_FRESH_DAYS))
    employer_id = fields.Text(load_default=None, pattern=_UUID)
    sort = fields.Text(load_default=str(SearchOrder.RELEVANCE), validate=one_of(SearchOrder))


class RevisionDecisionSchema(Schema):
    """What the desk decides of a wording; a refusal has a reason, and nothing else has one."""

    decision = fields.Text(required=True, validate=one_of(["verify", "refuse"]))
    reason = fields.Text(load_default=None, validate=one_of(RevisionReason))

    @validates_schema
    def _reasoned(self, data: dict[str, Any], **_: object) -> None:
        if (data["decision"] == "refuse") != (data["reason"] is not None):
            raise ValidationError("A refusal has a reason, and only a refusal.", "reason")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> RevisionReason | None:
        return None if data["reason"] is None else RevisionReason(data["reason"])


class VacancyWithdrawalSchema(Schema):
    """Why the desk withdraws a vacancy."""

    cause = fields.Text(required=True, validate=one_of(_DESK_CAUSES))

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> CloseCause:
        return CloseCause(data["cause"])
