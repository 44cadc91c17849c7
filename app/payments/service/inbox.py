"""The webhook inbox: a genuine event is kept once and answered; a job asks what is true."""

from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core import crypto
from app.core.clock import now
from app.core.errors import Unavailable
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.payments.events import DisputeQuestioned, GatewayEventReceived, RefundQuestioned
from app.payments.gateway import GatewayAmbiguous
from app.payments.models import GatewayEvent, PaymentAttempt, Refund
from app.payments.service.common import PaymentDeps
from app.payments.service.settle import settle_attempt

log = get_logger("payments")
_DISPUTE = "dispute"
"""Is part of the kind of every notice about one."""


def receive_webhook(
    uow: UnitOfWork, deps: PaymentDeps, source: str, raw: bytes, headers: Mapping[str, str]
) -> None:
    """Keep a signed event of a gateway and queue its job; the same again changes nothing.

    Raise `SignatureInvalid` for anything that is not a genuine, recent event of the gateway.
    """
    hint = deps.gateways.named(source).read_notification(raw, headers, now())
    key = deps.keyring.class_key("gateway_events")
    context = f"gateway_events|body|{source}|{hint.event_id}"
    statement = (
        insert(GatewayEvent)
        .values(
            source=source,
            event_id=hint.event_id,
            kind=hint.kind,
            intent_id=hint.intent_id,
            attempt_id=_uuid(hint.attempt_id),
            refund_id=_uuid(hint.refund_id),
            body=crypto.seal(key, raw, context=context),
            body_digest=sha256(raw).digest(),
            state="received",
            received_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(GatewayEvent.event_id)
    )
    if uow.scalar(statement) is not None:
        uow.emit(GatewayEventReceived(source=source, event_id=hint.event_id))


def apply_gateway_event(uow: UnitOfWork, deps: PaymentDeps, event: GatewayEventReceived) -> None:
    """Ask the gateway about whatever an event concerns; the event's own content is not believed.

    One about nothing of ours stays in the inbox as unmatched. Raise `Unavailable` while the gateway
    does not answer.
    """
    with uow.phase():
        row = uow.get_one(GatewayEvent, (event.source, event.event_id))
        attempt_id = _find_attempt(uow, row)
        refund = uow.get(Refund, row.refund_id) if row.refund_id else None
    if row.state != "received":
        return
    if attempt_id is not None:
        try:
            settle_attempt(uow, deps, attempt_id, cause=f"webhook: {row.kind}")
        except GatewayAmbiguous as error:
            raise Unavailable("The gateway does not answer.") from error
    if refund is not None:
        uow.emit(RefundQuestioned(refund_id=refund.id))
    if attempt_id is not None and _DISPUTE in row.kind:
        uow.emit(DisputeQuestioned(attempt_id=attempt_id))
    if attempt_id is None and refund is None:
        log.warning("webhook.unmatched", event_id=row.event_id, kind=row.kind)
    row = uow.get_one(GatewayEvent, (event.source, event.event_id))
    row.state = "applied" if attempt_id or refund else "unmatched"
    row.applied_at = now()


def _find_attempt(uow: UnitOfWork, row: GatewayEvent) -> UUID | None:
    """Return the attempt of an event: by its intent, or by the id we gave the gateway."""
    statement = select(PaymentAttempt.id)
    if row.intent_id is not None:
        found = uow.scalar(
            statement.where(
                PaymentAttempt.gateway == row.source, PaymentAttempt.intent_id == row.intent_id
            )
        )
        if found is not None:
            return found
    if row.attempt_id is None:
        return None
    return uow.scalar(statement.where(PaymentAttempt.id == row.attempt_id))


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
