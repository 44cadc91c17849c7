"""The wire format of identity."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.credentials.schemas import UsedPasskeySchema
from app.http.fields import (
    UUID,
    Dict,
    Flag,
    Integer,
    List,
    Moment,
    Nested,
    QueryFlag,
    Schema,
    Secret,
    Text,
    Title,
    validate,
)
from app.identity.values import (
    AnyLogIn,
    Device,
    EvidenceKind,
    EvidenceStatus,
    Holding,
    LockReason,
    LogIn,
    PasskeyLogIn,
    PasswordLogIn,
    Purpose,
    Reset,
    StepUpMeans,
    StepUpProof,
)

_LEVELS = ["basic", "verified", "strong"]
_DOCUMENT = r"[0-9]{17}[0-9Xx]|[A-Za-z]{3}[0-9]{12}"
_EXAMPLE_PHONE = "+8613807190001"


class NewChallengeSchema(Schema):
    """A number, and what a code for it is wanted for."""

    phone = Text(
        required=True,
        pattern=r"\+?[0-9]{8,15}",
        metadata={"description": "A mainland mobile number", "examples": [_EXAMPLE_PHONE]},
    )
    purpose = Text(
        required=True,
        validate=[validate.OneOf(list(Purpose))],
        metadata={"description": "A code opens nothing but this", "examples": ["login"]},
    )


class ChallengeSchema(Schema):
    """A code that is on its way; the same answer for every number."""

    id = UUID(required=True)
    expires_at = Moment(required=True)
    resend_at = Moment(
        required=True,
        metadata={"description": "When another code may be asked for"},
    )


class DeviceSchema(Schema):
    """The device that a session is on, as its citizen calls it."""

    name = Text(required=True, max_length=60, metadata={"examples": ["我的手机"]})
    platform = Text(
        required=True,
        max_length=40,
        pattern=r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}",
        metadata={"examples": ["android"]},
    )


def _code() -> Text:
    return Text(pattern="[0-9]{6}", metadata={"examples": ["482913"]})


def _phone(*, required: bool = False) -> Text:
    description = {"description": "A mainland mobile number", "examples": [_EXAMPLE_PHONE]}
    return Text(required=required, pattern=r"\+?[0-9]{8,15}", metadata=description)


def _has_one_of(data: Mapping[str, Any], *shapes: frozenset[str]) -> None:
    """Refuse members that are not together one of these shapes."""
    if frozenset(data) not in shapes:
        wanted = "; or ".join(", ".join(sorted(shape)) for shape in shapes)
        raise ValidationError(f"Must have exactly: {wanted}.")


class NewSessionSchema(Schema):
    """One way of proving who somebody is, and the device they are on.

    A code (`challenge_id`, `code`), a code and a password (`password` besides), a password that may
    stand alone (`phone`, `password`), or a passkey (`passkey`).
    """

    challenge_id = UUID()
    code = _code()
    phone = _phone()
    password = Secret()
    passkey = Nested(UsedPasskeySchema)
    device = Nested(DeviceSchema, required=True)

    @validates_schema
    def _is_one_way(self, data: dict[str, Any], **_: object) -> None:
        by_code = frozenset({"challenge_id", "code", "device"})
        _has_one_of(
            data,
            by_code,
            by_code | {"password"},
            frozenset({"phone", "password", "device"}),
            frozenset({"passkey", "device"}),
        )

    @post_load
    def _log_in(self, data: dict[str, Any], **_: object) -> AnyLogIn:
        device = Device(**data.pop("device"))
        if "passkey" in data:
            return PasskeyLogIn(data["passkey"], device)
        if "phone" in data:
            return PasswordLogIn(data["phone"], data["password"], device)
        return LogIn(data["challenge_id"], data["code"], device, data.get("password"))


class NewPasskeyOptionsSchema(Schema):
    """What a passkey is wanted for; with a number, only its passkeys may answer."""

    phone = _phone()
    purpose = Text(
        required=True, validate=[validate.OneOf(["login", "reset"])], pattern="login|reset"
    )


class NewPasswordSchema(Schema):
    """A password: 8 characters and more, any of them; from 15 on it may stand alone."""

    password = Secret(required=True)


class CodeProofSchema(Schema):
    """A code, and the challenge it belongs to."""

    challenge_id = UUID(required=True)
    code = Text(required=True, pattern="[0-9]{6}", metadata={"examples": ["482913"]})


class NewResetSchema(Schema):
    """A code, the new password, and one more proof.

    A recovery code (`recovery_code`), a passkey (`passkey`), or the name and number that the
    account was verified with (`name`, `resident_id`).
    """

    challenge_id = UUID(required=True)
    code = Text(required=True, pattern="[0-9]{6}", metadata={"examples": ["482913"]})
    password = Secret(required=True)
    recovery_code = Text(max_length=40, metadata={"examples": ["3-ABCD-EFGH-JKMN-PQRS"]})
    passkey = Nested(UsedPasskeySchema)
    name = Text(max_length=60, metadata={"examples": ["张伟"]})
    resident_id = Text(pattern=_DOCUMENT, metadata={"examples": ["420302198503120017"]})

    @validates_schema
    def _has_one_proof(self, data: dict[str, Any], **_: object) -> None:
        always = frozenset({"challenge_id", "code", "password"})
        proofs = ({"recovery_code"}, {"passkey"}, {"name", "resident_id"})
        _has_one_of(data, *(always | proof for proof in proofs))

    @post_load
    def _reset(self, data: dict[str, Any], **_: object) -> Reset:
        return Reset(**data)


class FactorsSchema(Schema):
    """What the caller can prove themselves with, besides their phone."""

    password = Flag(required=True)
    passkeys = Integer(required=True)
    recovery_codes = Integer(required=True, metadata={"description": "How many are left"})


class RefreshSchema(Schema):
    """A refresh token to be exchanged."""

    refresh_token = Text(required=True, max_length=200, pattern="[A-Za-z0-9_-]{1,200}")


class SessionRefSchema(Schema):
    """Which session."""

    id = UUID(required=True)


class CitizenRefSchema(Schema):
    """Which citizen, and how surely."""

    id = UUID(required=True)
    assurance = Text(required=True, validate=[validate.OneOf(_LEVELS)])


class SignedInSchema(Schema):
    """The tokens of a session (RFC 6749 names)."""

    access_token = Text(required=True, max_length=4096)
    token_type = Text(required=True, metadata={"examples": ["Bearer"]})
    expires_in = Integer(required=True, metadata={"description": "Seconds", "examples": [600]})
    refresh_token = Text(required=True)
    session = Nested(SessionRefSchema, required=True)
    citizen = Nested(CitizenRefSchema, required=True)


class SessionSchema(Schema):
    """A session of the caller."""

    id = UUID(required=True)
    device = Nested(DeviceSchema, required=True)
    created_at = Moment(required=True)
    last_seen_at = Moment(required=True)
    is_current = Flag(required=True)


class MeSchema(Schema):
    """The caller's own profile; number and name are masked."""

    id = UUID(required=True)
    phone = Text(required=True, metadata={"examples": ["138****0001"]})
    name = Text(required=True, allow_none=True, metadata={"examples": ["张*"]})
    assurance = Text(required=True, validate=[validate.OneOf(_LEVELS)])
    assurance_until = Moment(
        required=True, allow_none=True, metadata={"description": "When it drops by itself"}
    )
    stepped_up_until = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Until when this session may do what needs a step-up"},
    )


