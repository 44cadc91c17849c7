"""The endpoints of a client: made, changed, switched off, given another key, removed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from app.core.clock import now
from app.core.errors import NotFound
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.webhooks.errors import EndpointUrlInvalid, TooManyEndpoints
from app.webhooks.events import EndpointDue, WebhookEndpointChanged
from app.webhooks.models import Delivery, Endpoint
from app.webhooks.service.deps import WebhooksDeps
from app.webhooks.service.feed import lock_feed
from app.webhooks.service.keys import (
    LiveKey,
    add_key,
    change_key,
    forget_keys,
    keys_of,
    live_keys,
    public_texts,
)
from app.webhooks.values import (
    MOST_ENDPOINTS,
    DeliveryState,
    EndpointStatus,
    EndpointView,
    NewEndpoint,
)

OWNER = "owner"
"""Why an endpoint is switched off that its integrator has switched off."""
GONE = "gone"
"""The same, when it has answered 410."""


def create_endpoint(
    uow: UnitOfWork, deps: WebhooksDeps, client_id: UUID, wanted: NewEndpoint
) -> EndpointView:
    """Make an endpoint and return it, with its secret (shown this once) if it shares one.

    Raise `EndpointUrlInvalid` or `TooManyEndpoints`.
    """
    _check_url(deps, wanted.url)
    lock_feed(uow, client_id)  # so that two made at once are counted
    living = select(func.count()).where(
        Endpoint.client_id == client_id, Endpoint.status != EndpointStatus.REMOVED
    )
    if uow.scalars(living).one() >= MOST_ENDPOINTS:
        raise TooManyEndpoints
    endpoint = Endpoint(
        client_id=client_id,
        url=wanted.url,
        scheme=wanted.scheme,
        events=_stored(wanted.events),
        status=EndpointStatus.ACTIVE,
    )
    uow.open_record(endpoint, cause="integrator")
    uow.flush()
    secret = add_key(uow, deps, endpoint)
    _tell_trail(uow, endpoint, "created")
    return replace(_shown(uow, deps, endpoint), secret=secret)


def list_endpoints(
    uow: UnitOfWork, deps: WebhooksDeps, client_id: UUID, page: PageRequest
) -> Page[EndpointView]:
    """Return a client's endpoints that were not removed, newest first."""
    statement = select(Endpoint).where(
        Endpoint.client_id == client_id, Endpoint.status != EndpointStatus.REMOVED
    )
    found = fetch_page(uow, statement, [Endpoint.id], page, descending=True)
    keys = keys_of(uow, deps, found.items)
    return Page([_view(one, keys[one.id]) for one in found.items], found.next_cursor)


def read_endpoint(
    uow: UnitOfWork, deps: WebhooksDeps, client_id: UUID, endpoint_id: UUID
) -> EndpointView:
    """Return a client's own endpoint, or raise `NotFound`."""
    return _shown(uow, deps, own_endpoint(uow, client_id, endpoint_id))


def change_endpoint(
    uow: UnitOfWork,
    deps: WebhooksDeps,
    client_id: UUID,
    endpoint_id: UUID,
    changes: Mapping[str, Any],
) -> EndpointView:
    """Change where events go, which ones, or whether any do; return the endpoint as it is then.

    What waits goes to the new address. While it is switched off nothing is sent and nothing new is
    queued: what happens meanwhile is in the feed, and can be replayed.
    """
    endpoint = _lock_endpoint(uow, client_id, endpoint_id)
    if "url" in changes:
        _check_url(deps, changes["url"])
        endpoint.url, endpoint.slow_failures, endpoint.free_at = changes["url"], 0, now()
    if "events" in changes:
        endpoint.events = _stored(changes["events"])
    status = EndpointStatus(changes.get("status", endpoint.status))
    if status != endpoint.status:
        endpoint.disabled_because = OWNER if status is EndpointStatus.DISABLED else None
        uow.move(endpoint, status, cause="integrator")
    if endpoint.status == EndpointStatus.ACTIVE:
        uow.emit(EndpointDue(endpoint_id=endpoint.id))
    _tell_trail(uow, endpoint, " ".join(sorted(changes)))
    return _shown(uow, deps, endpoint)


