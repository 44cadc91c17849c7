"""The wire format of agreements, consents and disclosures."""

from typing import Any

from app.consent.values import AgreementKind, Basis, ConsentStatus, DelayReason
from app.http.fields import (
    UUID,
    Flag,
    Integer,
    List,
    Moment,
    Nested,
    QueryInteger,
    Schema,
    Text,
    Title,
    validate,
)

_CONSUMER = {
    "description": "`app`, or `plugin:`, `client:`, `department:` or `staff:` and an id",
    "examples": ["plugin:utilities"],
}
_LONG = 20_000


def _one_of(states: Any, **options: Any) -> Text:  # noqa: ANN401 - an enum, and marshmallow's own
    return Text(required=True, validate=[validate.OneOf([s.value for s in states])], **options)


class AgreementAttributeSchema(Schema):
    """One thing about a person that an agreement covers."""

    name = Text(required=True, metadata={"examples": ["phone"]})
    source = Text(required=True)
    sensitivity = Text(required=True, metadata={"examples": ["ordinary"]})
    category = Text(required=True)


class AgreementTextSchema(Schema):
    """The words of an agreement."""

    zh = Text(required=True, max_length=_LONG, lines=True)
    en = Text(required=True, max_length=_LONG, lines=True)


class AgreedSchema(Schema):
    """One version of an agreement; `revision_hash` (SHA-256) names its content exactly."""

    id = Text(required=True, metadata={"examples": ["privacy-notice"]})
    version = Integer(required=True, metadata={"examples": [1]})
    kind = _one_of(AgreementKind)
    controller = Text(required=True)
    title = Nested(Title, required=True)
    purpose = Nested(Title, required=True)
    legal_basis = _one_of(Basis, metadata={"description": "PIPL article 13"})
    attributes = List(Nested(AgreementAttributeSchema), required=True)
    retention_days = Integer(required=True)
    jurisdiction = Text(required=True)
    dpia_ref = Text(required=True, allow_none=True)
    forgettable = Flag(required=True)
    revision_hash = Text(required=True, metadata={"examples": ["9f86d081884c7d65"]})


class AgreementSchema(AgreedSchema):
    """One version of an agreement with the text that is accepted."""

    text = Nested(AgreementTextSchema, required=True, allow_none=True)


class AgreementStandingSchema(Schema):
    """An agreement of the app, and whether the caller has accepted its version in force."""

    agreement = Nested(AgreementSchema, required=True)
    accepted_version = Integer(required=True, allow_none=True)
    accepted_at = Moment(required=True, allow_none=True)
    is_pending = Flag(required=True)


class AcceptanceSchema(Schema):
    """The version that was read."""

    version = Integer(required=True, validate=validate.Range(min=1, max=10**6))


class NewConsentSchema(Schema):
    """A yes to an agreement that names its consumer, in the version that was read."""

    agreement_id = Text(required=True, max_length=64, pattern="[a-z0-9]+(-[a-z0-9]+)*")
    version = Integer(required=True, validate=validate.Range(min=1, max=10**6))


class ConsentSchema(Schema):
    """One consent of the caller."""

    id = UUID(required=True)
    status = _one_of(ConsentStatus)
    consumer = Text(required=True, max_length=220, metadata=_CONSUMER)
    title = Nested(Title, required=True)
    agreement = Nested(AgreedSchema, required=True)
    attributes = List(Text(), required=True)
    granted_at = Moment(required=True)
    expires_at = Moment(required=True, allow_none=True)
    ended_at = Moment(required=True, allow_none=True)


class ConsentChangeSchema(Schema):
    """One consent as it stands after a change; `subject` is the consumer's name for the citizen."""

    number = Integer(required=True)
    consent_id = UUID(required=True)
    subject = Text(required=True, allow_none=True)
    status = _one_of(ConsentStatus)
    agreement_id = Text(required=True)
    agreement_version = Integer(required=True)
    attributes = List(Text(), required=True)
    at = Moment(required=True)


class ConsentChangesSchema(Schema):
    """A part of a consumer's feed; `next_cursor` goes on after it, also at its present end."""

    items = List(Nested(ConsentChangeSchema), required=True)
    next_cursor = Integer(required=True)


class ConsentChangesArgs(Schema):
    """After which number of the feed, and how many changes at most."""

    after = QueryInteger(load_default=0, validate=validate.Range(min=0, max=10**17))
    limit = QueryInteger(load_default=100, validate=validate.Range(min=1, max=500))


class ConsentQuestionSchema(Schema):
    """Whether a consumer may see an attribute of somebody it knows now."""

    subject = Text(required=True, max_length=200)
    attribute = Text(required=True, max_length=40, pattern="[a-z][a-z0-9_]*")


class ConsentAnswerSchema(Schema):
    """The answer holds at this moment only."""

    is_consented = Flag(required=True)


class DisclosureSchema(Schema):
    """One showing of the caller's attributes: their names, never their values."""

    id = UUID(required=True)
    at = Moment(required=True)
    consumer = Text(required=True, max_length=220, metadata=_CONSUMER)
    title = Nested(Title, required=True)
    officer = Text(
        required=True,
        allow_none=True,
        metadata={"description": "The role of the member of staff who looked; null for a system"},
    )
    basis = _one_of(Basis)
    purpose = Nested(Title, required=True)
    consent_id = UUID(required=True, allow_none=True)
    mandate_id = UUID(required=True, allow_none=True)
    attributes = List(Text(), required=True, metadata={"examples": [["name"]]})
    request_id = Text(required=True, allow_none=True)
    delay_reason = Text(
        required=True,
        allow_none=True,
        metadata={
            "description": "Why this was told later than it happened",
            "enum": [*(reason.value for reason in DelayReason), None],
        },
    )
