"""The wire format of credentials, for every room that takes them.

What a browser sends is written as the W3C writes it (`PublicKeyCredential.toJSON()`).
"""

import marshmallow as ma

from app.http.fields import (
    UUID,
    Dict,
    Flag,
    Integer,
    List,
    Moment,
    Nested,
    Schema,
    Text,
    validate,
)

_BASE64URL = "[A-Za-z0-9_-]+"


def _bytes(most: int, *, required: bool = True) -> Text:
    """Return a field of bytes in unpadded base64url."""
    return Text(required=required, allow_none=not required, max_length=most, pattern=_BASE64URL)


def _credential(name: str, response: type[ma.Schema]) -> type[ma.Schema]:
    """Return the schema of a PublicKeyCredential with this kind of response."""
    fields = {
        "id": _bytes(1_400),
        "rawId": _bytes(1_400),
        "type": Text(required=True, validate=[validate.OneOf(["public-key"])]),
        "response": Nested(response, required=True),
        "authenticatorAttachment": Text(allow_none=True, max_length=20, pattern="[a-z-]+"),
        "clientExtensionResults": Dict(
            metadata={"description": "Not read", "additionalProperties": True}
        ),
    }
    return Schema.from_dict(fields, name=name)


AttestationSchema = Schema.from_dict(
    {
        "clientDataJSON": _bytes(4_096),
        "attestationObject": _bytes(16_384),
        "authenticatorData": _bytes(4_096, required=False),
        "publicKey": _bytes(4_096, required=False),
        "publicKeyAlgorithm": Integer(),
        "transports": List(Text(max_length=20, pattern="[a-z-]+"), validate=validate.Length(max=8)),
    },
    name="AttestationSchema",
)
AssertionSchema = Schema.from_dict(
    {
        "clientDataJSON": _bytes(4_096),
        "authenticatorData": _bytes(4_096),
        "signature": _bytes(4_096),
        "userHandle": _bytes(100, required=False),
    },
    name="AssertionSchema",
)
MadePasskeySchema = _credential("MadePasskeySchema", AttestationSchema)
"""What `navigator.credentials.create()` gives."""

UsedPasskeySchema = _credential("UsedPasskeySchema", AssertionSchema)
"""What `navigator.credentials.get()` gives."""


class PasskeyOptionsSchema(Schema):
    """What a browser is asked (W3C WebAuthn, `parseRequestOptionsFromJSON` and its sister)."""

    public_key = Dict(
        required=True,
        metadata={"description": "Options as the W3C writes them", "additionalProperties": True},
    )
    expires_at = Moment(required=True)


class NewPasskeySchema(Schema):
    """A passkey that was made, and what its owner calls it."""

    name = Text(required=True, max_length=40, metadata={"examples": ["我的手机"]})
    passkey = Nested(MadePasskeySchema, required=True)


class PasskeySchema(Schema):
    """A passkey of the caller."""

    id = UUID(required=True)
    name = Text(required=True)
    is_synced = Flag(
        required=True, metadata={"description": "Whether it is kept in several devices"}
    )
    is_bound = Flag(
        required=True,
        metadata={"description": "Whether its maker has signed that it cannot leave its device"},
    )
    created_at = Moment(required=True)
    last_used_at = Moment(required=True, allow_none=True)


class PasskeysSchema(Schema):
    """Every passkey of the caller: ten at most."""

    items = List(Nested(PasskeySchema), required=True)


class RecoveryCodesSchema(Schema):
    """Ten codes, shown once; each opens once."""

    codes = List(Text(metadata={"examples": ["3-ABCD-EFGH-JKMN-PQRS"]}), required=True)
