"""Telling a citizen once, in the inbox and by SMS."""

from dataclasses import replace
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.ids import new_id
from app.factory import Rooms
from app.notifications import service
from app.notifications.errors import SmsUnavailable
from app.notifications.events import MessageQueued
from app.notifications.gateway import SmsGateway
from app.notifications.service import NotificationsDeps
from tests.conftest import World
from tests.factories import city, log_in, make_phone, run_jobs, texts_to

PAID = {"amount": 4250, "service_zh": "水费", "service_en": "Water bill"}
SMS = "【i武当】您已支付水费¥42.50，我们正在通知收费单位。"


def tell(rooms: Rooms, citizen_id: UUID, subject: str) -> bool:
    with rooms.units.open(actor="test") as uow:
        return service.tell(uow, citizen_id, "payment-received", subject, PAID)


def queued(rooms: Rooms, citizen_id: UUID) -> MessageQueued:
    with rooms.units.open(actor="test", read_only=True) as uow:
        row = uow.execute(
            text(
                "select m.id, d.id as delivery_id from inbox_messages m "
                "join deliveries d on d.message_id = m.id where m.citizen_id = :id"
            ),
            {"id": citizen_id},
        ).one()
    return MessageQueued(message_id=row.id, delivery_id=row.delivery_id)


def deliver(rooms: Rooms, event: MessageQueued, deps: NotificationsDeps) -> None:
    with rooms.units.open(actor="test") as uow:
        service.deliver_message(uow, deps, event)


def status(rooms: Rooms, event: MessageQueued) -> str:
    with rooms.units.open(actor="test", read_only=True) as uow:
        return str(
            uow.scalar(
                text("select status from deliveries where id = :id"), {"id": event.delivery_id}
            )
        )


@pytest.fixture
def phone() -> str:
    return make_phone()


@pytest.fixture
def deps(rooms: Rooms, phone: str) -> NotificationsDeps:
    """A house in which everybody has the same phone."""
    return replace(rooms.deps[NotificationsDeps], phone_of=lambda _uow, _citizen: phone)


def test_a_message_goes_to_the_inbox_and_to_the_phone(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    subject = str(new_id())
    assert tell(rooms, UUID(citizen.id), subject) is True
    run_jobs(rooms)
    assert texts_to(world, citizen.phone)[0] == SMS
    item = client.get("/v1/me/inbox", headers=citizen.auth).json["items"][0]
    assert item == {
        "id": item["id"],
        "kind": "payment-received",
        "subject": subject,
        "title": {"zh": "缴费成功", "en": "Payment received"},
        "body": {
            "zh": "您已支付水费¥42.50，我们正在通知收费单位。",
            "en": "You have paid ¥42.50 for Water bill. We are telling the biller.",
        },
        "created_at": item["created_at"],
        "read_at": None,
    }
    event = queued(rooms, UUID(citizen.id))
    assert status(rooms, event) == "sent"


def test_the_same_is_told_once(world: World, rooms: Rooms, phone: str) -> None:
    citizen_id = new_id()
    assert tell(rooms, citizen_id, "payment-1") is True
    assert tell(rooms, citizen_id, "payment-1") is False
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = text("select count(*) from inbox_messages where citizen_id = :id")
        assert uow.scalar(found, {"id": citizen_id}) == 1


def test_a_handler_that_runs_twice_sends_one_sms(
    world: World, rooms: Rooms, phone: str, deps: NotificationsDeps
) -> None:
    citizen_id = new_id()
    tell(rooms, citizen_id, "payment-1")
    event = queued(rooms, citizen_id)
    for _ in range(2):
        deliver(rooms, event, deps)
    assert texts_to(world, phone) == [SMS]


class DiesAfterSending(SmsGateway):
    """A worker that is killed after the gateway took the text, before that is written down."""

    def send(self, *, to: str, text: str, key: str) -> None:
        SmsGateway.send(self, to=to, text=text, key=key)
        raise KeyboardInterrupt


def test_a_handler_that_died_after_sending_sends_no_second_sms(
    world: World, rooms: Rooms, phone: str, deps: NotificationsDeps
) -> None:
    citizen_id = new_id()
    tell(rooms, citizen_id, "payment-1")
    event = queued(rooms, citizen_id)
    dying = replace(deps, sms=DiesAfterSending(deps.sms.egress, deps.sms.url))
    with pytest.raises(KeyboardInterrupt):
        deliver(rooms, event, dying)
    assert status(rooms, event) == "queued"
    deliver(rooms, event, deps)
    assert status(rooms, event) == "sent"
    assert texts_to(world, phone) == [SMS]


@pytest.mark.parametrize("mode", ["down", "answer_lost"])
def test_a_gateway_that_comes_back_gets_the_message_once(
    world: World, rooms: Rooms, phone: str, deps: NotificationsDeps, mode: str
) -> None:
    citizen_id = new_id()
    tell(rooms, citizen_id, "payment-1")
    event = queued(rooms, citizen_id)
    city(world, "PUT", "/sms/behaviour", {"mode": mode})
    try:
        with pytest.raises(SmsUnavailable):
            deliver(rooms, event, deps)
    finally:
        city(world, "PUT", "/sms/behaviour", {"mode": "ok"})
    assert status(rooms, event) == "queued"
    deliver(rooms, event, deps)
    assert texts_to(world, phone) == [SMS]
    assert status(rooms, event) == "sent"


@pytest.mark.parametrize("number", [None, "nonsense"])
def test_a_message_that_can_never_go_out_is_given_up(
    rooms: Rooms, deps: NotificationsDeps, number: str | None
) -> None:
    citizen_id = new_id()
    tell(rooms, citizen_id, "payment-1")
    event = queued(rooms, citizen_id)
    deliver(rooms, event, replace(deps, phone_of=lambda _uow, _citizen: number))
    assert status(rooms, event) == "undeliverable"


def test_nobody_is_told_what_was_not_committed(rooms: Rooms) -> None:
    citizen_id = new_id()
    with pytest.raises(ZeroDivisionError), rooms.units.open(actor="test") as uow:
        assert 1 / int(not service.tell(uow, citizen_id, "payment-received", "payment-1", PAID))
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = text("select count(*) from inbox_messages where citizen_id = :id")
        assert uow.scalar(found, {"id": citizen_id}) == 0
