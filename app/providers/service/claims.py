"""Ids of services and payees, each one provider's; and the plug-ins of this house."""

from collections.abc import Iterable

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.providers.models import Provider, ProviderClaim
from app.providers.service.roster import raise_epoch
from app.providers.values import Declared, ProviderStatus, Transport

_LOCK = 7_302_071

Claims = set[tuple[str, str]]


def claim_ids(uow: UnitOfWork, provider: Provider, claims: Claims) -> list[tuple[str, str]]:
    """Make ids a provider's own, in one order everywhere, and return those that are another's."""
    for kind, own in sorted(claims):
        values = {"kind": kind, "id": own, "provider_id": provider.id}
        uow.execute(insert(ProviderClaim).values(values).on_conflict_do_nothing())
    return sorted(claims - _ids_of(uow, provider))


def enter_plugins(uow: UnitOfWork, declared: Iterable[Declared]) -> tuple[str, ...]:
    """Enter the plug-ins of this house, and say which names and ids are a remote provider's.

    Idempotent; runs in parallel wait for each other. What a plug-in declares no more is free again.
    """
    uow.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    faults: list[str] = []
    entered: list[tuple[Provider, Claims]] = []
    for plugin in sorted(declared, key=lambda one: one.name):
        provider = uow.scalar(select(Provider).where(Provider.name == plugin.name)) or _enter(
            uow, plugin.name
        )
        if provider.transport != Transport.IN_PROCESS:
            faults.append(f"plug-in {plugin.name}: the name is a remote provider's")
            continue
        claims = {("service", own) for own in plugin.services}
        claims |= {("payee", own) for own in plugin.payees}
        for kind, own in _ids_of(uow, provider) - claims:
            which = (ProviderClaim.kind == kind, ProviderClaim.id == own)
            uow.execute(delete(ProviderClaim).where(*which))
        entered.append((provider, claims))
    for provider, claims in entered:
        faults += [
            f"plug-in {provider.name}: the {kind} id {own!r} is another provider's"
            for kind, own in claim_ids(uow, provider, claims)
        ]
    return tuple(faults)


def _enter(uow: UnitOfWork, name: str) -> Provider:
    provider = Provider(
        id=new_id(), name=name, transport=Transport.IN_PROCESS, status=ProviderStatus.LIVE
    )
    uow.open_record(provider, cause="migrate")
    uow.flush()
    raise_epoch(uow)
    return provider


def _ids_of(uow: UnitOfWork, provider: Provider) -> Claims:
    statement = select(ProviderClaim.kind, ProviderClaim.id)
    rows = uow.execute(statement.where(ProviderClaim.provider_id == provider.id))
    return {(kind, own) for kind, own in rows}
