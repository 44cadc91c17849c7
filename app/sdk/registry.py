"""The services of the house and who provides them: a snapshot, and the registry that renews it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Literal, Protocol
from uuid import UUID

from app.core.clock import now
from app.core.errors import Invalid, NotFound, Unavailable
from app.sdk.operations import Operation, OperationNotFound, Operator
from app.sdk.provider import Citizen, PayableProvider, Provider

Posting = Literal["idempotent", "queryable", "neither"]


class ServiceNotFound(NotFound):
    """No service has this id."""

    code = "service-not-found"
    title_zh = "没有这项服务"
    title_en = "There is no such service"


class ServiceTakesNoPayments(Invalid):
    """The service is not of the kind that is paid for here."""

    code = "service-takes-no-payments"
    title_zh = "该服务不支持在线缴费"
    title_en = "The service takes no payments"


class ServiceUnavailable(Unavailable):
    """Whoever offers this service is switched off or in quarantine; `detail` says why."""

    code = "service-unavailable"
    title_zh = "该服务暂时不可用"
    title_en = "The service is unavailable for now"


@dataclass(frozen=True, slots=True)
class Payee:
    """Who is owed the money: an account of the ledger is kept for each."""

    id: str
    title: Mapping[str, str]
    kind: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a service cannot be used, in both languages, and when it should be back if one knows."""

    reason: Mapping[str, str]
    expected_return: datetime | None = None

    def refusal(self) -> ServiceUnavailable:
        """Return what a citizen is told who asks for the service all the same."""
        detail = f"{self.reason['zh']} {self.reason['en']}"
        if self.expected_return is None:
            return ServiceUnavailable(detail)
        seconds = (self.expected_return - now()).total_seconds()
        return ServiceUnavailable(
            detail,
            retry_after=max(1, ceil(seconds)),
            expected_return=self.expected_return.isoformat(),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A provider's own page, entered by single sign-on: its client, and where a log-in begins."""

    client_id: str
    initiate_login_uri: str
    target_link_uri: str


@dataclass(frozen=True, slots=True)
class Service:
    """One thing a citizen can do, as a provider's manifest declares it.

    `trial` is what those read who are not in the share of a service that is being tried.
    """

    id: str
    plugin: str
    title: Mapping[str, str]
    category: str
    department: str
    kind: Literal["payable", "application", "listing", "guide"]
    action: Literal["query", "book", "pay", "handle"]
    assurance: str
    keywords: tuple[str, ...] = ()
    posting: Posting = "neither"
    autopay: bool = False
    unavailable: Closed | None = None
    trial: Closed | None = None
    page: Page | None = None
    operations: tuple[Operation, ...] = ()


class Directory(Protocol):
    """Shows a citizen to a plug-in: pairwise reference, and the attributes its manifest names."""

    def view(self, plugin: str, citizen_id: UUID) -> Citizen:
        """Return the citizen as this plug-in may see them; reads, and holds no transaction."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Service id -> service and guarded provider, as they are at one moment; never changed.

    What a provider listed before its `changed_at` is known to be out of date. Those that are
    `leaving` are told of what was paid for, and asked for nothing any more.
    """

    services: Mapping[str, Service]
    providers: Mapping[str, Provider]
    payees: Mapping[str, Payee]
    changed_at: Mapping[str, datetime] = field(default_factory=dict)
    leaving: frozenset[str] = frozenset()
    operators: Mapping[str, Operator] = field(default_factory=dict)

    def service(self, service_id: str) -> Service:
        """Return a service, or raise `ServiceNotFound` or `ServiceUnavailable`."""
        service = self.services.get(service_id)
        if service is None:
            raise ServiceNotFound
        if service.unavailable is not None:
            raise service.unavailable.refusal()
        return service

    def payable(self, service_id: str) -> tuple[Service, PayableProvider]:
        """Return a payable service and its provider, or raise what is wrong with it."""
        service = self.service(service_id)
        provider = self.providers.get(service.plugin)
        if service.kind != "payable" or not isinstance(provider, PayableProvider):
            raise ServiceTakesNoPayments
        return service, provider

    def operation(
        self, service_id: str, method: str, path: str
    ) -> tuple[Service, Operation, Operator]:
        """Return the declared operation that a method and a path call, and who carries it out.

        Raise `ServiceNotFound`, `ServiceUnavailable` or `OperationNotFound`.
        """
        service = self.service(service_id)
        operator = self.operators.get(service.plugin)
        found = next((one for one in service.operations if one.fits(method, path)), None)
        if found is None or operator is None:
            raise OperationNotFound
        return service, found, operator

    def owed(self, service_id: str) -> tuple[Service, PayableProvider]:
        """Return whom to tell of what was paid for: also one that takes no new payments now.

        Raise `ServiceUnavailable` while nobody may be told.
        """
        service = self.services.get(service_id)
        if service is None:
            raise ServiceNotFound
        provider = self.providers.get(service.plugin)
        if isinstance(provider, PayableProvider):
            return service, provider
        if service.unavailable is not None:
            raise service.unavailable.refusal()
        raise ServiceTakesNoPayments

    def payable_plugins(self) -> Mapping[str, PayableProvider]:
        """Return every provider that can say what a citizen owes, by name."""
        wanted = {s.plugin for s in self.services.values() if s.kind == "payable"} - self.leaving
        return {
            name: provider
            for name, provider in sorted(self.providers.items())
            if name in wanted and isinstance(provider, PayableProvider)
        }

    def only_service(self, plugin: str, named: str) -> str | None:
        """Return the service a payable belongs to: the one named, or the provider's only one."""
        own = [s.id for s in self.services.values() if s.plugin == plugin and s.kind == "payable"]
        if named:
            return named if named in own else None
        return own[0] if len(own) == 1 else None


class Registry:
    """The listing that counts now; a provider may come, go or be switched off between two calls.

    Whoever asks more than once about the same thing takes the `snapshot` and asks that.
    """

    def __init__(
        self,
        services: Iterable[Service],
        providers: Mapping[str, Provider],
        payees: Mapping[str, Payee],
    ) -> None:
        """Make a registry that never changes."""
        listing = Listing({service.id: service for service in services}, providers, payees)
        self._current: Callable[[], Listing] = lambda: listing

    @classmethod
    def following(cls, current: Callable[[], Listing]) -> "Registry":
        """Return a registry of whatever listing `current` gives each time it is asked."""
        made = cls((), {}, {})
        made._current = current
        return made

    def snapshot(self) -> Listing:
        """Return the listing of this moment."""
        return self._current()

    @property
    def services(self) -> Mapping[str, Service]:
        """Return every service by its id."""
        return self.snapshot().services

    @property
    def payees(self) -> Mapping[str, Payee]:
        """Return everybody who may be owed money, by id."""
        return self.snapshot().payees

    def service(self, service_id: str) -> Service:
        """Return a service, or raise `ServiceNotFound` or `ServiceUnavailable`."""
        return self.snapshot().service(service_id)

    def payable(self, service_id: str) -> tuple[Service, PayableProvider]:
        """Return a payable service and its provider, or raise what is wrong with it."""
        return self.snapshot().payable(service_id)
