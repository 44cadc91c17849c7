"""The wire format of webhooks."""

from typing import Any

from marshmallow import fields as ma_fields
from marshmallow import post_load, validate

from app.http.fields import (
    UUID,
    Dict,
    Flag,
    Integer,
    List,
    Moment,
    Nested,
    QueryInteger,
    Schema,
    Text,
)
from app.http.pagination import PageArgs
from app.webhooks.values import (
    MOST_REPLAYED,
    DeliveryFilter,
    DeliveryState,
    EndpointStatus,
    EventType,
    NewEndpoint,
    Scheme,
    Span,
)

SERVICE = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
_URL = r"https?://[!-~]+"
_TYPES = [validate.OneOf([str(one) for one in EventType])]
_POSITION = validate.Range(min=0, max=10**17)


def _url(**options: Any) -> Text:  # noqa: ANN401 - marshmallow's own
    return Text(
        max_length=500,
        pattern=_URL,
        metadata={"examples": ["https://parking.example/events"]},
        **options,
    )


def _types(**options: Any) -> List[str]:  # noqa: ANN401 - marshmallow's own
    return List(
        Text(max_length=64, validate=_TYPES),
        validate=validate.Length(min=1, max=len(EventType)),
        allow_none=True,
        metadata={"description": "Which kinds of events; null for all, later kinds too"},
        **options,
    )


class NewWebhookEndpointSchema(Schema):
    """Where events shall go, and how they are signed."""

    url = _url(required=True)
    scheme = Text(
        load_default=str(Scheme.V1A),
        validate=[validate.OneOf([str(one) for one in Scheme])],
        metadata={
            "description": "`v1a`: Ed25519, checked with `public_keys`; "
            "`v1`: HMAC-SHA-256, checked with a shared secret"
        },
    )
    events = _types(load_default=None)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewEndpoint:
        events = data["events"]
        return NewEndpoint(
            data["url"], Scheme(data["scheme"]), None if events is None else tuple(events)
        )


class WebhookEndpointChangeSchema(Schema):
    """What shall be different about an endpoint; what is left out stays."""

    url = _url()
    events = _types()
    status = Text(
        validate=[validate.OneOf([str(EndpointStatus.ACTIVE), str(EndpointStatus.DISABLED)])]
    )


class WebhookEndpointSchema(Schema):
    """A place that events are sent to."""

    id = UUID(required=True)
    url = _url(required=True)
    status = Text(required=True)
    scheme = Text(required=True)
    events = List(Text(), required=True, allow_none=True)
    disabled_because = Text(
        required=True,
        allow_none=True,
        metadata={"description": "`owner`, or `gone`: it has answered 410"},
    )
    public_keys = List(
        Text(),
        required=True,
        metadata={"description": "`v1a`: the keys that sign now (`whpk_…`), the current one first"},
    )
    key_made_at = Moment(required=True, allow_none=True)
    former_key_until = Moment(
        required=True, allow_none=True, metadata={"description": "The key before signs beside it"}
    )
    created_at = Moment(required=True)
    secret = Text(
        allow_none=True, metadata={"description": "`v1`: shown when it is made and never again"}
    )


class WebhookEventSchema(Schema):
    """One event, as it is sent and as it is fetched."""

    id = UUID(required=True, metadata={"description": "The `webhook-id`; the same at each try"})
    position = Integer(required=True, metadata={"description": "Its place in the client's feed"})
    type = Text(required=True)
    timestamp = Moment(required=True, metadata={"description": "When it happened"})
    data = Dict(required=True)


class WebhookEventsSchema(Schema):
    """A part of a feed; `next_cursor` goes on after it, also at its present end."""

    items = List(Nested(WebhookEventSchema), required=True)
    next_cursor = Integer(required=True)


class WebhookEventsArgs(Schema):
    """After which position of the feed, and how many events at most."""

    after = QueryInteger(
        load_default=None,
        validate=_POSITION,
        metadata={"description": "`next_cursor` of the part before; without it, from the oldest"},
    )
    limit = QueryInteger(load_default=100, validate=validate.Range(min=1, max=500))


class DeliveryArgs(PageArgs):
    """Which deliveries."""

    endpoint_id = UUID(load_default=None)
    state = Text(load_default=None, validate=[validate.OneOf([str(one) for one in DeliveryState])])

    @post_load
    def _filter(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        wanted = DeliveryFilter(data.pop("endpoint_id"), data.pop("state"))
        return {**data, "filter": wanted}


class WebhookDeliverySchema(Schema):
    """One event on its way to one endpoint."""

    id = UUID(required=True)
    endpoint_id = UUID(required=True)
    event_id = UUID(required=True)
    event_type = Text(required=True)
    position = Integer(required=True)
    state = Text(required=True)
    tries = Integer(required=True)
    next_at = Moment(required=True, allow_none=True)
    created_at = Moment(required=True)
    finished_at = Moment(required=True, allow_none=True)


class WebhookAttemptSchema(Schema):
    """One call of an endpoint, and the first KiB of what it answered."""

    number = Integer(required=True)
    started_at = Moment(required=True)
    status = Integer(required=True, allow_none=True)
    milliseconds = Integer(required=True, allow_none=True)
    answer = ma_fields.String(required=True, allow_none=True)
    error = Text(required=True, allow_none=True)


class InspectedWebhookDeliverySchema(WebhookDeliverySchema):
    """One delivery with every attempt."""

    attempts = List(Nested(WebhookAttemptSchema), required=True)


class WebhookReplaySchema(Schema):
    """Which events of the feed shall be sent again: after one position, up to another."""

    after = Integer(required=True, validate=_POSITION)
    until = Integer(
        required=True,
        validate=validate.Range(min=1, max=10**17),
        metadata={"description": f"At most {MOST_REPLAYED} above `after`"},
    )
    only_dead = Flag(load_default=False)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Span:
        return Span(**data)


class WebhookReplayedSchema(Schema):
    """How many events are sent again."""

    queued = Integer(required=True)


class ClientServicesSchema(Schema):
    """Of which services a client is told."""

    services = List(
        Text(max_length=64, pattern=SERVICE),
        required=True,
        validate=validate.Length(max=200),
        metadata={"examples": [["water-bill"]]},
    )
