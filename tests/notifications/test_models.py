"""What the database refuses, asked with raw SQL as the application's role."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.ids import new_id
from app.factory import Rooms

MESSAGE = (
    "insert into inbox_messages (id, citizen_id, kind, subject, title_zh, title_en, body_zh, "
    "body_en, created_at) values (:id, :citizen, 'new-device', 's', '', '', '', '', now())"
)
DELIVERY = (
    "insert into deliveries (id, message_id, channel, text, status, version) "
    "values (:id, :message, :channel, '', :status, 1)"
)


def run(rooms: Rooms, statement: str, **values: object) -> None:
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(statement), values)


def test_one_kind_about_one_subject_is_told_once(rooms: Rooms) -> None:
    citizen = new_id()
    run(rooms, MESSAGE, id=new_id(), citizen=citizen)
    with pytest.raises(IntegrityError, match="uq_inbox_messages_citizen_id_kind_subject"):
        run(rooms, MESSAGE, id=new_id(), citizen=citizen)


def test_a_message_goes_out_once_on_a_channel(rooms: Rooms) -> None:
    message = new_id()
    run(rooms, MESSAGE, id=message, citizen=new_id())
    delivery = {"message": message, "channel": "sms", "status": "queued"}
    run(rooms, DELIVERY, id=new_id(), **delivery)
    with pytest.raises(IntegrityError, match="uq_deliveries_message_id_channel"):
        run(rooms, DELIVERY, id=new_id(), **delivery)
    with pytest.raises(IntegrityError, match="ck_deliveries_channel"):
        run(rooms, DELIVERY, id=new_id(), **{**delivery, "channel": "pigeon"})
    with pytest.raises(IntegrityError, match="ck_deliveries_status"):
        run(rooms, DELIVERY, id=new_id(), **{**delivery, "status": "lost"})
    with pytest.raises(IntegrityError, match="fk_deliveries_message_id_inbox_messages"):
        run(rooms, DELIVERY, id=new_id(), **{**delivery, "message": new_id()})
