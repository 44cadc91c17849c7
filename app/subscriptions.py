"""What happens because of what: event -> handlers, and what is looked for on a schedule."""

# ruff: noqa: E501 - one line for each handler is the point of this page

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.audit import service as audit
from app.autopay import service as autopay
from app.autopay.events import CollectionDue, OrderLookDue
from app.catalog import service as catalog
from app.certificates import service as certificates
from app.consent import service as consent
from app.consent.events import ConsentWithdrawn
from app.core import blind_indexes
from app.core.events import Event
from app.core.jobs import (
    FOREIGN_RETRIES,
    QUICK_RETRIES,
    Handler,
    Jobs,
    Schedule,
    Subscription,
    Tick,
)
from app.core.unit_of_work import UnitOfWork
from app.credentials import service as credentials
from app.delegation import service as delegation
from app.delegation.events import MandateDrafted, QuestionAsked
from app.guests import service as guests
from app.host import attention
from app.identity import service as identity
from app.identity.events import (
    ChallengeOpened,
    CitizenVerified,
    PasskeyBound,
    PhoneChanged,
    SessionEnded,
)
from app.ledger import service as ledger
from app.notifications import service as notifications
from app.notifications.events import MessageQueued
from app.oauth import service as oauth
from app.oauth.events import LogoutDue
from app.payments import service as payments
from app.payments.events import (
    AttemptQuestioned,
    DisputeClosed,
    DisputeOpened,
    DisputeQuestioned,
    GatewayEventReceived,
    ItemClosed,
    ItemDue,
    PaymentSucceeded,
    RefundApproved,
    RefundDeclined,
    RefundFailed,
    RefundQuestioned,
    RefundSucceeded,
    SavedMethodQuestioned,
    SavedMethodRemoved,
)
from app.privacy import service as privacy
from app.privacy.events import AccountErased, ClosureDue, ExportRequested
from app.providers import service as providers
from app.providers.events import CheckupDue
from app.receipts.events import ReceiptIssued, RedLetterIssued
from app.reconciliation import service as reconciliation
from app.reconciliation.events import DuplicateProven, RunRequested
from app.staff import service as staff
from app.webhooks import service as webhooks
from app.webhooks.events import ApplicationMoved, EndpointDue

PEOPLE, CLIENTS, INBOX, DESK, HELP = (
    identity.IdentityDeps,
    oauth.OAuthDeps,
    notifications.NotificationsDeps,
    payments.PaymentDeps,
    delegation.DelegationDeps,
)
STANDING = autopay.AutopayDeps
SHOP = catalog.CatalogDeps
RIGHTS = privacy.PrivacyDeps
BOOKS = reconciliation.ReconciliationDeps
NEWS = webhooks.WebhooksDeps
MARKET = providers.ProviderDeps
QUICK, FOREIGN = QUICK_RETRIES, FOREIGN_RETRIES

