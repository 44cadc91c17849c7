"""The wire format of a department's tasks."""

from typing import Any

from marshmallow import post_load

from app.sdk import PageArgs, Schema, fields
from plugins.permits.schemas.applications import (
    PermitNameField,
    PermitSupplementSchema,
    PermitVersionSchema,
)
from plugins.permits.values.applications import MOST_WORDS
from plugins.permits.values.bundles import Procedure
from plugins.permits.values.tasks import (
    MOST_CONSULTED,
    ConsultationWish,
    Lamp,
    Opinion,
    RefusalReason,
    TaskStatus,
    Verdict,
)

_STATUS = fields.validate.OneOf([str(status) for status in TaskStatus])
_OUTCOMES = (TaskStatus.APPROVED, TaskStatus.APPROVED_WITH_CONDITIONS, TaskStatus.REFUSED)


class PermitTaskArgs(PageArgs):
    """Which tasks to list."""

    status = fields.Text(load_default=None, validate=[_STATUS])
    lamp = fields.Text(
        load_default=None, validate=[fields.validate.OneOf([str(lamp) for lamp in Lamp])]
    )
    mine = fields.QueryFlag(load_default=False)


class PermitProcedureWishSchema(PermitVersionSchema):
    """Which special procedure begins."""

    kind = fields.Text(
        required=True, validate=[fields.validate.OneOf([str(kind) for kind in Procedure])]
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        return {**data, "kind": Procedure(data["kind"])}


class PermitProcedureResultSchema(PermitVersionSchema):
    """What came of a special procedure."""

    result = fields.Text(required=True, max_length=MOST_WORDS, lines=True)


class PermitConsultationWishSchema(PermitVersionSchema):
    """What is asked of which department, and within how many working days."""

    department = PermitNameField(required=True)
    question = fields.Text(required=True, max_length=MOST_WORDS, lines=True)
    working_days = fields.Integer(
        load_default=3, validate=fields.validate.Range(min=1, max=MOST_CONSULTED)
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        version = data.pop("version")
        return {"version": version, "wish": ConsultationWish(**data)}


class PermitOpinionSchema(Schema):
    """What a department thinks."""

    opinion = fields.Text(
        required=True, validate=[fields.validate.OneOf([str(opinion) for opinion in Opinion])]
    )
    words = fields.Text(required=True, max_length=MOST_WORDS, lines=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        return {**data, "opinion": Opinion(data["opinion"])}


class PermitMinutesSchema(PermitVersionSchema):
    """The minutes of a joint meeting."""

    minutes = fields.Text(required=True, max_length=4 * MOST_WORDS, lines=True)


class PermitReturnSchema(PermitVersionSchema):
    """Why a proposal goes back, as a code."""

    reason = PermitNameField(required=True)


class PermitVerdictSchema(PermitVersionSchema):
    """What is proposed or decided.

    A refusal has a coded `reason` and `words`, an approval with conditions has `conditions`.
    """

    outcome = fields.Text(
        required=True, validate=[fields.validate.OneOf([str(outcome) for outcome in _OUTCOMES])]
    )
    reason = fields.Text(
        load_default=None,
        validate=[fields.validate.OneOf([str(reason) for reason in RefusalReason])],
    )
    words = fields.Text(load_default=None, max_length=MOST_WORDS, lines=True)
    conditions = fields.Text(load_default=None, max_length=MOST_WORDS, lines=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        reason = data["reason"]
        verdict = Verdict(
            outcome=TaskStatus(data["outcome"]),
            words=data["words"],
            conditions=data["conditions"],
            reason=None if reason is None else RefusalReason(reason),
        )
        return {"version": data["version"], "verdict": verdict}


class PermitTaskLineSchema(Schema):
    """A task in a department's list; `is_held` says that somebody has it, and not who."""

    id = fields.UUID(required=True)
    application_id = fields.UUID(required=True)
    bundle = fields.Text(required=True)
    template = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    department = fields.Text(required=True)
    status = fields.Text(required=True, validate=[_STATUS])
    version = fields.Integer(required=True)
    is_mine = fields.Boolean(required=True)
    is_held = fields.Boolean(required=True)
    lease_until = fields.Moment(required=True, allow_none=True)
    ready_at = fields.Moment(required=True, allow_none=True)
    due_at = fields.Moment(required=True, allow_none=True)
    lamp = fields.Text(required=True, allow_none=True)


class PermitConsultationSchema(Schema):
    """A question of one department to another; `is_silent` where no answer came in its time."""

    id = fields.UUID(required=True)
    task_id = fields.UUID(required=True)
    asking = fields.Text(required=True)
    department = fields.Text(required=True)
    question = fields.Text(required=True, allow_none=True)
    asked_at = fields.Moment(required=True)
    working_days = fields.Integer(required=True)
    due_at = fields.Moment(required=True, allow_none=True)
    lamp = fields.Text(required=True, allow_none=True)
    is_silent = fields.Boolean(required=True)
    opinion = fields.Text(required=True, allow_none=True)
    answer = fields.Text(required=True, allow_none=True)
    ended_at = fields.Moment(required=True, allow_none=True)


class PermitProcedureSchema(Schema):
    """A special procedure."""

    id = fields.UUID(required=True)
    kind = fields.Text(required=True)
    begun_at = fields.Moment(required=True)
    working_days = fields.Integer(required=True)
    due_at = fields.Moment(required=True, allow_none=True)
    ended_at = fields.Moment(required=True, allow_none=True)
    result = fields.Text(required=True, allow_none=True)


class PermitMeetingSchema(Schema):
    """A joint meeting: who is invited, what each has said, and whether all agreed."""

    id = fields.UUID(required=True)
    task_id = fields.UUID(required=True)
    departments = fields.List(fields.Text(), required=True)
    opinions = fields.Dict(required=True)
    minutes = fields.Text(required=True, allow_none=True)
    is_agreed = fields.Boolean(required=True, allow_none=True)
    called_at = fields.Moment(required=True)
    closed_at = fields.Moment(required=True, allow_none=True)


class PermitDecisionSchema(Schema):
    """A proposal or a decision."""

    stage = fields.Text(required=True)
    outcome = fields.Text(required=True)
    reason = fields.Text(required=True, allow_none=True)
    words = fields.Text(required=True, allow_none=True)
    conditions = fields.Text(required=True, allow_none=True)
    made_at = fields.Moment(required=True)


class PermitTaskSchema(Schema):
    """A task with everything in it, and the answers that it needs."""

    id = fields.UUID(required=True, attribute="line.id")
    task = fields.Nested(PermitTaskLineSchema, required=True, attribute="line")
    answers = fields.Dict(required=True)
    supplements = fields.List(fields.Nested(PermitSupplementSchema), required=True)
    consultations = fields.List(fields.Nested(PermitConsultationSchema), required=True)
    procedures = fields.List(fields.Nested(PermitProcedureSchema), required=True)
    meetings = fields.List(fields.Nested(PermitMeetingSchema), required=True)
    decisions = fields.List(fields.Nested(PermitDecisionSchema), required=True)
