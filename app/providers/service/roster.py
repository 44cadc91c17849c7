"""The roster: who provides what, read as a whole, and the number that says when it is old."""

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select, tuple_, update

from app.core.events import EventLog
from app.core.unit_of_work import UnitOfWork
from app.providers.models import (
    Provider,
    ProviderEpoch,
    ProviderKeyRow,
    ProviderManifest,
    ProviderPause,
)
from app.providers.values import (
    EVERYBODY,
    LEAVING,
    PUBLISHED,
    ProviderKey,
    ProviderStatus,
    RosterEntry,
    Transport,
)
from app.sdk.registry import Closed

_EPOCH = select(ProviderEpoch.number)


def read_epoch(uow: UnitOfWork) -> int:
    """Return the number that every change raises; cheap enough to be asked once a second."""
    return uow.scalars(_EPOCH).one()


def raise_epoch(uow: UnitOfWork) -> None:
    """Let every process read the roster anew once this unit has committed; changes queue here."""
    uow.execute(update(ProviderEpoch).values(number=ProviderEpoch.number + 1))


def read_roster(uow: UnitOfWork) -> tuple[int, tuple[RosterEntry, ...]]:
    """Return the epoch and every provider by name, those too that are gone after they have served.

    The number is read first: what changes meanwhile makes the roster newer than its number, and
    then it is read once more.
    """
    number = read_epoch(uow)
    rows = uow.scalars(select(Provider).where(~_left_unseen()).order_by(Provider.name)).all()
    manifests = _manifests(uow)
    keys = _keys(uow)
    pauses = read_pauses(uow)
    return number, tuple(
        _entry(row, manifests.get(row.id), keys[row.id], pauses[row.id]) for row in rows
    )


def read_entry(uow: UnitOfWork, provider_id: UUID) -> RosterEntry | None:
    """Return one provider as it is now, or None for one that is not there."""
    row = uow.get(Provider, provider_id)
    if row is None:
        return None
    released = None
    if row.manifest_version is not None:
        released = uow.get(ProviderManifest, (row.id, row.manifest_version))
    return _entry(row, released, _keys(uow, row.id)[row.id], {})


def is_published(provider: Provider) -> bool:
    """Say whether a provider's services stand in the catalogue: suspended ones stay in it."""
    return (provider.suspended_from or provider.status) in PUBLISHED


def closure_of(provider: Provider) -> Closed | None:
    """Return why a provider is suspended; None for one that is not."""
    if provider.reason_zh is None or provider.reason_en is None:
        return None
    return Closed({"zh": provider.reason_zh, "en": provider.reason_en}, provider.expected_return)


def _left_unseen() -> ColumnElement[bool]:
    """Return the condition of having left before anybody had let it serve: it is never called."""
    served = exists().where(
        EventLog.entity == Provider.ENTITY,
        EventLog.entity_id == Provider.id,
        EventLog.to_state.in_(PUBLISHED),
    )
    return and_(Provider.status.in_(LEAVING), ~served)


def _manifests(uow: UnitOfWork) -> Mapping[UUID, ProviderManifest]:
    released = select(Provider.id, Provider.manifest_version)
    place = tuple_(ProviderManifest.provider_id, ProviderManifest.number)
    found = uow.scalars(select(ProviderManifest).where(place.in_(released)))
    return {row.provider_id: row for row in found}


def _keys(uow: UnitOfWork, only: UUID | None = None) -> Mapping[UUID, list[ProviderKey]]:
    found: dict[UUID, list[ProviderKey]] = defaultdict(list)
    live = select(ProviderKeyRow).where(ProviderKeyRow.retired_at.is_(None))
    if only is not None:
        live = live.where(ProviderKeyRow.provider_id == only)
    for row in uow.scalars(live.order_by(ProviderKeyRow.added_at, ProviderKeyRow.kid)):
        found[row.provider_id].append(ProviderKey(row.kid, row.x))
    return found


def read_pauses(uow: UnitOfWork) -> Mapping[UUID, dict[str, Closed]]:
    """Return the services that rest by their providers' own word, for each provider."""
    found: dict[UUID, dict[str, Closed]] = defaultdict(dict)
    for row in uow.scalars(select(ProviderPause)):
        reason = {"zh": row.reason_zh, "en": row.reason_en}
        found[row.provider_id][row.service] = Closed(reason, row.expected_return)
    return found


def _entry(
    provider: Provider,
    released: ProviderManifest | None,
    keys: list[ProviderKey],
    pauses: Mapping[str, Closed],
) -> RosterEntry:
    state = ProviderStatus(provider.status)
    is_canary = ProviderStatus.CANARY in {state, provider.suspended_from}
    return RosterEntry(
        name=provider.name,
        transport=Transport(provider.transport),
        state=state,
        is_published=is_published(provider),
        manifest=released.content if released is not None else None,
        keys=tuple(keys),
        canary_percent=provider.canary_percent if is_canary else EVERYBODY,
        closed=closure_of(provider),
        paused=pauses,
        payables_changed_at=provider.payables_changed_at,
    )
