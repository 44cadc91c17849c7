"""The services of the house and who provides them: an immutable snapshot for each process."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from app.core.errors import Invalid, NotFound, Unavailable
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
    """The plug-in that offers this service is switched off or in quarantine."""

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
class Service:
    """One thing a citizen can do, as a plug-in's manifest declares it."""

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
    unavailable: str | None = None


class Directory(Protocol):
    """Shows a citizen to a plug-in: pairwise reference, and the attributes its manifest names."""

    def view(self, plugin: str, citizen_id: UUID) -> Citizen:
        """Return the citizen as this plug-in may see them; reads, and holds no transaction."""


class Registry:
    """Service id -> service and guarded provider."""

    def __init__(
        self,
        services: Iterable[Service],
        providers: Mapping[str, Provider],
        payees: Mapping[str, Payee],
    ) -> None:
        self.services: Mapping[str, Service] = {service.id: service for service in services}
        self.payees = payees
        self._providers = providers

    def service(self, service_id: str) -> Service:
        """Return a service, or raise `ServiceNotFound` or `ServiceUnavailable`."""
        service = self.services.get(service_id)
        if service is None:
            raise ServiceNotFound
        if service.unavailable is not None:
            raise ServiceUnavailable(service.unavailable)
        return service

    def payable(self, service_id: str) -> tuple[Service, PayableProvider]:
        """Return a payable service and its provider, or raise what is wrong with it."""
        service = self.service(service_id)
        provider = self._providers.get(service.plugin)
        if service.kind != "payable" or not isinstance(provider, PayableProvider):
            raise ServiceTakesNoPayments
        return service, provider

    def payable_plugins(self) -> Mapping[str, PayableProvider]:
        """Return every plug-in that can say what a citizen owes, by name."""
        wanted = {s.plugin for s in self.services.values() if s.kind == "payable"}
        return {
            name: provider
            for name, provider in sorted(self._providers.items())
            if name in wanted and isinstance(provider, PayableProvider)
        }

    def only_service(self, plugin: str, named: str) -> str | None:
        """Return the service a payable belongs to: the one named, or the plug-in's only one."""
        own = [s.id for s in self.services.values() if s.plugin == plugin and s.kind == "payable"]
        if named:
            return named if named in own else None
        return own[0] if len(own) == 1 else None
