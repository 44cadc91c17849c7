"""The wire format of applications, for citizens and for the lead department."""

from typing import Any

from marshmallow import post_load

from app.sdk import PageArgs, Schema, fields
from plugins.permits.values.applications import (
    MOST_WORDS,
    ApplicationStatus,
    DraftWish,
    NotAcceptedReason,
)
from plugins.permits.values.fees import FeeStatus
from plugins.permits.values.tasks import Ask

_ID = r"[a-z0-9]+(-[a-z0-9]+)*"
_STATUS = fields.validate.OneOf([str(status) for status in ApplicationStatus])
MOST_ASKED = 50


class PermitNameField(fields.Text):
    """The id of a field, a material, a department or a bundle."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(max_length=64, pattern=_ID, **kwargs)


class PermitApplicationArgs(PageArgs):
    """Which applications to list."""

    status = fields.Text(load_default=None, validate=[_STATUS])


class PermitDraftSchema(Schema):
    """What is begun: a bundle, and the answers there are so far."""

    bundle = PermitNameField(required=True)
    answers = fields.Dict(keys=PermitNameField(), load_default=dict)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> DraftWish:
        return DraftWish(**data)


class PermitAnswersSchema(Schema):
    """Answers to put beside those that a draft has; null takes one out."""

    answers = fields.Dict(keys=PermitNameField(), required=True)


class PermitSupplementAnswerSchema(Schema):
    """What one answers, with other answers to the fields that were asked about."""

    words = fields.Text(required=True, max_length=MOST_WORDS, lines=True)
    answers = fields.Dict(keys=PermitNameField(), load_default=dict)


class PermitVersionSchema(Schema):
    """The version that was seen."""

    version = fields.Integer(required=True)


class PermitAskSchema(PermitVersionSchema):
    """What is missing, all of it at once, and the fields and materials it is about."""

    words = fields.Text(required=True, max_length=MOST_WORDS, lines=True)
    form_fields = fields.List(
        PermitNameField(),
        data_key="fields",
        load_default=list,
        validate=fields.validate.Length(max=MOST_ASKED),
    )
    materials = fields.List(
        PermitNameField(), load_default=list, validate=fields.validate.Length(max=MOST_ASKED)
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        version = data.pop("version")
        wish = Ask(data["words"], data["form_fields"], data["materials"])
        return {"version": version, "wish": wish}


class PermitJudgementSchema(PermitVersionSchema):
    """Whether a citizen may be asked once more."""

    allowed = fields.Flag(required=True)


class PermitNonAcceptanceSchema(PermitVersionSchema):
    """Why an application is not accepted."""

    reason = fields.Text(
        required=True,
        validate=[fields.validate.OneOf([str(reason) for reason in NotAcceptedReason])],
    )
    words = fields.Text(required=True, max_length=MOST_WORDS, lines=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        return {**data, "reason": NotAcceptedReason(data["reason"])}


class PermitTaskBriefSchema(Schema):
    """One part of an application: which department has it, since when, and until when."""

    id = fields.UUID(required=True)
    template = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    department = fields.Text(required=True)
    status = fields.Text(required=True)
    reason = fields.Text(required=True, allow_none=True)
    since = fields.Moment(required=True)
    ready_at = fields.Moment(required=True, allow_none=True)
    due_at = fields.Moment(required=True, allow_none=True)
    decided_at = fields.Moment(required=True, allow_none=True)
    words = fields.Text(required=True, allow_none=True)
    conditions = fields.Text(required=True, allow_none=True)
    remedies = fields.Dict(
        required=True,
        metadata={"description": "What can be done against a refusal: durations of ISO 8601"},
    )


class PermitSupplementSchema(Schema):
    """What was asked of a citizen until when, and what they answered."""

    id = fields.UUID(required=True)
    application_id = fields.UUID(required=True)
    task_id = fields.UUID(required=True, allow_none=True)
    number = fields.Integer(required=True)
    department = fields.Text(required=True)
    words = fields.Text(required=True, allow_none=True)
    form_fields = fields.List(fields.Text(), required=True, data_key="fields", attribute="fields")
    materials = fields.List(fields.Text(), required=True)
    status = fields.Text(required=True)
    is_defect = fields.Boolean(required=True)
    asked_at = fields.Moment(required=True, allow_none=True)
    due_at = fields.Moment(required=True, allow_none=True)
    answered_at = fields.Moment(required=True, allow_none=True)
    answer = fields.Text(required=True, allow_none=True)


class PermitResultSchema(Schema):
    """The document of what was decided; `digest` is its SHA-256 in canonical JSON (RFC 8785)."""

    content = fields.Dict(required=True)
    digest = fields.Text(required=True)
    made_at = fields.Moment(required=True)


class PermitFeeSchema(Schema):
    """What a task costs; what is owed is paid as `permit-fee` by its reference."""

    reference = fields.Text(required=True)
    task = fields.Text(required=True)
    amount = fields.Integer(required=True, metadata={"description": "In minor units (fen)"})
    currency = fields.Text(required=True)
    status = fields.Text(
        required=True, validate=[fields.validate.OneOf([str(status) for status in FeeStatus])]
    )
    due_at = fields.Moment(
        required=True,
        allow_none=True,
        metadata={
            "description": "By when it is to be paid, or the application lapses; null until "
            "everything is decided"
        },
    )
    paid_at = fields.Moment(required=True, allow_none=True)


class PermitApplicationLineSchema(Schema):
    """An application in a list."""

    id = fields.UUID(required=True)
    bundle = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    service = fields.Text(required=True)
    status = fields.Text(required=True, validate=[_STATUS])
    version = fields.Integer(required=True)
    created_at = fields.Moment(required=True)
    submitted_at = fields.Moment(required=True, allow_none=True)
    due_at = fields.Moment(required=True, allow_none=True)
    ended_at = fields.Moment(required=True, allow_none=True)


class PermitApplicationSchema(PermitApplicationLineSchema):
    """An application with everything in it."""

    bundle_version = fields.Integer(required=True)
    lead = fields.Text(required=True)
    answers = fields.Dict(required=True)
    accepted_at = fields.Moment(required=True, allow_none=True)
    reason = fields.Text(required=True, allow_none=True)
    words = fields.Text(required=True, allow_none=True)
    tasks = fields.List(fields.Nested(PermitTaskBriefSchema), required=True)
    supplements = fields.List(fields.Nested(PermitSupplementSchema), required=True)
    fees = fields.List(fields.Nested(PermitFeeSchema), required=True)
    result = fields.Nested(PermitResultSchema, required=True, allow_none=True)