class NewVerificationSchema(Schema):
    """A name and a resident identity number that are claimed to belong together."""

    name = Text(required=True, max_length=60, metadata={"examples": ["张伟"]})
    resident_id = Text(
        required=True,
        pattern=_DOCUMENT,
        metadata={"examples": ["420302198503120017"]},
    )


class VerificationSchema(Schema):
    """One attempt to prove a name."""

    id = UUID(required=True)
    status = Text(required=True, metadata={"examples": ["verified"]})


class NewLinkedProofSchema(Schema):
    """Something that is registered to the caller besides their name."""

    kind = Text(required=True, validate=[validate.OneOf(list(Holding))])
    number = Text(
        pattern="[0-9A-Za-z-]{4,32}",
        metadata={
            "description": "Of the card, account or licence; a phone is the account's own",
            "examples": ["6222020000000001"],
        },
    )


class FaceCheckSchema(Schema):
    """A face check that has begun; the token is for the device's camera, shown once."""

    id = UUID(required=True)
    token = Text(required=True)
    expires_at = Moment(required=True)


class EvidenceSchema(Schema):
    """A piece of evidence of who the caller is, never what was proven with it."""

    id = UUID(required=True)
    kind = Text(required=True, validate=[validate.OneOf(list(EvidenceKind))])
    title = Nested(Title, required=True)
    source = Text(required=True, metadata={"examples": ["register"]})
    status = Text(required=True, validate=[validate.OneOf(list(EvidenceStatus))])
    obtained_at = Moment(required=True)
    expires_at = Moment(required=True, allow_none=True)
    ended_at = Moment(required=True, allow_none=True)


