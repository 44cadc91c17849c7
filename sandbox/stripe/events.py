"""Events: what happened to an object, with the object as it was at that moment."""

from sandbox.stripe import lists, outbox
from sandbox.stripe.config import API_VERSION
from sandbox.stripe.errors import Body
from sandbox.stripe.ids import new_id
from sandbox.stripe.rules import LIST, Schema, flag, instants, many, text
from sandbox.stripe.world import Call, Operation


def emit(call: Call, kind: str, subject: Body, previous: Body | None = None) -> Body:
    """Record an event and queue its webhooks, in the transaction of its cause."""
    data: Body = {"object": subject}
    if previous is not None:
        data["previous_attributes"] = previous
    event = {
        "id": new_id("evt"),
        "object": "event",
        "account": None,
        "api_version": API_VERSION,
        "context": None,
        "created": call.now,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
        "type": kind,
    }
    lane = subject.get("payment_intent") or subject["id"]
    call.store.add(event, parent=lane, hidden={"type": kind})
    outbox.enqueue(call.world, event, lane)
    return event


def present(call: Call, event: Body) -> Body:
    """Return the event with the number of endpoints that have not yet taken it."""
    return {**event, "pending_webhooks": outbox.undelivered(call.world, event["id"])}


def _retrieve(call: Call) -> Body:
    return present(call, call.store.get("event", call.target))


def _list(call: Call) -> Body:
    wanted = set(call.params.get("types", []))
    if "type" in call.params:
        wanted.add(call.params["type"])

    def fits(event: Body) -> bool:
        if wanted and not any(outbox.matches(kind, event["type"]) for kind in wanted):
            return False
        delivered = call.params.get("delivery_success")
        return delivered is None or delivered == (not outbox.undelivered(call.world, event["id"]))

    page = lists.page(call, "event", "/v1/events", fits=fits)
    return {**page, "data": [present(call, event) for event in page["data"]]}


OPERATIONS = (
    Operation(
        name="events.retrieve",
        method="GET",
        path="/v1/events/<target>",
        handler=_retrieve,
    ),
    Operation(
        name="events.list",
        method="GET",
        path="/v1/events",
        handler=_list,
        schema=Schema(
            {
                **LIST,
                "created": instants(),
                "type": text(),
                "types": many(text(), most=20),
                "delivery_success": flag(),
            }
        ),
    ),
)
