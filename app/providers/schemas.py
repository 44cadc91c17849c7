"""The wire format of the marketplace."""

from datetime import datetime
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.core import jose
from app.core.money import MAX_AMOUNT
from app.http.fields import (
    UUID,
    Amount,
    Enum,
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
from app.http.fields import Dict as Mapping
from app.http.pagination import PageArgs
from app.providers.values import (
    EVERYBODY,
    KEY_ID,
    EventType,
    ProviderKey,
    ProviderStatus,
    SendBack,
    Told,
)
from app.sdk.registry import Closed

_MOVED_TO = [
    state.value
    for state in ProviderStatus
    if state not in {ProviderStatus.APPLIED, ProviderStatus.SUSPENDED}
]


class ProviderReasonSchema(Schema):
    """A sentence in Chinese and English."""

    zh = Text(required=True, metadata={"examples": ["系统升级，请稍后再来。"]})
    en = Text(required=True, metadata={"examples": ["We are upgrading; please come back later."]})


class NewProviderManifestSchema(Schema):
    """A manifest, as docs/providers.md describes it."""

    manifest = Mapping(keys=Text(), required=True, metadata={"additionalProperties": True})


class ProviderBecauseSchema(Schema):
    """Why something is done; the other side can read it."""

    reason = Nested(ProviderReasonSchema, required=True)


class NewProviderMoveSchema(ProviderBecauseSchema):
    """The state to move a provider to, and why."""

    to = Text(required=True, validate=[validate.OneOf(_MOVED_TO)])


class ProviderSuspensionSchema(ProviderBecauseSchema):
    """What citizens read while a provider is suspended."""

    expected_return = Moment(load_default=None, allow_none=True)

    @post_load
    def _closure(self, data: dict[str, Any], **_: object) -> Closed:
        return Closed(data["reason"], data["expected_return"])


class CanarySchema(Schema):
    """The share of the citizens, in per cent."""

    percent = Integer(required=True, validate=validate.Range(min=1, max=EVERYBODY))


class NewProviderBadgeSchema(Schema):
    """A badge as the conformance kit has printed it."""

    badge = Text(required=True, max_length=8192, pattern=r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}")


class NewProviderKeySchema(Schema):
    """A public Ed25519 key (RFC 8037)."""

    kid = Text(required=True, pattern=KEY_ID, max_length=64)
    kty = Text(required=True, validate=[validate.OneOf(["OKP"])])
    crv = Text(required=True, validate=[validate.OneOf(["Ed25519"])])
    x = Text(required=True, pattern=r"[A-Za-z0-9_-]{43}", max_length=43)

    @validates_schema
    def _is_a_key(self, data: dict[str, Any], **_: object) -> None:
        try:
            jose.check_public_key(data)
        except jose.JoseInvalid as error:
            raise ValidationError("Not a public key.", "x") from error

    @post_load
    def _key(self, data: dict[str, Any], **_: object) -> ProviderKey:
        return ProviderKey(data["kid"], data["x"])


class ProviderClosureSchema(Schema):
    """Why something rests, and until when that is expected."""

    reason = Nested(Title, required=True)
    expected_return = Moment(required=True, allow_none=True)


class ProviderBadgeSchema(Schema):
    """A conformance badge."""

    id = UUID(required=True)
    manifest_hash = Text(required=True)
    contract = Integer(required=True)
    duties = List(Text(), required=True)
    badge = Text(required=True)
    issued_at = Moment(required=True)
    expires_at = Moment(required=True)


class ProviderHealthSchema(Schema):
    """How a provider was when it was last asked; nothing is found while it is well."""

    finding = Text(
        required=True,
        allow_none=True,
        metadata={
            "description": "`unreachable`, `unsigned`, `another` (name or contract), `unwell`, "
            "or null"
        },
    )
    since = Moment(required=True)
    asked_at = Moment(required=True)


class ServiceProviderSchema(Schema):
    """A provider; `closed` while it is suspended, `paused` by its own word for each service."""

    id = Text(required=True, metadata={"description": "Its name"})
    transport = Text(required=True)
    status = Text(required=True)
    title = Nested(Title, required=True, allow_none=True)
    client_id = UUID(required=True, allow_none=True)
    manifest_version = Integer(required=True, allow_none=True)
    newest_version = Integer(required=True, allow_none=True)
    canary_percent = Integer(required=True)
    closed = Nested(ProviderClosureSchema, required=True, allow_none=True)
    paused = Mapping(keys=Text(), values=Nested(ProviderClosureSchema), required=True)
    badge = Nested(ProviderBadgeSchema, required=True, allow_none=True)
    health = Nested(ProviderHealthSchema, required=True, allow_none=True)
    created_at = Moment(required=True)


class ServiceProviderFilter(PageArgs):
    """Which providers to list."""

    status = Enum(ProviderStatus, by_value=True, load_default=None)


class ProviderManifestSchema(Schema):
    """A version of a manifest; it never changes."""

    id = Integer(required=True, metadata={"description": "Its number, from 1 on"})
    hash = Text(required=True)
    content = Raw(required=True)
    is_released = Flag(required=True)
    submitted_at = Moment(required=True)


class ProviderMoveSchema(Schema):
    """A move of a provider from state to state, and why."""

    sequence = Integer(required=True)
    from_state = Text(required=True, allow_none=True)
    to_state = Text(required=True)
    reason = Nested(Title, required=True, allow_none=True)
    by = Text(required=True)
    at = Moment(required=True)


class ProviderKeySchema(Schema):
    """A key of a provider; one that is retired counts no more."""

    kid = Text(required=True)
    x = Text(required=True)
    added_at = Moment(required=True)
    retired_at = Moment(required=True, allow_none=True)


class ProviderKeysSchema(Schema):
    """The keys of a provider."""

    items = List(Nested(ProviderKeySchema), required=True)


class OurKeysSchema(Schema):
    """The keys that the house signs its calls of providers with (RFC 7517)."""

    keys = List(Mapping(keys=Text(), values=Text()), required=True)


class SendBackSchema(Schema):
    """A payment of which money is owed to the citizen: an amount, or all that is left."""

    reference = Text(required=True)
    amount = Amount(load_default=None, allow_none=True)
    reason = Text(required=True, max_length=64)

    @validates_schema
    def _is_something(self, data: dict[str, Any], **_: object) -> None:
        if data["amount"] is not None and not 0 < data["amount"] <= MAX_AMOUNT:
            raise ValidationError("At least one fen, and what one payment can hold.", "amount")

    @post_load
    def _wanted(self, data: dict[str, Any], **_: object) -> SendBack:
        return SendBack(**data)


class ToldDataSchema(Schema):
    """What an event is about."""

    service = Text(load_default=None, max_length=64)
    reason = Nested(ProviderReasonSchema, load_default=None)
    expected_return = Moment(load_default=None, allow_none=True)


class ToldSchema(Schema):
    """An event of a provider's (Standard Webhooks)."""

    type = Enum(EventType, by_value=True, required=True)
    timestamp = Moment(load_default=None)
    data = Nested(ToldDataSchema, required=True)

    @validates_schema
    def _is_whole(self, event: dict[str, Any], **_: object) -> None:
        data, kind = event["data"], event["type"]
        about_a_service = kind != EventType.PAYABLES_CHANGED
        closes = kind == EventType.SERVICE_SUSPENDED
        for name, wanted in (("service", about_a_service), ("reason", closes)):
            if (data[name] is not None) != wanted:
                said = "Missing for this type." if wanted else "Not of this type."
                raise ValidationError({"data": {name: [said]}})
        if data["expected_return"] is not None and not closes:
            raise ValidationError({"data": {"expected_return": ["Not of this type."]}})

    @post_load
    def _told(self, event: dict[str, Any], **_: object) -> Told:
        data = event["data"]
        returns: datetime | None = data["expected_return"]
        closure = Closed(data["reason"], returns) if data["reason"] is not None else None
        return Told(event["type"], data["service"], closure)
