"""The moves of the marketplace, the kill switch, and the share of a canary."""

from app.core.errors import IllegalMove
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.providers.errors import NotCanary, NotRemote, NotSuspended
from app.providers.events import CanaryChanged, ProviderMoved, ProviderResumed, ProviderSuspended
from app.providers.models import Provider
from app.providers.service.badges import check_badge
from app.providers.service.common import (
    ProviderDeps,
    check_told,
    lock_provider,
    lock_remote,
    note_change,
)
from app.providers.service.registration import find_version
from app.providers.service.roster import is_published
from app.providers.values import (
    EVERYBODY,
    FIRST_CANARY,
    PUBLISHED,
    ProviderStatus,
    Transport,
    Words,
)
from app.sdk.registry import Closed

_S = ProviderStatus


def move_provider(
    uow: UnitOfWork, deps: ProviderDeps, name: str, to: ProviderStatus, reason: Words
) -> Provider:
    """Move a remote provider to another state, for a reason that its integrator can read.

    A canary begins with five per cent of the citizens. Raise `IllegalMove`, `NotRemote`, in
    production `BadgeNeeded`, `CatalogueRefuses`, or `ProviderHasOpenItems` for one that would be
    gone before it was told of everything.
    """
    provider = lock_provider(uow, name)
    if provider.transport != Transport.REMOTE:
        raise NotRemote
    _check_way(provider, to)
    if to == _S.GONE:
        check_told(uow, provider)
    _move(uow, deps, provider, to, cause="staff", reason=reason)
    uow.record(ProviderMoved(provider_id=provider.id, provider=name, to_state=to.value))
    return provider


def withdraw_provider(
    uow: UnitOfWork, deps: ProviderDeps, who: Principal, name: str, reason: Words
) -> Provider:
    """Let an integrator's provider leave: its services are withdrawn from the catalogue.

    Raise `ProviderNotFound` or `ProviderLeaving`.
    """
    provider = lock_remote(uow, name, whose=who)
    _move(uow, deps, provider, _S.OFFBOARDING, cause="integrator", reason=reason)
    return provider


def suspend_provider(uow: UnitOfWork, deps: ProviderDeps, name: str, closure: Closed) -> Provider:
    """Throw the kill switch of a provider of either transport: within a second nobody is asked.

    What citizens read of one that is suspended already is changed. Raise `IllegalMove` for one
    that was not in service.
    """
    provider = lock_provider(uow, name)
    before = provider.status
    if before != _S.SUSPENDED:
        provider.check_move(_S.SUSPENDED)
        provider.suspended_from = before
    provider.reason_zh, provider.reason_en = closure.reason["zh"], closure.reason["en"]
    provider.expected_return = closure.expected_return
    if before != _S.SUSPENDED:
        uow.move(provider, _S.SUSPENDED, cause="kill-switch", reason=dict(closure.reason))
    note_change(uow, deps, provider, publish=False)
    uow.record(ProviderSuspended(provider_id=provider.id, provider=name))
    return provider


def resume_provider(uow: UnitOfWork, deps: ProviderDeps, name: str, reason: Words) -> Provider:
    """Let a suspended provider go on where it stood. Raise `NotSuspended` or `BadgeNeeded`."""
    provider = lock_provider(uow, name)
    if provider.suspended_from is None:
        raise NotSuspended
    to = _S(provider.suspended_from)
    _move(uow, deps, provider, to, cause="staff", reason=reason)
    uow.record(ProviderResumed(provider_id=provider.id, provider=name))
    return provider


def change_canary(uow: UnitOfWork, deps: ProviderDeps, name: str, percent: int) -> Provider:
    """Show a canary to another share of the citizens. Raise `NotCanary`."""
    provider = lock_provider(uow, name)
    if _S.CANARY not in {provider.status, provider.suspended_from}:
        raise NotCanary
    provider.canary_percent = percent
    note_change(uow, deps, provider, publish=False)
    uow.record(CanaryChanged(provider_id=provider.id, provider=name, percent=percent))
    return provider


def _check_way(provider: Provider, to: ProviderStatus) -> None:
    """Refuse the two moves that have an operation of their own."""
    provider.check_move(to)
    comes_back = provider.status == _S.SUSPENDED and to != _S.OFFBOARDING
    if to == _S.SUSPENDED or comes_back:
        raise IllegalMove("Suspending and resuming are operations of their own.")


def _move(
    uow: UnitOfWork,
    deps: ProviderDeps,
    provider: Provider,
    to: ProviderStatus,
    *,
    cause: str,
    reason: Words,
) -> None:
    was_published = is_published(provider)
    provider.check_move(to)
    if to in PUBLISHED and provider.manifest_version is not None:
        version = find_version(uow, provider, provider.manifest_version)
        check_badge(uow, deps, provider, version.digest)
    if to == _S.CANARY and provider.status != _S.SUSPENDED:
        provider.canary_percent = FIRST_CANARY
    elif to == _S.LIVE:
        provider.canary_percent = EVERYBODY
    provider.suspended_from = provider.expected_return = None
    provider.reason_zh = provider.reason_en = None
    uow.move(provider, to, cause=cause, reason=dict(reason))
    note_change(uow, deps, provider, publish=is_published(provider) != was_published)
