"""The wire format of the staff room."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.credentials.schemas import MadePasskeySchema, UsedPasskeySchema
from app.http.fields import (
    UUID,
    Dict,
    Flag,
    Integer,
    List,
    Moment,
    Nested,
    Raw,
    Schema,
    Text,
    Title,
    validate,
)
from app.http.pagination import PageArgs
from app.staff.values import Acceptance, Attribute, Factor, Proof, RequestStatus

_LOGIN = r"[a-z][a-z0-9._-]{2,39}"
_OPAQUE = r"[A-Za-z0-9_-]{1,200}"
_CODE = "[0-9]{6}"
_DEPARTMENT = "[a-z0-9]+(-[a-z0-9]+)*"
_ONE_FACTOR = "Send totp_code or passkey, and not both."


def _login() -> Text:
    return Text(required=True, pattern=_LOGIN, metadata={"examples": ["li.lei"]})


def _secret() -> Text:
    return Text(required=True, pattern=_OPAQUE)


def _reason() -> Text:
    return Text(required=True, min_length=4, max_length=200)


class StaffProofSchema(Schema):
    """A second factor."""

    totp_code = Text(pattern=_CODE, metadata={"examples": ["482913"]})
    passkey = Nested(UsedPasskeySchema)

    @validates_schema
    def _one(self, data: dict[str, Any], **_: object) -> None:
        if len({"totp_code", "passkey"} & set(data)) != 1:
            raise ValidationError(_ONE_FACTOR)

    @post_load
    def _proof(self, data: dict[str, Any], **_: object) -> Any:  # noqa: ANN401 - or a subclass's
        return Proof(**data)


class InvitationTokenSchema(Schema):
    """The token of an invitation."""

    token = _secret()


class StaffOpeningSchema(Schema):
    """What a second factor is set up with; one of the two is enough."""

    label = Text(required=True)
    totp_secret = Text(required=True)
    totp_uri = Text(required=True, max_length=1000)
    passkey = Dict(required=True, metadata={"description": "For `navigator.credentials.create`"})
    expires_at = Moment(required=True)


class StaffAcceptanceSchema(StaffProofSchema):
    """What an invited person chooses."""

    passkey = Nested(MadePasskeySchema)
    token = _secret()
    login = _login()
    password = Text(required=True, max_length=128)

    @post_load
    def _proof(self, data: dict[str, Any], **_: object) -> Acceptance:
        return Acceptance(**data)


class NewStaffSessionSchema(Schema):
    """A name and a password."""

    login = _login()
    password = Text(required=True, max_length=128)


class StaffSessionRefSchema(Schema):
    """Which session, and until when it lives."""

    id = UUID(required=True)
    idle_until = Moment(required=True)
    expires_at = Moment(required=True)


class StaffBegunSchema(Schema):
    """A log-in that waits for the second factor."""

    id = UUID(required=True)
    ticket = Text(required=True)
    factors = List(Text(validate=[validate.OneOf(list(Factor))]), required=True)
    passkey = Dict(
        required=True,
        allow_none=True,
        metadata={"description": "For `navigator.credentials.get`"},
    )
    password_expired = Flag(required=True)
    expires_at = Moment(required=True)


class StaffSecondFactorSchema(StaffProofSchema):
    """The ticket of a log-in and a second factor; a new password when the old one is too old."""

    ticket = _secret()
    new_password = Text(max_length=128)

    @post_load
    def _proof(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        proof = Proof(data.get("totp_code"), data.get("passkey"))
        return {
            "ticket": data["ticket"],
            "proof": proof,
            "new_password": data.get("new_password"),
        }


class StaffRenewalSchema(Schema):
    """The latest renewal token of a session."""

    renewal_token = _secret()


class StaffSignedInSchema(Schema):
    """The tokens of a session of staff (RFC 6749 names)."""

    access_token = Text(required=True, max_length=4096)
    token_type = Text(required=True, metadata={"examples": ["Bearer"]})
    expires_in = Integer(required=True, metadata={"description": "Seconds", "examples": [600]})
    renewal_token = Text(required=True)
    session = Nested(StaffSessionRefSchema, required=True)


class StaffSessionSchema(Schema):
    """A session of the caller."""

    id = UUID(required=True)
    means = Text(required=True)
    second_factor = Text(required=True, allow_none=True)
    created_at = Moment(required=True)
    last_seen_at = Moment(required=True)
    idle_until = Moment(required=True)
    expires_at = Moment(required=True)
    is_current = Flag(required=True)


class StaffStepUpAskedSchema(Schema):
    """Which factors the caller has."""

    factors = List(Text(validate=[validate.OneOf(list(Factor))]), required=True)
    passkey = Dict(
        required=True,
        allow_none=True,
        metadata={"description": "For `navigator.credentials.get`"},
    )


class NewStaffPasswordSchema(Schema):
    """Another password."""

    password = Text(required=True, max_length=128)


class StaffElevatedSchema(Schema):
    """A permission held for a while."""

    permission = Text(required=True)
    ends_at = Moment(required=True)


class StaffMeSchema(Schema):
    """The caller: roles, all permissions, and which of them only for a while."""

    id = UUID(required=True)
    label = Text(required=True)
    login = Text(required=True, allow_none=True)
    department = Text(required=True, allow_none=True)
    roles = List(Text(), required=True)
    permissions = List(Text(), required=True)
    elevations = List(Nested(StaffElevatedSchema), required=True)


class NewStaffMemberSchema(Schema):
    """Whom to invite."""

    label = Text(
        required=True,
        max_length=60,
        metadata={"description": "What the account is called", "examples": ["水务大厅3号窗口"]},
    )
    department = Text(pattern=_DEPARTMENT, max_length=64, metadata={"examples": ["water-bureau"]})


class StaffInvitedSchema(Schema):
    """An invitation; the token is shown this once."""

    id = UUID(required=True)
    token = Text(required=True)
    expires_at = Moment(required=True)


class StaffMemberSchema(Schema):
    """A member of staff."""

    id = UUID(required=True)
    label = Text(required=True)
    login = Text(required=True, allow_none=True)
    department = Text(required=True, allow_none=True)
    status = Text(required=True, metadata={"examples": ["active"]})
    roles = List(Text(), required=True)
    last_seen_at = Moment(required=True, allow_none=True)
    created_at = Moment(required=True)


class NewStaffRequestSchema(Schema):
    """A dangerous act that is asked for."""

    act = Text(required=True, max_length=60, metadata={"examples": ["role.grant"]})
    parameters = Dict(keys=Text(max_length=60), values=Raw(), required=True)
    reason = _reason()


class RequestArgs(PageArgs):
    """Which requests."""

    status = Text(load_default=None, validate=[validate.OneOf(list(RequestStatus))])


class StaffRequestSchema(Schema):
    """A dangerous act, who asked for it, and what became of it."""

    id = UUID(required=True)
    act = Text(required=True)
    title = Nested(Title, required=True)
    parameters = Dict(required=True)
    reason = Text(required=True)
    status = Text(required=True, validate=[validate.OneOf(list(RequestStatus))])
    requested_by = UUID(required=True)
    decided_by = UUID(required=True, allow_none=True)
    created_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)
    expires_at = Moment(required=True)


class CitizenSearchSchema(Schema):
    """A number, and why it is looked for."""

    phone = Text(pattern=r"\+?[0-9]{8,15}", metadata={"examples": ["+8613807190001"]})
    resident_id = Text(pattern="[0-9]{17}[0-9Xx]", metadata={"examples": ["420302198503120017"]})
    reason = _reason()

    @validates_schema
    def _one(self, data: dict[str, Any], **_: object) -> None:
        if len({"phone", "resident_id"} & set(data)) != 1:
            raise ValidationError("Send phone or resident_id, and not both.")


class FoundCitizenSchema(Schema):
    """A citizen, masked."""

    id = UUID(required=True)
    phone = Text(required=True, metadata={"examples": ["138****0001"]})
    name = Text(required=True, allow_none=True, metadata={"examples": ["张*"]})
    resident_id = Text(
        required=True, allow_none=True, metadata={"examples": ["420***********0017"]}
    )
    assurance = Text(required=True)
    status = Text(required=True)


class NewUnmaskingSchema(Schema):
    """Which field, and why."""

    attribute = Text(required=True, validate=[validate.OneOf(list(Attribute))])
    reason = _reason()


class UnmaskedSchema(Schema):
    """One field of one citizen in clear."""

    id = UUID(required=True)
    citizen_id = UUID(required=True)
    attribute = Text(required=True)
    value = Text(required=True)
    at = Moment(required=True)
