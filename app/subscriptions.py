"""What happens because of what: event -> handlers, and what is looked for on a schedule."""

from collections.abc import Mapping
from typing import Any

from app.core.jobs import FOREIGN_RETRIES, Jobs, Schedule, Subscription
from app.identity import service as identity
from app.identity.events import ChallengeOpened
from app.notifications import service as notifications
from app.notifications.events import MessageQueued
from app.payments import service as payments
from app.payments.events import (
    AttemptQuestioned,
    GatewayEventReceived,
    ItemClosed,
    ItemDue,
    PaymentSucceeded,
    ReceiptIssued,
    RefundApproved,
    RefundQuestioned,
    RefundSucceeded,
)


def wire(jobs: Jobs, deps: Mapping[type, Any]) -> None:
    """Tell the queue who handles which event, and what runs how often."""
    for subscription in _subscriptions(deps):
        jobs.subscribe(subscription)
    for subscription in _payment_subscriptions(deps[payments.PaymentDeps]):
        jobs.subscribe(subscription)
    for schedule in _schedules(deps[payments.PaymentDeps]):
        jobs.schedule(schedule)


def _subscriptions(deps: Mapping[type, Any]) -> list[Subscription]:
    people = deps[identity.IdentityDeps]
    inbox = deps[notifications.NotificationsDeps]
    return [
        Subscription(
            ChallengeOpened, "identity.send_code", lambda uow, e: identity.send_code(uow, people, e)
        ),
        Subscription(
            MessageQueued,
            "notifications.deliver_message",
            lambda uow, e: notifications.deliver_message(uow, inbox, e),
            retries=FOREIGN_RETRIES,
        ),
    ]


def _payment_subscriptions(desk: payments.PaymentDeps) -> list[Subscription]:
    return [
        Subscription(
            GatewayEventReceived,
            "payments.apply_gateway_event",
            lambda uow, e: payments.apply_gateway_event(uow, desk, e),
            retries=FOREIGN_RETRIES,
        ),
        Subscription(
            AttemptQuestioned,
            "payments.question_attempt",
            lambda uow, e: payments.question_attempt(uow, desk, e),
        ),
        Subscription(
            ItemDue,
            "payments.fulfil_item",
            lambda uow, e: payments.fulfil_item(uow, desk, e),
            retries=FOREIGN_RETRIES,
        ),
        Subscription(
            ItemClosed,
            "payments.issue_receipt",
            lambda uow, e: payments.issue_receipt(uow, desk, e),
        ),
        Subscription(
            RefundApproved,
            "payments.send_refund",
            lambda uow, e: payments.send_refund(uow, desk, e),
            retries=FOREIGN_RETRIES,
        ),
        Subscription(
            RefundQuestioned,
            "payments.question_refund",
            lambda uow, e: payments.send_refund(uow, desk, e),
        ),
        Subscription(
            PaymentSucceeded,
            "payments.tell_payment_received",
            lambda uow, e: payments.tell_payment_received(uow, desk, e),
        ),
        Subscription(
            ReceiptIssued,
            "payments.tell_receipt_issued",
            lambda uow, e: payments.tell_receipt_issued(uow, desk, e),
        ),
        Subscription(
            RefundApproved,
            "payments.tell_item_refused",
            lambda uow, e: payments.tell_item_refused(uow, desk, e),
        ),
        Subscription(
            RefundSucceeded,
            "payments.tell_refund_succeeded",
            lambda uow, e: payments.tell_refund_succeeded(uow, desk, e),
        ),
    ]


def _schedules(desk: payments.PaymentDeps) -> list[Schedule]:
    return [
        Schedule(1800, "identity.forget_expired", identity.forget_expired),
        Schedule(
            payments.TICK_SECONDS,
            "payments.question_due",
            lambda uow: payments.question_due(uow, desk),
        ),
        Schedule(1800, "payments.sweep", payments.sweep),
    ]
