"""What providers tell the house: each message proves itself, and has its effect once."""

from collections.abc import Mapping

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.errors import Invalid
from app.core.replay import claim_once
from app.core.signatures import NONCE_KEPT, PROVIDER_CALL, BadSignature, verify_request
from app.core.unit_of_work import UnitOfWork
from app.core.webhook_signatures import BadWebhook, verify_webhook
from app.providers.errors import CallNotProven, ProviderNotFound
from app.providers.models import Provider, ProviderClaim, ProviderPause
from app.providers.service.common import ProviderDeps, find_provider, lock_provider
from app.providers.service.keys import live_keys
from app.providers.service.roster import closure_of, raise_epoch
from app.providers.values import (
    EVENT_KEPT,
    EventType,
    ProviderKey,
    ProviderStatus,
    SendBack,
    SignedCall,
    Told,
)
from app.sdk.registry import Closed


def check_call(uow: UnitOfWork, deps: ProviderDeps, name: str, call: SignedCall) -> None:
    """Let a provider's call pass that it has signed for this address just now (RFC 9421); once.

    Its nonce is used up although the call be refused afterwards. Raise `CallNotProven`, and
    `ServiceUnavailable` while the provider is suspended: its key may be in others' hands.
    """
    with uow.phase():
        provider = _speaking(find_provider(uow, name))
        keys = {row.kid: ProviderKey(row.kid, row.x).public for row in live_keys(uow, provider)}
        try:
            found = verify_request(
                call.method,
                deps.city.issuer + call.path,
                call.headers,
                call.body,
                key_of=keys.get,
                tag=PROVIDER_CALL,
            )
        except BadSignature as error:
            raise CallNotProven(str(error)) from error
        place = (PROVIDER_CALL, name, found.key_id, found.nonce)
        if not claim_once(uow, *place, forget_at=now() + NONCE_KEPT):
            raise CallNotProven("The nonce was used before.")
        closed = closure_of(provider)
    if closed is not None:
        raise closed.refusal()


def send_back(deps: ProviderDeps, name: str, wanted: SendBack) -> None:
    """Have a provider's word that a citizen is owed money acted upon (`house.return_payment`).

    Idempotent by reference and reason. Raise what forbids the refund.
    """
    deps.return_payment(name, wanted.reference, wanted.amount, wanted.reason)


def check_event(uow: UnitOfWork, name: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return the id of an event that a provider has signed (Standard Webhooks, `v1a`) just now.

    Raise `CallNotProven`.
    """
    provider = _speaking(find_provider(uow, name))
    keys = [ProviderKey(row.kid, row.x).public for row in live_keys(uow, provider)]
    try:
        return verify_webhook(keys, headers, body).id
    except BadWebhook as error:
        raise CallNotProven(str(error)) from error


def apply_event(uow: UnitOfWork, name: str, event_id: str, told: Told) -> None:
    """Act on an event; the same id again changes nothing.

    A provider can let its own services rest and go on; it cannot lift what staff has closed. Raise
    `Invalid` for a service that is not its own.
    """
    if not claim_once(uow, "provider-event", name, event_id, forget_at=now() + EVENT_KEPT):
        return
    provider = lock_provider(uow, name)
    if told.type == EventType.PAYABLES_CHANGED:
        provider.payables_changed_at = now()
    else:
        _pause(uow, provider, told.service, told.closure)
    uow.flush()
    raise_epoch(uow)


def _pause(
    uow: UnitOfWork, provider: Provider, service: str | None, closure: Closed | None
) -> None:
    """Let a service of the provider's own rest, or (without a reason) go on."""
    claim = uow.get(ProviderClaim, ("service", service)) if service is not None else None
    if claim is None or claim.provider_id != provider.id:
        raise Invalid(errors=[{"pointer": "/data/service", "message": "It is none of yours."}])
    if closure is None:
        uow.execute(
            delete(ProviderPause).where(
                ProviderPause.provider_id == provider.id, ProviderPause.service == service
            )
        )
        return
    said = {
        "reason_zh": closure.reason["zh"],
        "reason_en": closure.reason["en"],
        "expected_return": closure.expected_return,
    }
    uow.execute(
        insert(ProviderPause)
        .values(provider_id=provider.id, service=service, since=now(), **said)
        .on_conflict_do_update(index_elements=["provider_id", "service"], set_=said)
    )


def _speaking(provider: Provider) -> Provider:
    """Return a provider that may still speak; one that is gone looks like none."""
    if provider.status == ProviderStatus.GONE:
        raise ProviderNotFound
    return provider
