"""What the plug-ins bring to the house, and the list that it is gathered in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.certificates.values import CertificateType
from app.core.logs import get_logger
from app.core.migrate import History
from app.host.gate import Gates
from app.host.manifest import Fault, Manifest, PluginRefused, ids_named
from app.host.returns import Returns
from app.http.blueprint import Blueprint
from app.sdk.provider import PayableProvider, PersonalData, Provider
from app.sdk.registry import Closed, Listing, Payee, Service

log = get_logger("host")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plug-in that is in: its class made once, its blueprint, its line of migrations."""

    manifest: Manifest
    provider: Provider | None
    guarded: PayableProvider | None
    personal: PersonalData | None
    blueprint: Blueprint | None
    history: History | None


@dataclass(frozen=True, slots=True)
class Current:
    """Everybody who provides something at one moment; never changed, only replaced as a whole.

    `personal_data` holds None for one who keeps some and may not be asked now. `shut` names the
    plug-ins whose kill switch is thrown, for the sake of their own operations.
    """

    listing: Listing
    manifests: Mapping[str, Manifest]
    personal_data: Mapping[str, PersonalData | None]
    shut: Mapping[str, Closed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hosted:
    """Everything the plug-ins bring to the house.

    `alone` is who provides what when nobody but the plug-ins does; the house goes by the `Roster`
    that begins with it. `quarantined` says for operators why a plug-in is not in; its services stay
    listed, marked unavailable, when its manifest could be read. `unreadable` holds the other
    manifests and the ids they name: what the catalogue shows of those is kept. `gates` makes what
    stands before remote providers as it did for the plug-ins.
    """

    alone: Current
    plugins: Mapping[str, Plugin]
    quarantined: Mapping[str, str]
    unreadable: Mapping[str, frozenset[str]]
    histories: tuple[History, ...]
    returns: Returns
    certificate_types: Mapping[str, CertificateType] = field(default_factory=dict)
    gates: Gates = field(default_factory=Gates)

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        """Return what each plug-in says of itself."""
        return self.alone.manifests

    @property
    def blueprints(self) -> Mapping[str, Blueprint]:
        """Return the blueprint of each plug-in that has one, to be mounted at `/v1/<name>`."""
        return {n: p.blueprint for n, p in self.plugins.items() if p.blueprint is not None}

    @property
    def providers(self) -> Mapping[type, Provider]:
        """Return each provider by its class: what a plug-in's own routes ask `deps` for."""
        made = (p.provider for p in self.plugins.values())
        return {type(provider): provider for provider in made if provider is not None}


@dataclass
class Intake:
    """What has been taken in so far; ids are unique in the whole house."""

    returns: Returns = field(default_factory=Returns)
    plugins: dict[str, Plugin] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    payees: dict[str, Payee] = field(default_factory=dict)
    certificate_types: dict[str, CertificateType] = field(default_factory=dict)
    histories: list[History] = field(default_factory=list)
    quarantined: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, frozenset[str]] = field(default_factory=dict)

    def refuse_collisions(
        self, manifest: Manifest, certificate_types: Mapping[str, CertificateType]
    ) -> None:
        """Raise `PluginRefused` for ids that another plug-in has already."""
        faults = [
            Fault(manifest.file, f"the {what} id {own!r} is another plug-in's.", "choose another")
            for what, taken, ids in (
                ("service", self.services, [entry.id for entry in manifest.entries]),
                ("payee", self.payees, [payee.id for payee in manifest.payees]),
                ("certificate type", self.certificate_types, list(certificate_types)),
            )
            for own in ids
            if own in taken
        ]
        if faults:
            raise PluginRefused(faults)

    def take(
        self,
        manifest: Manifest,
        certificate_types: Mapping[str, CertificateType],
        *,
        unavailable: Closed | None = None,
    ) -> None:
        """Enter a plug-in's services, payees and types of certificates."""
        self.manifests[manifest.name] = manifest
        for service in manifest.services(unavailable=unavailable):
            self.services[service.id] = service
        self.payees.update({payee.id: payee for payee in manifest.payees})
        self.certificate_types.update(certificate_types)

    def put_aside(self, path: Path, error: BaseException) -> None:
        """Remember, and log, why the plug-in of a manifest is not in."""
        name = path.parent.name
        if name not in self.manifests:
            self.unreadable[f"{path.parent.parent.name}/{name}/{path.name}"] = ids_named(path)
        self.quarantined[name] = f"{type(error).__name__}: {error}"
        crashed = None if isinstance(error, PluginRefused) else error
        log.error("plugin.quarantined", plugin=name, reason=str(error), exc_info=crashed)

    def hosted(self, gates: Gates) -> Hosted:
        """Return what has been taken in."""
        guarded = {n: p.guarded for n, p in self.plugins.items() if p.guarded is not None}
        loaded = self.plugins
        keepers = (name for name, m in self.manifests.items() if m.personal_data)
        personal = {name: loaded[name].personal if name in loaded else None for name in keepers}
        return Hosted(
            alone=Current(Listing(self.services, guarded, self.payees), self.manifests, personal),
            plugins=self.plugins,
            quarantined=self.quarantined,
            unreadable=self.unreadable,
            histories=tuple(self.histories),
            returns=self.returns,
            certificate_types=self.certificate_types,
            gates=gates,
        )
