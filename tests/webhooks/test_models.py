"""What PostgreSQL holds to, whoever writes."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.factory import Rooms

from .receiver import Receiver
from .support import Integrator, run_sql

EVENT = """
    insert into webhook_events
        (id, client_id, position, source_id, type, data, happened_at, created_at)
    select gen_random_uuid(), client_id, position + :further, {source}, {kind}, '{{}}', :at, :at
    from webhook_events where id = :event
"""
DELIVERY = """
    insert into webhook_deliveries (id, event_id, endpoint_id, client_id, event_type, position,
        state, tries, attempts, next_at, created_at, finished_at)
    select gen_random_uuid(), event_id, endpoint_id, client_id, event_type, position,
        state, tries, attempts, next_at, created_at, finished_at
    from webhook_deliveries where id = :delivery
"""
KEY = """
    insert into webhook_keys (id, endpoint_id, key_sealed, created_at, expires_at)
    select gen_random_uuid(), :endpoint, '', :at, {expires}
"""
BROKEN = {
    "uq_webhook_events_client_id_position": EVENT.format(
        source="gen_random_uuid()", kind="type"
    ).replace(":further", "0"),
    "uq_webhook_events_client_id_source_id": EVENT.format(source="source_id", kind="type"),
    "ck_webhook_events_type": EVENT.format(source="gen_random_uuid()", kind="'payment.imagined'"),
    "uq_webhook_deliveries_event_id_endpoint_id": DELIVERY,
    "ck_webhook_deliveries_next_at": (
        "update webhook_deliveries set next_at = null where id = :delivery"
    ),
    "ck_webhook_deliveries_finished_at": (
        "update webhook_deliveries set finished_at = :at where id = :delivery"
    ),
    "ck_webhook_deliveries_state": (
        "update webhook_deliveries set state = 'lost', next_at = null, finished_at = :at "
        "where id = :delivery"
    ),
    "ck_webhook_deliveries_tries": (
        "update webhook_deliveries set tries = 5, attempts = 4 where id = :delivery"
    ),
    "ck_webhook_endpoints_disabled": (
        "update webhook_endpoints set disabled_because = 'gone' where id = :endpoint"
    ),
    "ck_webhook_endpoints_scheme": (
        "update webhook_endpoints set scheme = 'v0' where id = :endpoint"
    ),
    "ck_webhook_feeds_forgotten": (
        "update webhook_feeds set forgotten = last + 1 where client_id = :client"
    ),
    "uq_webhook_keys_current": KEY.format(expires="null"),
    "ck_webhook_attempts_answer": (
        "insert into webhook_attempts (delivery_id, number, started_at, answer) "
        "values (:delivery, 1, :at, repeat('x', 4097))"
    ),
}


@pytest.mark.parametrize("constraint", BROKEN)
def test_a_row_that_breaks_a_promise_is_refused(
    integrator: Integrator, receiver: Receiver, rooms: Rooms, constraint: str
) -> None:
    endpoint = integrator.endpoint(receiver)
    event = integrator.test_event(endpoint)
    [delivery] = integrator.deliveries()
    values = {
        "event": UUID(event["id"]),
        "delivery": UUID(delivery["id"]),
        "endpoint": UUID(endpoint["id"]),
        "client": integrator.id,
        "further": 1,
        "at": now(),
    }
    statement = BROKEN[constraint]
    with pytest.raises(IntegrityError, match=constraint):
        run_sql(rooms, statement, **{n: v for n, v in values.items() if f":{n}" in statement})


def test_two_keys_leave_at_most_one_by_one(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    endpoint = integrator.endpoint(receiver)
    integrator.made(f"/endpoints/{endpoint['id']}/keys")
    with pytest.raises(IntegrityError, match="uq_webhook_keys_leaving"):
        run_sql(rooms, KEY.format(expires=":at"), endpoint=UUID(endpoint["id"]), at=now())


def test_an_event_belongs_to_a_feed(rooms: Rooms) -> None:
    with pytest.raises(IntegrityError, match="fk_webhook_events_client_id_webhook_feeds"):
        run_sql(
            rooms,
            "insert into webhook_events (id, client_id, position, source_id, type, data, "
            "happened_at, created_at) values (:id, :id, 1, :id, 'webhook.test', '{}', :at, :at)",
            id=uuid4(),
            at=now(),
        )
