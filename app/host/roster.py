"""Who provides what right now: plug-ins and remote providers in one snapshot, a second old at most.

Each process asks for one number, the epoch, and reads the roster anew when it has been raised. What
has been learnt of a provider (its gate with breaker and places) outlives every refresh.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from app.core.clock import monotonic
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork, Units
from app.host.hosted import Current
from app.host.manifest import Manifest
from app.host.remotes import Remotes
from app.providers.values import ProviderStatus, RosterEntry, Transport
from app.sdk.operations import Operator
from app.sdk.provider import PersonalData, Provider
from app.sdk.registry import Closed, Listing, Payee, Service

CHECK_SECONDS = 0.75
"""Less than the second within which a kill switch is to act, by what reading may take."""

OFFERED_NO_MORE = Closed({"zh": "该服务已停止提供。", "en": "The service is offered no more."})

log = get_logger("host")


class RosterReader(Protocol):
    """What the room of providers answers (`app.providers.service`)."""

    def read_epoch(self, uow: UnitOfWork) -> int:
        """Return the number that every change raises."""

    def read_roster(self, uow: UnitOfWork) -> tuple[int, Sequence[RosterEntry]]:
        """Return the number, and every provider of every state."""


class Roster:
    """Holds one `Current` for every thread of a process.

    At most once in `seconds` one thread asks PostgreSQL for the epoch, while the others go on with
    what is there. With the database away the last one is served; before the first answer it is the
    plug-ins alone.
    """

    def __init__(
        self,
        plugins: Current,
        units: Units,
        reader: RosterReader,
        remotes: Remotes,
        *,
        seconds: float = CHECK_SECONDS,
    ) -> None:
        self._plugins = plugins
        self._units = units
        self._reader = reader
        self._remotes = remotes
        self._seconds = seconds
        self._lock = threading.Lock()
        self._current = plugins
        self._epoch: int | None = None
        self._fresh_until: float | None = None

    def current(self) -> Current:
        """Return the snapshot to go by; the first caller of a process lets the others wait."""
        fresh_until = self._fresh_until
        if fresh_until is None:
            with self._lock:
                if self._fresh_until is None:
                    self._refresh()
        elif monotonic() >= fresh_until and self._lock.acquire(blocking=False):
            try:
                self._refresh()
            finally:
                self._lock.release()
        return self._current

    def listing(self) -> Listing:
        """Return the services of this moment and who provides them."""
        return self.current().listing

    def manifest(self, name: str) -> Manifest | None:
        """Return what a provider says of itself, or None for one that is not there."""
        return self.current().manifests.get(name)

    def personal_data(self) -> Mapping[str, PersonalData | None]:
        """Return who keeps personal data; None stands for one who may not be asked now."""
        return self.current().personal_data

    def check_open(self, plugin: str) -> None:
        """Raise `ServiceUnavailable` when a plug-in's kill switch is thrown."""
        if plugin not in self._plugins.manifests:
            return  # a room of the house, which is asked for far more often
        closed = self.current().shut.get(plugin)
        if closed is not None:
            raise closed.refusal()

    def _refresh(self) -> None:
        asked_at = monotonic()
        try:
            with self._units.open(actor="host", read_only=True) as uow:
                epoch = self._reader.read_epoch(uow)
                if epoch != self._epoch:
                    epoch, entries = self._reader.read_roster(uow)
                    self._current = compose(self._plugins, entries, self._remotes)
                    self._epoch = epoch
                    log.info("roster.served", epoch=epoch, providers=len(entries))
        except SQLAlchemyError as error:
            log.warning("roster.check_failed", error=type(error).__name__)
        finally:
            self._fresh_until = asked_at + self._seconds


@dataclass
class _Taken:
    """What a snapshot is gathered in; ids are unique in the whole house."""

    services: dict[str, Service]
    providers: dict[str, Provider]
    payees: dict[str, Payee]
    manifests: dict[str, Manifest]
    personal_data: dict[str, PersonalData | None]
    leaving: set[str] = field(default_factory=set)
    operators: dict[str, Operator] = field(default_factory=dict)


def compose(plugins: Current, entries: Sequence[RosterEntry], remotes: Remotes) -> Current:
    """Return the plug-ins as the roster has them now, and its remote providers beside them.

    A remote provider whose name or id is somebody else's is left out and logged: one that cannot be
    taken in never keeps the others away.
    """
    listing = plugins.listing
    taken = _Taken(
        dict(listing.services),
        dict(listing.providers),
        dict(listing.payees),
        dict(plugins.manifests),
        dict(plugins.personal_data),
    )
    shut: dict[str, Closed] = {}
    changed_at = {}
    for entry in entries:
        if entry.payables_changed_at is not None:
            changed_at[entry.name] = entry.payables_changed_at
        if entry.transport is Transport.REMOTE:
            _take_remote(taken, entry, remotes)
        elif entry.name in plugins.manifests:
            _close_plugin(taken, entry, shut)
    leaving = frozenset(taken.leaving)
    made = Listing(
        taken.services, taken.providers, taken.payees, changed_at, leaving, taken.operators
    )
    return Current(made, taken.manifests, taken.personal_data, shut)


def _close_plugin(taken: _Taken, entry: RosterEntry, shut: dict[str, Closed]) -> None:
    """Mark what the roster closes of a plug-in: all of it, or single services."""
    closed, paused = entry.closed, entry.paused
    for service in list(taken.services.values()):
        if service.plugin == entry.name and service.unavailable is None:
            reason = closed or paused.get(service.id)
            taken.services[service.id] = replace(service, unavailable=reason)
    if closed is not None:
        shut[entry.name] = closed
        taken.providers.pop(entry.name, None)
        if entry.name in taken.personal_data:
            taken.personal_data[entry.name] = None


def _take_remote(taken: _Taken, entry: RosterEntry, remotes: Remotes) -> None:
    """Enter a remote provider as far as its state allows."""
    is_over = entry.state in {ProviderStatus.OFFBOARDING, ProviderStatus.GONE}
    if entry.manifest is None or not (entry.is_published or is_over):
        return
    try:
        remote = remotes.remote(entry)
    except Exception:  # whatever a manifest makes impossible, the others are served
        log.exception("provider.left_out", provider=entry.name)
        return
    manifest = remote.manifest
    payees = {payee.id: payee for payee in manifest.payees}
    if entry.state is ProviderStatus.GONE:
        # What was paid to them is still settled, and receipts still name them.
        taken.payees = {**payees, **taken.payees}
        return
    closed = OFFERED_NO_MORE if is_over else entry.closed
    services = manifest.services(unavailable=closed, paused=entry.paused, trial=remote.trial)
    known = (*taken.manifests.keys() & {entry.name}, *taken.payees.keys() & payees)
    known += tuple(service.id for service in services if service.id in taken.services)
    if known:
        log.error("provider.left_out", provider=entry.name, taken=sorted(known))
        return
    if is_over:
        taken.leaving.add(entry.name)
    taken.manifests[entry.name] = manifest
    taken.services.update((service.id, service) for service in services)
    taken.payees.update(payees)
    is_callable = entry.closed is None
    if is_callable:
        taken.providers[entry.name] = remote.payable
        taken.operators[entry.name] = remote.operator
    if manifest.personal_data:
        taken.personal_data[entry.name] = remote.personal if is_callable else None
