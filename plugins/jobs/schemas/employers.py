"""The wire format of employers and of who acts for them."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.sdk import PageArgs, Schema, fields
from plugins.jobs.schemas.common import DISTRICT, EXAMPLE_CODE, EXAMPLE_DISTRICT, one_of
from plugins.jobs.values import MOST_NAME, EmployerReason, EmployerStatus, NewEmployer


class NewEmployerSchema(Schema):
    """An employer as whoever acts for it registers it: its credit code (GB 32100), name, place."""

    credit_code = fields.Text(
        required=True,
        max_length=24,
        pattern="[0-9A-Za-z -]+",
        metadata={"examples": [EXAMPLE_CODE]},
    )
    name = fields.Text(required=True, max_length=MOST_NAME, min_length=2)
    district = fields.Text(
        required=True, validate=DISTRICT, metadata={"examples": [EXAMPLE_DISTRICT]}
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewEmployer:
        return NewEmployer(**data)


class EmployerSchema(Schema):
    """An employer; `reason` says why it was refused or suspended."""

    id = fields.UUID(required=True)
    name = fields.Text(required=True)
    credit_code = fields.Text(required=True)
    district = fields.Text(required=True)
    status = fields.Text(required=True, validate=one_of(EmployerStatus))
    registered_at = fields.Moment(required=True)
    verified_at = fields.Moment(required=True, allow_none=True)
    reason = fields.Text(required=True, allow_none=True)


class EmployerMemberSchema(Schema):
    """Somebody who acts for an employer, or asks to; nobody is named."""

    id = fields.UUID(required=True)
    employer_id = fields.UUID(required=True)
    status = fields.Text(required=True)
    is_me = fields.Boolean(required=True)
    joined_at = fields.Moment(required=True)


class EmployerInvitationSchema(Schema):
    """A code that lets one more citizen act for the employer; it is shown this once."""

    code = fields.Text(required=True)
    expires_at = fields.Moment(required=True)


class EmployerCodeSchema(Schema):
    """The code of an invitation."""

    code = fields.Text(required=True, max_length=40, pattern="[A-Za-z0-9_-]+")


class EmployerArgs(PageArgs):
    """Which employers to list."""

    status = fields.Text(load_default=None, validate=one_of(EmployerStatus))


class EmployerDecisionSchema(Schema):
    """What the desk decides; a refusal has a reason, and nothing else has one."""

    decision = fields.Text(required=True, validate=one_of(["verify", "refuse"]))
    reason = fields.Text(load_default=None, validate=one_of(EmployerReason))

    @validates_schema
    def _reasoned(self, data: dict[str, Any], **_: object) -> None:
        if (data["decision"] == "refuse") != (data["reason"] is not None):
            raise ValidationError("A refusal has a reason, and only a refusal.", "reason")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> EmployerReason | None:
        return None if data["reason"] is None else EmployerReason(data["reason"])


class EmployerSuspensionSchema(Schema):
    """Why an employer may advertise no longer."""

    reason = fields.Text(required=True, validate=one_of(EmployerReason))

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> EmployerReason:
        return EmployerReason(data["reason"])