# fmt: off
HANDLERS: tuple[tuple[type[Event], str, Callable[..., None], type, Sequence[float]], ...] = (
    (ChallengeOpened, "identity.send_code", identity.send_code, PEOPLE, QUICK),
    (SessionEnded, "oauth.end_grants_of_session", oauth.end_grants_of_session, CLIENTS, QUICK),
    (ConsentWithdrawn, "oauth.end_withdrawn", oauth.end_withdrawn, CLIENTS, QUICK),
    (LogoutDue, "oauth.send_logout", oauth.send_logout, CLIENTS, FOREIGN),
    (PasskeyBound, "identity.count_passkey", identity.count_passkey, PEOPLE, QUICK),
    (PhoneChanged, "identity.tell_old_phone", identity.tell_old_phone, PEOPLE, FOREIGN),
    (MessageQueued, "notifications.deliver_message", notifications.deliver_message, INBOX, FOREIGN),
    (GatewayEventReceived, "payments.apply_gateway_event", payments.apply_gateway_event, DESK, FOREIGN),
    (ExportRequested, "privacy.gather_export", privacy.gather_export, RIGHTS, FOREIGN),
    (ClosureDue, "privacy.close_account", privacy.close_account, RIGHTS, QUICK),
    (AccountErased, "privacy.erase_at_plugins", privacy.erase_at_plugins, RIGHTS, FOREIGN),
    (AttemptQuestioned, "payments.question_attempt", payments.question_attempt, DESK, QUICK),
    (PaymentSucceeded, "payments.tell_payment_received", payments.tell_payment_received, DESK, QUICK),
    (SavedMethodQuestioned, "payments.question_saved_method", payments.question_saved_method, DESK, QUICK),
    (SavedMethodRemoved, "payments.forget_saved_method", payments.forget_saved_method, DESK, FOREIGN),
    (ItemDue, "payments.fulfil_item", payments.fulfil_item, DESK, FOREIGN),
    (ItemClosed, "payments.issue_receipt", payments.issue_receipt, DESK, QUICK),
    (ReceiptIssued, "payments.tell_receipt_issued", payments.tell_receipt_issued, DESK, QUICK),
    (RefundApproved, "payments.send_refund", payments.send_refund, DESK, FOREIGN),
    (RefundApproved, "payments.tell_item_refused", payments.tell_item_refused, DESK, QUICK),
    (RefundApproved, "payments.tell_refund_approved", payments.tell_refund_approved, DESK, QUICK),
    (RefundDeclined, "payments.tell_refund_declined", payments.tell_refund_declined, DESK, QUICK),
    (RefundFailed, "payments.tell_refund_failed", payments.tell_refund_failed, DESK, QUICK),
    (RefundQuestioned, "payments.question_refund", payments.send_refund, DESK, QUICK),
    (RefundSucceeded, "payments.tell_refund_succeeded", payments.tell_refund_succeeded, DESK, QUICK),
    (DisputeQuestioned, "payments.learn_disputes", payments.learn_disputes, DESK, FOREIGN),
    (DisputeOpened, "payments.tell_dispute_opened", payments.tell_dispute_opened, DESK, QUICK),
    (DisputeClosed, "payments.tell_dispute_closed", payments.tell_dispute_closed, DESK, QUICK),
    (RefundSucceeded, "payments.reverse_receipt", payments.reverse_receipt, DESK, QUICK),
    (RedLetterIssued, "payments.tell_receipt_reversed", payments.tell_receipt_reversed, DESK, QUICK),
    (OrderLookDue, "autopay.look_for_bills", autopay.look_for_bills, STANDING, FOREIGN),
    (CollectionDue, "autopay.collect_due", autopay.collect_due, STANDING, FOREIGN),
    (PaymentSucceeded, "catalog.note_payment", catalog.note_payment, SHOP, QUICK),
    (PaymentSucceeded, "autopay.note_success", autopay.note_success, STANDING, QUICK),
    (MandateDrafted, "delegation.send_invitation", delegation.send_invitation, HELP, FOREIGN),
    (PaymentSucceeded, "delegation.tell_delegates_payment", delegation.tell_delegates_payment, HELP, QUICK),
    (QuestionAsked, "delegation.send_question", delegation.send_question, HELP, QUICK),
    (CitizenVerified, "delegation.link_child", delegation.link_child, HELP, QUICK),
    (RunRequested, "reconciliation.perform_run", reconciliation.perform_run, BOOKS, FOREIGN),
    (DuplicateProven, "reconciliation.return_proven", reconciliation.return_proven, BOOKS, FOREIGN),
    (PaymentSucceeded, "webhooks.tell_of_payment", webhooks.tell_of_payment, NEWS, QUICK),
    (ItemClosed, "webhooks.tell_of_item", webhooks.tell_of_payment, NEWS, QUICK),
    (RefundApproved, "webhooks.tell_of_refund_approved", webhooks.tell_of_refund, NEWS, QUICK),
    (RefundSucceeded, "webhooks.tell_of_refund_succeeded", webhooks.tell_of_refund, NEWS, QUICK),
    (RefundFailed, "webhooks.tell_of_refund_failed", webhooks.tell_of_refund, NEWS, QUICK),
    (ApplicationMoved, "webhooks.tell_of_application", webhooks.tell_of_application, NEWS, QUICK),
    (CheckupDue, "providers.check_up", providers.check_up, MARKET, QUICK),
    (attention.AttentionDue, "host.attend", attention.attend, attention.AttentionDeps, QUICK),
    (EndpointDue, "webhooks.deliver_due", webhooks.deliver_due, NEWS, QUICK),
)
# fmt: on
"""Event, the job's permanent name, its handler, the room whose collaborators it gets, its waits."""