class NewCounterConfirmationSchema(Schema):
    """The card of the person who stands at the counter."""

    name = Text(required=True, max_length=60, metadata={"examples": ["张伟"]})
    resident_id = Text(
        required=True, pattern=_DOCUMENT, metadata={"examples": ["420302198503120017"]}
    )


class StandingSchema(Schema):
    """A citizen's level."""

    citizen_id = UUID(required=True)
    assurance = Text(required=True, validate=[validate.OneOf(_LEVELS)])
    until = Moment(
        required=True, allow_none=True, metadata={"description": "When it drops by itself"}
    )


class LockSchema(Schema):
    """Why an account is locked or unlocked."""

    reason = Text(required=True, validate=[validate.OneOf(list(LockReason))])


class EndSessionsSchema(Schema):
    """Which sessions to end."""

    including_current = QueryFlag(load_default=False)


class NewStepUpSchema(Schema):
    """With what the session is to be proven again; without a word, with the best there is."""

    means = Text(validate=[validate.OneOf(list(StepUpMeans))])


class StepUpSchema(Schema):
    """A step-up that waits for its proof."""

    id = UUID(required=True)
    means = Text(required=True, validate=[validate.OneOf(list(StepUpMeans))])
    others = List(
        Text(validate=[validate.OneOf(list(StepUpMeans))]),
        required=True,
        metadata={"description": "What the citizen has besides"},
    )
    expires_at = Moment(required=True)
    public_key = Dict(
        required=True,
        allow_none=True,
        metadata={
            "description": "For a passkey: options as the W3C writes them",
            "additionalProperties": True,
        },
    )
    resend_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "For a password: when another code may be asked for"},
    )


class StepUpProofSchema(Schema):
    """The proof: a passkey's answer (`passkey`), or the code and the password."""

    passkey = Nested(UsedPasskeySchema)
    code = Text(pattern="[0-9]{6}", metadata={"examples": ["482913"]})
    password = Secret()

    @validates_schema
    def _is_one_proof(self, data: dict[str, Any], **_: object) -> None:
        _has_one_of(data, frozenset({"passkey"}), frozenset({"code", "password"}))

    @post_load
    def _proof(self, data: dict[str, Any], **_: object) -> StepUpProof:
        return StepUpProof(**data)


class SteppedUpSchema(Schema):
    """A session that has proven itself again: repeat the refused call as it was."""

    session_id = UUID(required=True)
    amr = List(
        Text(), required=True, metadata={"description": "RFC 8176", "examples": [["pop", "mfa"]]}
    )
    stepped_up_until = Moment(required=True)
