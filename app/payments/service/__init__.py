"""What can be done with payments: one file for each use case, one list of names."""

from contextlib import suppress
from uuid import UUID

from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments.gateway import GatewayAmbiguous
from app.payments.service.close import (
    abandon_payment,
    cancel_payment,
    question_attempt,
    retry_payment,
)
from app.payments.service.collect import collect_payment, read_collected
from app.payments.service.common import Allow, PaymentDeps, Spent, live_attempt, own_payment
from app.payments.service.dispute import learn_disputes, list_disputes, read_dispute
from app.payments.service.facts import payment_of_refund, read_facts
from app.payments.service.fulfil import fulfil_item
from app.payments.service.inbox import apply_gateway_event, receive_webhook
from app.payments.service.janitor import TICK_SECONDS, question_due, sweep
from app.payments.service.notify import (
    tell_dispute_closed,
    tell_dispute_opened,
    tell_item_refused,
    tell_payment_received,
    tell_receipt_issued,
    tell_receipt_reversed,
    tell_refund_approved,
    tell_refund_declined,
    tell_refund_failed,
    tell_refund_succeeded,
)
from app.payments.service.obligations import count_open, count_untold
from app.payments.service.payables import list_payables
from app.payments.service.query import (
    list_payment_events,
    list_payments,
    paid_services,
    view_payment,
)
from app.payments.service.receipt import issue_receipt, read_receipt, reverse_receipt
from app.payments.service.refund_desk import (
    approve_request,
    ask_refund,
    ask_refund_for,
    decline_request,
    list_refunds,
    list_refunds_of,
    read_refund,
    retry_refund,
)
from app.payments.service.refund_returning import (
    Returns,
    return_duplicate,
    return_payment,
    returns_of,
)
from app.payments.service.refund_sending import send_refund
from app.payments.service.relations import (
    CAPTURE_BOOKINGS,
    REFUND_BOOKINGS,
    attempts_at,
    postings_to,
    refunds_at,
)
from app.payments.service.review import confirm_item, list_reviews
from app.payments.service.saved_methods import (
    forget_saved_method,
    label_of,
    list_saved_methods,
    question_saved_method,
    question_setups,
    read_saved_method,
    remove_saved_method,
    save_method,
    saved_for_charge,
)
from app.payments.service.settle import settle_attempt
from app.payments.service.start import is_stale, start_payment
from app.payments.values import PaymentView

__all__ = [
    "CAPTURE_BOOKINGS",
    "REFUND_BOOKINGS",
    "TICK_SECONDS",
    "Allow",
    "PaymentDeps",
    "Returns",
    "Spent",
    "abandon_payment",
    "apply_gateway_event",
    "approve_request",
    "ask_refund",
    "ask_refund_for",
    "attempts_at",
    "cancel_payment",
    "collect_payment",
    "confirm_item",
    "count_open",
    "count_untold",
    "decline_request",
    "forget_saved_method",
    "fulfil_item",
    "issue_receipt",
    "label_of",
    "learn_disputes",
    "list_disputes",
    "list_payables",
    "list_payment_events",
    "list_payments",
    "list_refunds",
    "list_refunds_of",
    "list_reviews",
    "list_saved_methods",
    "paid_services",
    "payment_of_refund",
    "postings_to",
    "question_attempt",
    "question_due",
    "question_saved_method",
    "question_setups",
    "read_collected",
    "read_dispute",
    "read_facts",
    "read_payment",
    "read_receipt",
    "read_refund",
    "read_saved_method",
    "receive_webhook",
    "refunds_at",
    "remove_saved_method",
    "retry_payment",
    "retry_refund",
    "return_duplicate",
    "return_payment",
    "returns_of",
    "reverse_receipt",
    "save_method",
    "saved_for_charge",
    "send_refund",
    "start_payment",
    "sweep",
    "tell_dispute_closed",
    "tell_dispute_opened",
    "tell_item_refused",
    "tell_payment_received",
    "tell_receipt_issued",
    "tell_receipt_reversed",
    "tell_refund_approved",
    "tell_refund_declined",
    "tell_refund_failed",
    "tell_refund_succeeded",
    "view_payment",
]


def read_payment(
    uow: UnitOfWork, deps: PaymentDeps, payment_id: UUID, who: Principal
) -> PaymentView:
    """Return a citizen's own payment, asking the gateway first if it was not asked just now.

    A gateway that does not answer changes nothing: what is known is returned.
    """
    with uow.phase():
        own_payment(uow, payment_id, who)
        attempt = live_attempt(uow, payment_id)
    if attempt is not None and is_stale(deps, attempt):
        with (
            suppress(GatewayAmbiguous),
            deps.units.open(actor=uow.actor, request_id=uow.request_id) as other,
        ):
            settle_attempt(other, deps, attempt.id, cause="citizen asked")
    return view_payment(uow, deps, payment_id, who)
