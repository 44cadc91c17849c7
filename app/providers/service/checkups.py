"""Asks remote providers how they are; what is found is for people to read.

Whether citizens are let through to a provider is for the breaker to say, which goes by their own
calls.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.providers.events import CheckupDue
from app.providers.models import Provider, ProviderCheckup
from app.providers.service.common import ProviderDeps
from app.providers.service.roster import read_entry
from app.providers.values import CALLED, Finding, Transport

TICK_SECONDS = 60
_ANEW = timedelta(seconds=50)

log = get_logger("providers")


def call_checkups(uow: UnitOfWork) -> None:
    """Give each remote provider that may be called a job in which it is asked how it is."""
    due = (
        select(Provider.id)
        .outerjoin(ProviderCheckup, ProviderCheckup.provider_id == Provider.id)
        .where(
            Provider.transport == Transport.REMOTE,
            Provider.status.in_(CALLED),
            or_(
                ProviderCheckup.asked_at.is_(None),
                ProviderCheckup.asked_at < now() - _ANEW,
            ),
        )
    )
    for provider_id in uow.scalars(due):
        uow.emit(CheckupDue(provider_id=provider_id))


def check_up(uow: UnitOfWork, deps: ProviderDeps, due: CheckupDue) -> None:
    """Ask a provider how it is, and keep the answer; one that may not be called now is not."""
    with uow.phase():
        entry = read_entry(uow, due.provider_id)
    if entry is None or entry.state not in CALLED or entry.manifest is None:
        return
    finding = deps.ask_health(entry)
    if _keep(uow, due.provider_id, finding):
        log.info("provider.health", provider=entry.name, finding=finding or "well")


def _keep(uow: UnitOfWork, provider_id: UUID, finding: Finding | None) -> bool:
    """Keep what was found, and say whether it is another thing than before."""
    moment = now()
    kept = uow.scalar(
        select(ProviderCheckup).where(ProviderCheckup.provider_id == provider_id).with_for_update()
    )
    if kept is None:
        row = {"provider_id": provider_id, "finding": finding, "since": moment, "asked_at": moment}
        uow.execute(insert(ProviderCheckup).values(row).on_conflict_do_nothing())
        return True
    has_changed = kept.finding != finding
    if has_changed:
        kept.finding, kept.since = finding, moment
    kept.asked_at = max(moment, kept.asked_at)
    return has_changed
