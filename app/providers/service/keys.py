"""The keys that a provider signs with: two or more live while one replaces another."""

from collections.abc import Iterable, Mapping

from sqlalchemy import or_, select

from app.core.clock import now
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.providers.errors import LastKey, ProviderKeyConflict, ProviderKeyNotFound, TooManyKeys
from app.providers.events import ProviderKeyChanged
from app.providers.models import Provider, ProviderKeyRow
from app.providers.service.common import find_provider, lock_remote
from app.providers.service.roster import raise_epoch
from app.providers.values import MOST_KEYS, KeyView, ProviderKey


def list_keys(uow: UnitOfWork, who: Principal, name: str) -> list[KeyView]:
    """Return every key of an integrator's provider, retired ones too, the oldest first."""
    provider = find_provider(uow, name, whose=who)
    statement = select(ProviderKeyRow).where(ProviderKeyRow.provider_id == provider.id)
    rows = uow.scalars(statement.order_by(ProviderKeyRow.added_at, ProviderKeyRow.kid))
    return [_view(row) for row in rows]


def add_key(uow: UnitOfWork, who: Principal, name: str, key: ProviderKey) -> KeyView:
    """Let a provider sign with one more key; those before it count until they are retired.

    The same key again changes nothing. Raise `ProviderKeyConflict` or `TooManyKeys`.
    """
    provider = lock_remote(uow, name, whose=who)
    enter_keys(uow, provider, [key.jwk])
    raise_epoch(uow)
    _note(uow, provider, key.kid, "added")
    return _view(uow.get_one(ProviderKeyRow, (provider.id, key.kid)))


def retire_key(uow: UnitOfWork, who: Principal, name: str, kid: str) -> None:
    """Let a key count no more, on every worker within a second.

    Raise `ProviderKeyNotFound`, or `LastKey` for the only one.
    """
    provider = lock_remote(uow, name, whose=who)
    live = {row.kid: row for row in live_keys(uow, provider)}
    if kid not in live:
        raise ProviderKeyNotFound
    if len(live) == 1:
        raise LastKey
    live[kid].retired_at = now()
    raise_epoch(uow)
    _note(uow, provider, kid, "retired")


def enter_keys(uow: UnitOfWork, provider: Provider, keys: Iterable[Mapping[str, str]]) -> None:
    """Enter keys of a provider that is locked or new; those that it has already stay as they are.

    Raise `ProviderKeyConflict` for an id or a key that stood for something else, or was retired.
    """
    for jwk in keys:
        kid, x = jwk["kid"], jwk["x"]
        known = uow.scalars(
            select(ProviderKeyRow).where(
                ProviderKeyRow.provider_id == provider.id,
                or_(ProviderKeyRow.kid == kid, ProviderKeyRow.x == x),
            )
        ).all()
        if not known:
            uow.add(ProviderKeyRow(provider_id=provider.id, kid=kid, x=x))
            uow.flush()
        elif [(row.kid, row.x, row.retired_at) for row in known] != [(kid, x, None)]:
            raise ProviderKeyConflict(kid=kid)
    if len(live_keys(uow, provider)) > MOST_KEYS:
        raise TooManyKeys


def live_keys(uow: UnitOfWork, provider: Provider) -> list[ProviderKeyRow]:
    """Return the keys that a provider's signature may be by now."""
    statement = select(ProviderKeyRow).where(
        ProviderKeyRow.provider_id == provider.id, ProviderKeyRow.retired_at.is_(None)
    )
    return list(uow.scalars(statement))


def _note(uow: UnitOfWork, provider: Provider, kid: str, change: str) -> None:
    uow.record(
        ProviderKeyChanged(provider_id=provider.id, provider=provider.name, kid=kid, change=change)
    )


def _view(row: ProviderKeyRow) -> KeyView:
    return KeyView(row.kid, row.x, row.added_at, row.retired_at)
