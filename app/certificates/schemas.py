"""The wire format of certificates."""

from app.certificates.values import CertificateStatus, FieldKind, PresentationStatus
from app.http.fields import (
    URL,
    UUID,
    Boolean,
    Date,
    Dict,
    Enum,
    List,
    Moment,
    Nested,
    Schema,
    Text,
    Title,
    validate,
)

CODE = r"[a-z2-7]{16}"


class CertificateFieldSchema(Schema):
    """One field of a certificate; `value` is null when it cannot be read any more."""

    id = Text(required=True)
    title = Nested(Title, required=True)
    kind = Enum(FieldKind, by_value=True, required=True)
    value = Text(required=True, allow_none=True, max_length=500)
    selective = Boolean(
        required=True, metadata={"description": "Whether the holder says who is shown it"}
    )


class CertificateStepSchema(Schema):
    """One thing that became of a certificate."""

    status = Enum(CertificateStatus, by_value=True, required=True)
    reason = Text(required=True)
    at = Moment(required=True)


class CertificateSummarySchema(Schema):
    """A certificate in a list."""

    id = UUID(required=True)
    number = Text(required=True)
    type = Text(required=True)
    title = Nested(Title, required=True)
    status = Enum(CertificateStatus, by_value=True, required=True)
    issuer_title = Nested(Title, required=True)
    issued_at = Moment(required=True)
    valid_until = Date(
        required=True,
        allow_none=True,
        metadata={"description": "The last day on which it is good, in the city's time"},
    )


class CertificateSchema(CertificateSummarySchema):
    """A certificate with what it says, and what became of it."""

    identifier = Text(
        required=True, metadata={"description": "The whole identifier (电子证照标识)"}
    )
    code = Text(required=True, metadata={"description": "What anybody checks it with"})
    validity_url = URL(
        required=True, require_tld=False, metadata={"description": "What its QR code holds"}
    )
    fields_ = List(
        Nested(CertificateFieldSchema), required=True, attribute="fields", data_key="fields"
    )
    history = List(Nested(CertificateStepSchema), required=True)


class CertificateValidityArgs(Schema):
    """What to check a certificate with."""

    code = Text(
        required=True,
        pattern=CODE,
        max_length=16,
        metadata={"description": "The check code that stands on the certificate"},
    )


class CertificateValiditySchema(Schema):
    """Whether a certificate is genuine and in force, and nothing of what it says.

    `valid` is true while it is active. Nothing is said of a number that nobody has, nor of one with
    another code.
    """

    valid = Boolean(required=True)
    status = Enum(CertificateStatus, by_value=True, required=True, allow_none=True)
    title = Nested(Title, required=True, allow_none=True)
    issuer_title = Nested(Title, required=True, allow_none=True)
    holder = Text(
        required=True, allow_none=True, max_length=500, metadata={"description": "Masked"}
    )
    issued_at = Moment(required=True, allow_none=True)
    valid_until = Date(required=True, allow_none=True)


class CredentialRequestSchema(Schema):
    """What a credential shows, and whose key it belongs to."""

    disclose = List(
        Text(max_length=64, pattern=r"[a-z][a-z0-9_]*"),
        required=True,
        validate=validate.Length(max=40),
        metadata={"description": "The selective fields that it shows; the others stay hidden"},
    )
    key_proof = Text(
        load_default=None,
        max_length=8_192,
        metadata={
            "description": "A proof of the wallet's key (OpenID4VCI, `jwt`): `typ` "
            "openid4vci-proof+jwt, the key as `jwk`, `aud` our address, `iat`, and the id of the "
            "certificate as `nonce`"
        },
    )


class CredentialSchema(Schema):
    """A certificate as a credential."""

    format = Text(required=True, metadata={"description": "dc+sd-jwt"})
    credential = Text(
        required=True,
        max_length=65_536,
        metadata={"description": "SD-JWT VC with the chosen disclosures (RFC 9901)"},
    )


class CredentialIssuerSchema(Schema):
    """Whose credentials these are, and the keys that have signed them (RFC 7517)."""

    issuer = URL(required=True, require_tld=False)
    jwks = Dict(required=True)


class CredentialTypeSchema(Schema):
    """A type of credentials: how it is called, and its claims."""

    vct = URL(required=True, require_tld=False)
    name = Text(required=True)
    display = List(Dict(), required=True)
    claims = List(Dict(), required=True)


class PresentationRequestSchema(Schema):
    """What a holder wants to show, and what for."""

    attributes = List(
        Text(max_length=64, pattern=r"[a-z][a-z0-9_]*"),
        required=True,
        validate=validate.Length(max=40),
        metadata={"description": "The selective fields that are shown, and no others"},
    )
    purpose = Text(
        required=True, max_length=100, metadata={"description": "As the holder understands it"}
    )


class PresentationOfferSchema(Schema):
    """A code for one verifier, once."""

    id = UUID(required=True)
    token = Text(required=True, metadata={"description": "What the QR code on the phone holds"})
    expires_at = Moment(required=True)


class PresentationSchema(Schema):
    """One showing of a certificate."""

    id = UUID(required=True)
    status = Enum(PresentationStatus, by_value=True, required=True)
    attributes = List(Text(), required=True)
    purpose = Text(required=True)
    verifier_title = Nested(Title, required=True, allow_none=True)
    created_at = Moment(required=True)
    expires_at = Moment(required=True)
    redeemed_at = Moment(required=True, allow_none=True)


class PresentationTokenSchema(Schema):
    """The code that a holder has shown."""

    token = Text(required=True, pattern=r"[A-Za-z0-9_-]{43}", max_length=43)


class ShownCertificateSchema(Schema):
    """A certificate as its holder shows it: exactly the fields they chose."""

    number = Text(required=True, attribute="certificate.number")
    type = Text(required=True, attribute="certificate.type")
    title = Nested(Title, required=True, attribute="certificate.title")
    issuer_title = Nested(Title, required=True, attribute="certificate.issuer_title")
    status = Enum(CertificateStatus, by_value=True, required=True, attribute="certificate.status")
    valid_until = Date(required=True, allow_none=True, attribute="certificate.valid_until")
    purpose = Text(required=True)
    fields_ = List(
        Nested(CertificateFieldSchema), required=True, attribute="fields", data_key="fields"
    )