def wire(jobs: Jobs, deps: Mapping[type, Any]) -> None:
    """Tell the queue who handles which event, and what runs how often."""
    desk: payments.PaymentDeps = deps[payments.PaymentDeps]
    for event, name, handler, room, retries in HANDLERS:
        jobs.subscribe(Subscription(event, name, _with(deps[room], handler), retries))
    jobs.schedule(Schedule(3600, "blind_indexes.forget_unused", blind_indexes.forget_unused))
    jobs.schedule(Schedule(3600, "catalog.rank_services", catalog.rank_services))
    jobs.schedule(
        Schedule(60, "certificates.expire_certificates", certificates.expire_certificates)
    )
    jobs.schedule(
        Schedule(60, "certificates.expire_presentations", certificates.expire_presentations)
    )
    jobs.schedule(Schedule(1800, "credentials.forget_expired", credentials.forget_expired))
    trail: audit.AuditDeps = deps[audit.AuditDeps]
    jobs.schedule(
        Schedule(audit.TICK_SECONDS, "audit.seal", lambda uow: audit.seal_due(uow, trail))
    )
    jobs.schedule(Schedule(1800, "guests.forget_passes", guests.forget_passes))
    jobs.schedule(Schedule(1800, "identity.forget_expired", identity.forget_expired))
    jobs.schedule(Schedule(60, "identity.expire_evidence", identity.expire_evidence))
    jobs.schedule(Schedule(60, "consent.expire_consents", consent.expire_consents))
    jobs.schedule(Schedule(1800, "oauth.forget_expired", oauth.forget_expired))
    jobs.schedule(Schedule(60, "privacy.question_closures", privacy.question_closures))
    jobs.schedule(Schedule(600, "privacy.forget_exports", privacy.forget_exports))
    jobs.schedule(Schedule(payments.TICK_SECONDS, "payments.question_due", _at(desk)))
    jobs.schedule(
        Schedule(60, "payments.question_setups", lambda uow: payments.question_setups(uow, desk))
    )
    jobs.schedule(Schedule(1800, "payments.sweep", payments.sweep))
    helpers: delegation.DelegationDeps = deps[delegation.DelegationDeps]
    jobs.schedule(
        Schedule(
            delegation.TICK_SECONDS,
            "delegation.end_what_is_due",
            lambda uow: delegation.end_what_is_due(uow, helpers),
        )
    )
    jobs.schedule(
        Schedule(
            delegation.TICK_SECONDS,
            "delegation.read_answers",
            lambda uow: delegation.read_answers(uow, helpers),
        )
    )
    jobs.schedule(Schedule(1800, "ledger.take_snapshots", ledger.take_snapshots))
    books: reconciliation.ReconciliationDeps = deps[reconciliation.ReconciliationDeps]
    jobs.schedule(
        Schedule(
            reconciliation.TICK_SECONDS,
            "reconciliation.request_due_runs",
            lambda uow: reconciliation.request_due_runs(uow, books),
        )
    )
    standing: autopay.AutopayDeps = deps[autopay.AutopayDeps]
    jobs.schedule(
        Schedule(
            autopay.TICK_SECONDS,
            "autopay.question_due",
            lambda uow: autopay.question_due(uow, standing),
        )
    )
    jobs.schedule(
        Schedule(providers.TICK_SECONDS, "providers.call_checkups", providers.call_checkups)
    )
    hosted: attention.AttentionDeps = deps[attention.AttentionDeps]
    jobs.schedule(
        Schedule(
            attention.TICK_SECONDS,
            "host.call_attention",
            lambda uow: attention.call_attention(uow, hosted),
        )
    )
    jobs.schedule(Schedule(webhooks.TICK_SECONDS, "webhooks.question_due", webhooks.question_due))
    jobs.schedule(Schedule(1800, "webhooks.forget_old", webhooks.forget_old))
    jobs.schedule(Schedule(300, "staff.close_what_is_over", staff.close_what_is_over))


def _with(deps: Any, handler: Callable[[UnitOfWork, Any, Any], None]) -> Handler:  # noqa: ANN401 - a room's
    """Return a handler that has its room's collaborators."""
    return lambda uow, event: handler(uow, deps, event)


def _at(desk: payments.PaymentDeps) -> Tick:
    return lambda uow: payments.question_due(uow, desk)
