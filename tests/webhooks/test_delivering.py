"""Sending: signed, at least once, by a plan, to where it was asked for and nowhere else."""

import base64
import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from uuid import UUID, uuid4

import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.core.clock import now
from app.core.webhook_signatures import (
    BadWebhook,
    SharedSecret,
    VerifyingKey,
    verify_webhook,
)
from app.factory import Rooms
from app.http.server import Server
from app.oauth import service as oauth
from app.oauth.values import ClientStatus
from app.webhooks import service
from app.webhooks.events import EndpointDue
from app.webhooks.service import WebhooksDeps
from app.webhooks.values import SCHEDULE, SECRET_OVERLAP
from tests.factories import later
from tests.secrecy import Search

from .receiver import Heard, Place, Receiver
from .support import Integrator, make_integrator, marker, rows_of, run_sql, tick, until


def public_key(text: str) -> Ed25519PublicKey:
    """Return the key of its text form, read as an integrator reads it."""
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("whpk_")))


def believes(keys: list[VerifyingKey], heard: Heard) -> bool:
    try:
        verify_webhook(keys, heard.headers, heard.body)
    except BadWebhook:
        return False
    return True


@pytest.mark.parametrize("scheme", ["v1", "v1a"])
def test_an_event_arrives_signed(
    integrator: Integrator, receiver: Receiver, rooms: Rooms, scheme: str
) -> None:
    endpoint = integrator.endpoint(receiver, scheme=scheme)
    event = integrator.test_event(endpoint)
    tick(rooms)
    [heard] = receiver.heard
    assert heard.headers["content-type"] == "application/json"
    assert json.loads(heard.body) == event
    assert heard.headers["webhook-id"] == event["id"]
    if scheme == "v1":
        library = standardwebhooks.Webhook(endpoint["secret"])
        assert library.verify(heard.body, heard.headers) == event
        assert believes([SharedSecret.parse(endpoint["secret"])], heard)
    else:
        assert believes([public_key(endpoint["public_keys"][0])], heard)
    [delivery] = integrator.deliveries()
    assert (delivery["state"], delivery["tries"]) == ("delivered", 1)
    assert delivery["event_id"] == event["id"]


