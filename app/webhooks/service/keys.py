"""What an endpoint's events are signed with: made, sealed, changed with an overlap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, or_, select, update

from app.core.clock import now
from app.core.crypto import seal, unseal
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.core.webhook_signatures import SharedSecret, SigningKey, public_text
from app.webhooks.models import Endpoint, EndpointKey
from app.webhooks.service.deps import WebhooksDeps
from app.webhooks.values import SECRET_OVERLAP, Scheme


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A key that signs now, and until when if another one has taken its place."""

    key: SigningKey
    created_at: datetime
    expires_at: datetime | None


def add_key(uow: UnitOfWork, deps: WebhooksDeps, endpoint: Endpoint) -> str | None:
    """Give a locked endpoint a key of its scheme; return the secret, if it is a shared one."""
    made = SharedSecret.fresh() if endpoint.scheme == Scheme.V1 else Ed25519PrivateKey.generate()
    raw = made.raw if isinstance(made, SharedSecret) else made.private_bytes_raw()
    row_id = new_id()
    sealed = seal(deps.keyring.class_key("webhook_keys"), raw, context=_context(row_id))
    uow.add(EndpointKey(id=row_id, endpoint_id=endpoint.id, key_sealed=sealed, expires_at=None))
    return made.text if isinstance(made, SharedSecret) else None


def change_key(uow: UnitOfWork, deps: WebhooksDeps, endpoint: Endpoint) -> str | None:
    """Give a locked endpoint another key; the one before signs beside it for seven more days.

    One that was leaving is gone at once: two live at most.
    """
    own = EndpointKey.endpoint_id == endpoint.id
    uow.execute(delete(EndpointKey).where(own, EndpointKey.expires_at.is_not(None)))
    uow.execute(update(EndpointKey).where(own).values(expires_at=now() + SECRET_OVERLAP))
    return add_key(uow, deps, endpoint)


def forget_keys(uow: UnitOfWork, endpoint_id: UUID) -> None:
    """Destroy every key of an endpoint."""
    uow.execute(delete(EndpointKey).where(EndpointKey.endpoint_id == endpoint_id))


def live_keys(uow: UnitOfWork, deps: WebhooksDeps, endpoint: Endpoint) -> Sequence[LiveKey]:
    """Return what signs an endpoint's events now, the current one first."""
    return keys_of(uow, deps, [endpoint])[endpoint.id]


def keys_of(
    uow: UnitOfWork, deps: WebhooksDeps, endpoints: Sequence[Endpoint]
) -> Mapping[UUID, Sequence[LiveKey]]:
    """Return what signs the events of each of these endpoints now, the current one first."""
    own = {endpoint.id: endpoint for endpoint in endpoints}
    found: dict[UUID, list[LiveKey]] = {endpoint_id: [] for endpoint_id in own}
    rows = uow.scalars(
        select(EndpointKey)
        .where(
            EndpointKey.endpoint_id.in_(own),
            or_(EndpointKey.expires_at.is_(None), EndpointKey.expires_at > now()),
        )
        .order_by(EndpointKey.expires_at.desc().nulls_first())
    )
    for row in rows:
        key = _open(deps, own[row.endpoint_id], row)
        found[row.endpoint_id].append(LiveKey(key, row.created_at, row.expires_at))
    return found


def public_texts(keys: Sequence[LiveKey]) -> Sequence[str]:
    """Return the public keys among these; a shared secret has none."""
    found = (one.key for one in keys)
    return [public_text(k.public_key()) for k in found if isinstance(k, Ed25519PrivateKey)]


def _open(deps: WebhooksDeps, endpoint: Endpoint, row: EndpointKey) -> SigningKey:
    raw = unseal(deps.keyring.class_key("webhook_keys"), row.key_sealed, context=_context(row.id))
    if endpoint.scheme == Scheme.V1:
        return SharedSecret(raw)
    return Ed25519PrivateKey.from_private_bytes(raw)


def _context(row_id: UUID) -> str:
    return f"webhook_keys|key|{row_id}"
