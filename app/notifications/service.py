"""Telling citizens: the inbox in the caller's transaction, the SMS after its commit."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.notifications.errors import MessageNotFound, SmsRefused
from app.notifications.events import MessageQueued
from app.notifications.gateway import SmsGateway
from app.notifications.models import Delivery, InboxMessage
from app.notifications.values import TEMPLATES, DeliveryStatus, Kind, Params, Text


@dataclass(frozen=True, slots=True)
class NotificationsDeps:
    """What the room works with: the way to phones, and whose phone is whose."""

    sms: SmsGateway
    phone_of: Callable[[UnitOfWork, UUID], str | None]


def tell(uow: UnitOfWork, citizen_id: UUID, kind: Kind, subject: str, params: Params) -> bool:
    """Put a message into a citizen's inbox and queue its SMS; idempotent.

    `subject` names what it is about (a payment's id): the same kind about the same subject is
    told once, and False says that it had been. `amount` is in fen, a `datetime` is shown in the
    city's time. Raise `ValueError` when `params` are not exactly the template's own.
    """
    return put(uow, citizen_id, kind, subject, TEMPLATES[kind].render(params))


def put(uow: UnitOfWork, citizen_id: UUID, kind: str, subject: str, text: Text) -> bool:
    """Put a text into a citizen's inbox and queue its SMS, as `tell` does."""
    message_id = uow.scalar(
        insert(InboxMessage)
        .values(
            id=new_id(),
            citizen_id=citizen_id,
            kind=kind,
            subject=subject,
            title_zh=text.title_zh,
            title_en=text.title_en,
            body_zh=text.body_zh,
            body_en=text.body_en,
            created_at=now(),
        )
        .on_conflict_do_nothing(index_elements=["citizen_id", "kind", "subject"])
        .returning(InboxMessage.id)
    )
    if message_id is None:
        return False
    delivery = Delivery(
        message_id=message_id, channel="sms", text=text.sms, status=DeliveryStatus.QUEUED
    )
    uow.open_record(delivery, cause=kind)
    uow.emit(MessageQueued(message_id=message_id, delivery_id=delivery.id))
    return True


def deliver_message(uow: UnitOfWork, deps: NotificationsDeps, queued: MessageQueued) -> None:
    """Send a queued message to its citizen's phone; running twice sends once.

    The message's id is the gateway's key, so an answer that was lost costs no second SMS. Raise
    `SmsUnavailable` when the gateway does not take it now.
    """
    with uow.phase():
        delivery = uow.get(Delivery, queued.delivery_id)
        message = uow.get(InboxMessage, queued.message_id)
        if delivery is None or message is None:
            return  # its citizen has closed the account
        is_waiting = delivery.status == DeliveryStatus.QUEUED
        phone = deps.phone_of(uow, message.citizen_id)
    if is_waiting:
        outcome = _send(deps.sms, phone, delivery)
        _record_outcome(uow, delivery.id, outcome)


def _send(sms: SmsGateway, phone: str | None, delivery: Delivery) -> DeliveryStatus:
    if phone is None:
        return DeliveryStatus.UNDELIVERABLE
    try:
        sms.send(to=phone, text=delivery.text, key=str(delivery.message_id))
    except SmsRefused:
        return DeliveryStatus.UNDELIVERABLE
    return DeliveryStatus.SENT


def _record_outcome(uow: UnitOfWork, delivery_id: UUID, outcome: DeliveryStatus) -> None:
    delivery = uow.scalars(
        select(Delivery)
        .where(Delivery.id == delivery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if delivery.status != DeliveryStatus.QUEUED:
        return  # another run of the same job was faster, with the same key
    if outcome is DeliveryStatus.SENT:
        delivery.sent_at = now()
    uow.move(delivery, outcome, cause="sms-gateway")


def list_inbox(
    uow: UnitOfWork, citizen_id: UUID, *, unread: bool, page: PageRequest
) -> Page[InboxMessage]:
    """Return a citizen's messages, newest first; `unread` leaves out those already read."""
    statement = select(InboxMessage).where(InboxMessage.citizen_id == citizen_id)
    if unread:
        statement = statement.where(InboxMessage.read_at.is_(None))
    keys = [InboxMessage.created_at, InboxMessage.id]
    return fetch_page(uow, statement, keys, page, descending=True)


def mark_read(uow: UnitOfWork, citizen_id: UUID, message_id: UUID) -> None:
    """Mark a citizen's message as read; idempotent, the first time is kept."""
    found = uow.scalar(
        update(InboxMessage)
        .where(InboxMessage.id == message_id, InboxMessage.citizen_id == citizen_id)
        .values(read_at=func.coalesce(InboxMessage.read_at, now()))
        .returning(InboxMessage.id)
    )
    if found is None:
        raise MessageNotFound