@pytest.mark.promise("P49")
def test_while_keys_change_both_sign_and_then_the_new_one_alone(
    integrator: Integrator, receiver: Receiver, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    endpoint = integrator.endpoint(receiver, scheme="v1")
    old = SharedSecret.parse(endpoint["secret"])
    new = SharedSecret.parse(integrator.made(f"/endpoints/{endpoint['id']}/keys")["secret"])
    integrator.test_event(endpoint)
    tick(rooms)
    [during] = receiver.heard
    assert (believes([old], during), believes([new], during)) == (True, True)
    with later((SECRET_OVERLAP + timedelta(minutes=1)).total_seconds()):
        integrator.test_event(endpoint)
        tick(rooms)
        after = receiver.heard[1]
        assert (believes([old], after), believes([new], after)) == (False, True)
        shown = integrator.read(f"/endpoints/{endpoint['id']}")
        assert shown["former_key_until"] is None
    shows(
        "keys of webhooks: 2 sign each event for 7 days, receivers of either believe it; "
        "then 1 does, and the old one is worth nothing"
    )


def test_what_fails_is_tried_by_the_plan_and_then_is_dead(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    receiver.answers = [500] * 10
    receiver.text = b"\x00broken " + b"x" * 5_000
    endpoint = integrator.endpoint(receiver)
    event = integrator.test_event(endpoint)
    tick(rooms)
    waits = []
    for tries in range(1, 10):
        [delivery] = integrator.deliveries()
        assert (delivery["state"], delivery["tries"]) == ("pending", tries)
        last = integrator.inspect(delivery)["attempts"][-1]
        planned = datetime.fromisoformat(delivery["next_at"])
        waits.append((planned - datetime.fromisoformat(last["started_at"])).total_seconds())
        with later(until(delivery["next_at"])):
            tick(rooms)
        assert len(receiver.heard) == tries + 1
    [delivery] = integrator.deliveries(state="dead")
    assert delivery["next_at"] is None
    assert receiver.ids == [event["id"]] * 10
    assert len({one.body for one in receiver.heard}) == 1
    for wait, planned_wait in zip(waits, SCHEDULE[1:], strict=True):
        assert 0.9 * planned_wait <= wait <= 1.1 * planned_wait + 20  # and what the call took
    attempts = integrator.inspect(delivery)["attempts"]
    assert [(a["number"], a["status"], a["error"]) for a in attempts] == [
        (number, 500, None) for number in range(1, 11)
    ]
    assert {len(a["answer"]) for a in attempts} == {1024}
    assert attempts[0]["answer"].startswith("\ufffdbroken xxx")
    with later(10 * 86_400):
        tick(rooms)
    assert len(receiver.heard) == 10


def test_a_dead_one_can_be_sent_again(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    receiver.answers = [500]
    integrator.test_event(integrator.endpoint(receiver))
    tick(rooms)
    [delivery] = integrator.deliveries()
    run_sql(
        rooms,
        "update webhook_deliveries set state = 'dead', next_at = null, finished_at = :at "
        "where id = :id",
        at=now(),
        id=UUID(delivery["id"]),
    )
    again = integrator.made(f"/deliveries/{delivery['id']}/replay", status=202)
    assert (again["state"], again["tries"]) == ("pending", 0)
    tick(rooms)
    inspected = integrator.inspect(delivery)
    assert (inspected["state"], inspected["tries"]) == ("delivered", 1)
    assert [a["status"] for a in inspected["attempts"]] == [500, 204]
    assert receiver.ids == [inspected["event_id"]] * 2


def test_410_switches_the_endpoint_off(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    receiver.answers = [410]
    endpoint = integrator.endpoint(receiver)
    for _ in range(3):
        integrator.test_event(endpoint)
    tick(rooms)
    shown = integrator.read(f"/endpoints/{endpoint['id']}")
    assert (shown["status"], shown["disabled_because"]) == ("disabled", "gone")
    with later(86_400):
        tick(rooms)
    assert len(receiver.heard) == 1
    integrator.call("PATCH", f"/endpoints/{endpoint['id']}", {"status": "active"})
    with later(86_400):
        tick(rooms)
    assert len(set(receiver.ids)) == 3


def test_a_redirect_is_a_failure_and_is_not_followed(
    integrator: Integrator, receiver: Receiver, rooms: Rooms, place: Place
) -> None:
    elsewhere = place.receiver()
    receiver.answers = [elsewhere.url]
    integrator.test_event(integrator.endpoint(receiver))
    tick(rooms)
    [delivery] = integrator.deliveries()
    assert delivery["state"] == "pending"
    [attempt] = integrator.inspect(delivery)["attempts"]
    assert "redirect" in attempt["error"]
    assert (len(receiver.heard), elsewhere.heard, place.lost) == (1, [], [])


def test_a_name_that_leads_inward_is_not_connected_to(integrator: Integrator, rooms: Rooms) -> None:
    with socket.create_server(("127.0.0.1", 0)) as inner:
        inner.setblocking(False)  # noqa: FBT003 - the standard library's
        url = f"https://localhost:{inner.getsockname()[1]}/events"
        integrator.test_event(integrator.made("/endpoints", {"url": url}))
        tick(rooms)
        [delivery] = integrator.deliveries()
        [attempt] = integrator.inspect(delivery)["attempts"]
        assert (delivery["state"], attempt["status"], attempt["error"]) == (
            "pending",
            None,
            "refused",
        )
        with pytest.raises(BlockingIOError):
            inner.accept()


def test_a_lost_answer_means_the_same_event_twice(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    receiver.answers = [None]
    event = integrator.test_event(integrator.endpoint(receiver))
    tick(rooms)
    [delivery] = integrator.deliveries()
    with later(until(delivery["next_at"])):
        tick(rooms)
    assert receiver.ids == [event["id"]] * 2
    first, second = integrator.inspect(delivery)["attempts"]
    assert (first["status"], second["status"]) == (None, 204)
    assert first["error"]


def test_a_worker_that_dies_leaves_the_endpoint_to_another_one(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    endpoint = integrator.endpoint(receiver)
    integrator.test_event(endpoint)
    [delivery] = integrator.deliveries()
    # As its first phase has left it: it died before it could say what came of the call.
    moment, ids = now(), {"endpoint": UUID(endpoint["id"]), "delivery": UUID(delivery["id"])}
    run_sql(
        rooms,
        "with claimed as (update webhook_endpoints set claim = :claim, free_at = :until "
        "where id = :endpoint returning 1), tried as (update webhook_deliveries "
        "set tries = 1, attempts = 1 where id = :delivery returning 1) "
        "insert into webhook_attempts (delivery_id, number, started_at) "
        "values (:delivery, 1, :at)",
        claim=uuid4(),
        at=moment,
        until=moment + timedelta(seconds=30),
        **ids,
    )
    tick(rooms)
    assert receiver.heard == []
    with later(31):
        tick(rooms)
    assert len(receiver.heard) == 1
    inspected = integrator.inspect(delivery)
    assert (inspected["state"], inspected["tries"]) == ("delivered", 2)
    assert [(a["status"], a["milliseconds"] is None) for a in inspected["attempts"]] == [
        (None, True),
        (204, False),
    ]


def test_many_workers_send_each_event_once_and_in_order(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    endpoint = integrator.endpoint(receiver)
    sent = [integrator.test_event(endpoint)["id"] for _ in range(12)]
    deps: WebhooksDeps = rooms.deps[WebhooksDeps]
    crowd = replace(deps, senders=BoundedSemaphore(8))
    due = EndpointDue(endpoint_id=UUID(endpoint["id"]))

    def work(_: int) -> None:
        with rooms.units.open(actor="worker") as uow:
            service.deliver_due(uow, crowd, due)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    tick(rooms)
    assert receiver.ids == sent
    assert {one["state"] for one in integrator.deliveries(limit=100)} == {"delivered"}


def test_only_so_many_threads_of_a_worker_send(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    endpoint = integrator.endpoint(receiver)
    integrator.test_event(endpoint)
    deps: WebhooksDeps = rooms.deps[WebhooksDeps]
    full = replace(deps, senders=BoundedSemaphore(1))
    assert full.senders.acquire(blocking=False)
    with rooms.units.open(actor="worker") as uow:
        service.deliver_due(uow, full, EndpointDue(endpoint_id=UUID(endpoint["id"])))
    assert receiver.heard == []
    full.senders.release()
    tick(rooms)
    assert len(receiver.heard) == 1


def test_an_endpoint_that_fails_slowly_is_left_alone_for_a_while(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    endpoint = integrator.endpoint(receiver)
    receiver.answers, receiver.seconds = [500], 1.1
    for _ in range(2):
        integrator.test_event(endpoint)
    tick(rooms)
    asked = "select slow_failures, free_at from webhook_endpoints where id = :id"
    [row] = rows_of(rooms, asked, id=UUID(endpoint["id"]))
    first = integrator.inspect(integrator.deliveries()[-1])["attempts"][0]
    answered = datetime.fromisoformat(first["started_at"]) + timedelta(
        milliseconds=first["milliseconds"]
    )
    assert row.slow_failures == 1
    assert row.free_at >= answered + timedelta(seconds=2)
    receiver.seconds = 0.0
    with later(60):
        tick(rooms)
        assert len(set(receiver.ids)) == 2
        [row] = rows_of(rooms, asked, id=UUID(endpoint["id"]))
        assert row.slow_failures == 0


def test_a_suspended_client_is_told_nothing_until_it_is_back(
    app: Server, rooms: Rooms, receiver: Receiver
) -> None:
    who = make_integrator(app, rooms)
    endpoint = who.endpoint(receiver)
    who.test_event(endpoint)
    set_status(rooms, who, ClientStatus.SUSPENDED)
    tick(rooms)
    assert receiver.heard == []
    set_status(rooms, who, ClientStatus.ACTIVE)
    with later(61):  # it is looked at once a minute meanwhile
        tick(rooms)
    assert len(receiver.heard) == 1


def set_status(rooms: Rooms, who: Integrator, status: ClientStatus) -> None:
    with rooms.units.open(actor="test") as uow:
        oauth.change_client(uow, who.id, {"status": status}, cause="test")


def test_a_span_is_sent_again_with_what_happened_meanwhile(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    first = integrator.endpoint(receiver)
    sent = [integrator.test_event(first)["id"] for _ in range(4)]
    tick(rooms)
    assert receiver.ids == sent
    receiver.heard.clear()
    second = integrator.endpoint(receiver)  # made later: none of them was queued for it
    path = f"/endpoints/{second['id']}/replays"
    assert integrator.made(path, {"after": 1, "until": 3}, 202) == {"queued": 2}
    tick(rooms)
    assert receiver.ids == sent[1:3]
    assert integrator.made(path, {"after": 0, "until": 4}, 202) == {"queued": 4}
    tick(rooms)
    assert receiver.ids == [*sent[1:3], *sent]
    dead = {"after": 0, "until": 4, "only_dead": True}
    assert integrator.made(path, dead, 202) == {"queued": 0}
    for span in ({"after": 3, "until": 3}, {"after": 0, "until": 1_001}, {"after": 9, "until": 1}):
        assert integrator.call("POST", path, span).status_code == 422


def test_an_endpoint_hears_of_what_it_has_asked_for(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    endpoint = integrator.endpoint(receiver, events=["payment.succeeded"])
    other = integrator.endpoint(receiver)
    integrator.test_event(other)
    tick(rooms)
    span = {"after": 0, "until": 1}
    replayed = integrator.made(f"/endpoints/{endpoint['id']}/replays", span, 202)
    assert replayed == {"queued": 0}
    assert len(receiver.heard) == 1


def test_what_an_endpoint_answers_is_kept_from_the_logs(
    integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    canary = marker()
    receiver.answers, receiver.text = [410], canary.encode()
    integrator.test_event(integrator.endpoint(receiver))
    search = Search({"answer": canary})
    with search.listening():
        tick(rooms)
    assert search.characters, "nothing was logged at all"
    assert search.found == []
    [delivery] = integrator.deliveries()
    assert integrator.inspect(delivery)["attempts"][0]["answer"] == canary
    queued = rows_of(rooms, "select args::text from procrastinate_jobs")
    assert canary not in str(queued)


def test_endpoints_of_a_client_that_may_not_act_let_the_others_have_their_turn(
    app: Server, integrator: Integrator, receiver: Receiver, rooms: Rooms
) -> None:
    """Each look takes the hundred that have waited longest."""
    shut = make_integrator(app, rooms)
    endpoints = [shut.endpoint(receiver) for _ in range(10)]
    for endpoint in endpoints:
        shut.test_event(endpoint)
    set_status(rooms, shut, ClientStatus.SUSPENDED)
    tick(rooms)
    behind = "select count(*) from webhook_endpoints where client_id = :id and free_at > :at"
    assert rows_of(rooms, behind, id=shut.id, at=now()) == [(10,)]
    assert receiver.heard == []