def rotate_key(
    uow: UnitOfWork, deps: WebhooksDeps, client_id: UUID, endpoint_id: UUID
) -> EndpointView:
    """Give an endpoint another key; the one before signs beside it for seven more days."""
    endpoint = _lock_endpoint(uow, client_id, endpoint_id)
    secret = change_key(uow, deps, endpoint)
    _tell_trail(uow, endpoint, "key")
    return replace(_shown(uow, deps, endpoint), secret=secret)


def remove_endpoint(uow: UnitOfWork, client_id: UUID, endpoint_id: UUID) -> None:
    """Remove an endpoint and its keys for good; from then on it looks like none.

    What waited for it is dead.
    """
    own_endpoint(uow, client_id, endpoint_id)
    lock_feed(uow, client_id)  # so that nothing is queued for it meanwhile
    endpoint = _lock_endpoint(uow, client_id, endpoint_id)
    endpoint.disabled_because = None
    uow.move(endpoint, EndpointStatus.REMOVED, cause="integrator")
    forget_keys(uow, endpoint.id)
    uow.execute(
        update(Delivery)
        .where(Delivery.endpoint_id == endpoint.id, Delivery.state == DeliveryState.PENDING)
        .values(state=DeliveryState.DEAD, next_at=None, finished_at=now())
    )
    _tell_trail(uow, endpoint, "removed")


def own_endpoint(uow: UnitOfWork, client_id: UUID, endpoint_id: UUID) -> Endpoint:
    """Return a client's own endpoint, or raise `NotFound`.

    Somebody else's looks like none, and so does one that was removed.
    """
    endpoint = uow.get(Endpoint, endpoint_id)
    if (
        endpoint is None
        or endpoint.client_id != client_id
        or endpoint.status == EndpointStatus.REMOVED
    ):
        raise NotFound
    return endpoint


def _lock_endpoint(uow: UnitOfWork, client_id: UUID, endpoint_id: UUID) -> Endpoint:
    """Return a client's own endpoint with its row locked, or raise `NotFound`."""
    own_endpoint(uow, client_id, endpoint_id)
    uow.lock(Endpoint, endpoint_id)
    return own_endpoint(uow, client_id, endpoint_id)


def _check_url(deps: WebhooksDeps, url: str) -> None:
    if not deps.courier.may_reach(url):
        raise EndpointUrlInvalid(
            errors=[{"pointer": "/url", "message": "https, and not an inward address."}]
        )


def _stored(events: tuple[str, ...] | list[str] | None) -> list[str] | None:
    return None if events is None else sorted(set(events))


def _tell_trail(uow: UnitOfWork, endpoint: Endpoint, fields: str) -> None:
    uow.record(
        WebhookEndpointChanged(client_id=endpoint.client_id, endpoint_id=endpoint.id, fields=fields)
    )


def _shown(uow: UnitOfWork, deps: WebhooksDeps, endpoint: Endpoint) -> EndpointView:
    """Return an endpoint as it is shown, with what the unit has just changed."""
    uow.flush()
    return _view(endpoint, live_keys(uow, deps, endpoint))


def _view(endpoint: Endpoint, keys: Sequence[LiveKey]) -> EndpointView:
    return EndpointView(
        id=endpoint.id,
        url=endpoint.url,
        status=endpoint.status,
        scheme=endpoint.scheme,
        events=endpoint.events,
        disabled_because=endpoint.disabled_because,
        public_keys=public_texts(keys),
        key_made_at=keys[0].created_at if keys else None,
        former_key_until=keys[1].expires_at if len(keys) > 1 else None,
        created_at=endpoint.created_at,
    )
