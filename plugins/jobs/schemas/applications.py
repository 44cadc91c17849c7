"""The wire format of applications, answers and interviews."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.sdk import PageArgs, Schema, fields
from plugins.jobs.schemas.common import one_of
from plugins.jobs.values.applications import (
    CITIZEN_UNDOES,
    EMPLOYER_UNDOES,
    MOST_APPLICATION_WORDS,
    Answer,
    ApplicationStatus,
    CancelCause,
    InterviewStatus,
    NewInterview,
    RefusalReason,
)

_STATUS = fields.validate.OneOf([str(status) for status in ApplicationStatus])
_ANSWER = fields.validate.OneOf(
    [
        str(status)
        for status in (
            ApplicationStatus.PROCESSING,
            ApplicationStatus.POSTPONED,
            ApplicationStatus.POOL,
            ApplicationStatus.PRIOR_TO_HIRE,
            ApplicationStatus.REFUSED,
        )
    ]
)
_REASON = fields.validate.OneOf([str(reason) for reason in RefusalReason])
_INTERVIEW = fields.validate.OneOf([str(status) for status in InterviewStatus])


class NewJobApplicationSchema(Schema):
    """What an applicant says beside the curriculum."""

    words = fields.Text(
        load_default="", min_length=0, max_length=MOST_APPLICATION_WORDS, lines=True
    )


class JobApplicationArgs(PageArgs):
    """Which applications to list."""

    status = fields.Text(load_default=None, validate=[_STATUS])


class ReceivedApplicationArgs(JobApplicationArgs):
    """Which of an employer's applications to list."""

    vacancy_id = fields.UUID(load_default=None)


class JobInterviewSchema(Schema):
    """An invitation to an interview."""

    id = fields.UUID(required=True)
    application_id = fields.UUID(required=True)
    status = fields.Text(required=True, validate=[_INTERVIEW])
    at = fields.Moment(required=True)
    place = fields.Text(required=True)
    invited_at = fields.Moment(required=True)


class NewJobInterviewSchema(Schema):
    """When and where somebody is invited."""

    at = fields.Moment(required=True)
    place = fields.Text(required=True, max_length=120)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewInterview:
        return NewInterview(**data)


class JobInterviewAnswerSchema(Schema):
    """Whether one comes."""

    comes = fields.Flag(required=True)


class JobAnswerSchema(Schema):
    """How an employer moves an application; a reason belongs to a refusal, and to it alone."""

    status = fields.Text(required=True, validate=[_ANSWER])
    reason = fields.Text(load_default=None, allow_none=True, validate=[_REASON])

    @validates_schema
    def _reason(self, data: dict[str, Any], **_: object) -> None:
        if (data["status"] == ApplicationStatus.REFUSED) != (data["reason"] is not None):
            raise ValidationError("Goes with a refusal, and with it alone.", "reason")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Answer:
        reason = None if data["reason"] is None else RefusalReason(data["reason"])
        return Answer(ApplicationStatus(data["status"]), reason)


class _HireUndoing(Schema):
    """Why a hire is undone."""

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> CancelCause:
        return CancelCause(data["reason"])


class JobHireUndoingSchema(_HireUndoing):
    """Why an employer undoes a hire; a mistake alone has the application looked at again."""

    reason = fields.Text(required=True, validate=one_of(EMPLOYER_UNDOES))


class JobHireDenialSchema(_HireUndoing):
    """Why somebody is not hired after all: they never agreed, or do not come."""

    reason = fields.Text(required=True, validate=one_of(CITIZEN_UNDOES))


class JobApplicationSchema(Schema):
    """An application as both sides see it.

    `share_id` says by which consent the curriculum is shown: null when it is not any more.
    """

    id = fields.UUID(required=True)
    vacancy_id = fields.UUID(required=True)
    vacancy_title = fields.Text(required=True)
    employer_id = fields.UUID(required=True)
    employer = fields.Text(required=True)
    status = fields.Text(required=True, validate=[_STATUS])
    reason = fields.Text(required=True, allow_none=True)
    reason_title = fields.Dict(required=True, allow_none=True)
    applied_at = fields.Moment(required=True)
    promised_until = fields.Moment(required=True)
    answered_at = fields.Moment(required=True, allow_none=True)
    share_id = fields.UUID(required=True, allow_none=True)
    interview = fields.Nested(JobInterviewSchema, required=True, allow_none=True)


class JobAnsweringSchema(Schema):
    """How an employer answers applications of the last year; null where they are too few."""

    employer_id = fields.UUID(required=True)
    applications = fields.Integer(required=True, allow_none=True)
    answered_in_time_percent = fields.Integer(required=True, allow_none=True)
    median_days = fields.Raw(required=True, allow_none=True, metadata={"type": "number"})
