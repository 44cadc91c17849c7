"""Takes in the plug-ins: manifests first, code after, and what does not load is put aside alone."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from app.consent.service import ConsentDeps
from app.core.crypto import Keyring
from app.core.db import schema_of, stateful_models
from app.core.logs import get_logger
from app.core.migrate import History
from app.core.tokens import Tokens
from app.core.unit_of_work import Units
from app.host.admission import Admission
from app.host.announcements import Announcements
from app.host.answers import Declared
from app.host.certificate_types import DeclaredCertificates, read_certificates
from app.host.certificates import CertificateDesk
from app.host.gate import Gate, Gates, GuardedSender
from app.host.guard import GuardedPayable, GuardedPersonalData
from app.host.hosted import Hosted, Intake, Plugin
from app.host.letters import Letters, read_notices
from app.host.manifest import Fault, Manifest, PluginRefused, manifest_files, read_manifest
from app.host.mount import ROUTE_SECONDS, try_mounting
from app.host.returns import Returns
from app.http.blueprint import Blueprint
from app.sdk.http import HttpClient, Sender
from app.sdk.provider import House, PayableProvider, PersonalData, Provider
from app.sdk.registry import Closed
from app.sdk.vault import Vault
from config.settings import Settings

PACKAGE = "plugins"

IN_QUARANTINE = Closed(
    {
        "zh": "该服务正在维护，请稍后再来。",
        "en": "The service is being repaired; please come back later.",
    }
)
SWITCHED_OFF = Closed({"zh": "该服务暂未开放。", "en": "The service is switched off for now."})

log = get_logger("host")


@dataclass(frozen=True, slots=True)
class _Means:
    """What a plug-in is made with."""

    settings: Settings
    units: Units
    sender: Sender
    keyring: Keyring
    gates: Gates
    tokens: Tokens
    returns: Returns


def load(
    settings: Settings,
    units: Units,
    sender: Sender,
    keyring: Keyring,
    tokens: Tokens,
    *,
    strict: bool = False,
) -> Hosted:
    """Load every plug-in of the installation; a broken one is quarantined by itself.

    With `strict` the first that does not load raises what is wrong with it: `PluginRefused`, or
    whatever its code raised.
    """
    extend_package(settings.plugins_dir)
    gates = Gates.of(settings.web.threads, settings.web.provider_wait, settings.pace)
    means = _Means(settings, units, sender, keyring, gates, tokens, Returns())
    intake = Intake(returns=means.returns)
    for path in manifest_files(settings.plugins_dir):
        # A plug-in's code may raise anything; the other departments must start.
        try:
            _take_in(intake, path, means)
        except (Exception, SystemExit) as error:
            if strict:
                raise
            intake.put_aside(path, error)
    return intake.hosted(gates)


def _take_in(intake: Intake, path: Path, means: _Means) -> None:
    manifest = read_manifest(path)
    certificates = read_certificates(manifest)
    intake.refuse_collisions(manifest, certificates.types)
    reason = _closed(means.settings, manifest)
    if reason is not None:
        intake.take(manifest, certificates.types, unavailable=reason)
        return
    try:
        plugin = _make(intake, manifest, certificates, means)
    except BaseException:
        intake.take(manifest, certificates.types, unavailable=IN_QUARANTINE)
        raise
    intake.take(manifest, certificates.types)
    intake.plugins[manifest.name] = plugin


def _make(
    intake: Intake, manifest: Manifest, certificates: DeclaredCertificates, means: _Means
) -> Plugin:
    # Tables first: a plug-in that lacks a setting today still migrates with the others.
    history = history_of(manifest)
    if history is not None:
        intake.histories.append(history)
    plugin = Plugin(manifest, None, None, None, blueprint_of(manifest), history)
    kind = provider_class(manifest)
    if kind is None:
        return plugin
    name, units = manifest.name, means.units
    payable, applied_for = manifest.ids_of("payable"), manifest.ids_of("application")
    gate = means.gates.make(name)
    desk = CertificateDesk(manifest, certificates, means.keyring, ConsentDeps(units))
    provider = kind(
        House(
            settings=settings_of(manifest, means.settings.plugin_env),
            http=HttpClient(GuardedSender(means.sender, gate)),
            unit_of_work=lambda: units.open(actor=f"plugin:{name}"),
            vault=Vault.of(means.keyring, name),
            return_payment=partial(means.returns.ask, name),
            tell=Letters(name, read_notices(manifest), means.keyring).tell,
            guest_token=Admission(name, payable, means.keyring, means.tokens).admit,
            announce=Announcements(name, applied_for, means.keyring).announce,
            issue_certificate=desk.issue,
            change_certificate=desk.change,
            find_certificates=desk.find,
        )
    )
    personal = GuardedPersonalData(provider, gate) if isinstance(provider, PersonalData) else None
    guarded = _guarded(provider, gate, manifest)
    return replace(plugin, provider=provider, guarded=guarded, personal=personal)


def import_part(manifest: Manifest, part: str) -> ModuleType | None:
    """Import one part of a plug-in, a file or a package, or return None when there is none."""
    places = (manifest.folder / f"{part}.py", manifest.folder / part / "__init__.py")
    if not any(place.is_file() for place in places):
        return None
    package = importlib.import_module(f"{PACKAGE}.{manifest.name}")
    found = [Path(place).resolve() for place in package.__path__]
    if manifest.folder.resolve() not in found:
        rule = f"another plug-in of the name {manifest.name!r} was found at {found[0]}."
        raise PluginRefused([Fault(manifest.file, rule, "rename one of the two")])
    return importlib.import_module(f"{PACKAGE}.{manifest.name}.{part}")


def provider_class(manifest: Manifest) -> type[Provider] | None:
    """Return the class that the manifest names, or raise `PluginRefused`."""
    if manifest.provider is None:
        return None
    file = f"{PACKAGE}/{manifest.name}/provider.py"
    module = import_part(manifest, "provider")
    found = getattr(module, manifest.provider, None)
    if not (isinstance(found, type) and issubclass(found, Provider)):
        rule = f"there is no provider class {manifest.provider!r}."
        cure = f"write `class {manifest.provider}(Provider)`, or mend the manifest"
        raise PluginRefused([Fault(file, rule, cure)])
    payable = manifest.ids_of("payable")
    if payable and not issubclass(found, PayableProvider):
        rule = f"{manifest.provider} offers {min(payable)} and is no PayableProvider."
        raise PluginRefused([Fault(file, rule, "inherit from sdk.PayableProvider")])
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        rule = f"{manifest.provider} does not keep a promise: {', '.join(missing)} is missing."
        raise PluginRefused([Fault(file, rule, "write that method")])
    return found


def history_of(manifest: Manifest) -> History | None:
    """Return a plug-in's line of migrations, or None when it has no tables."""
    module = import_part(manifest, "models")
    if module is None:
        return None
    base: Any = getattr(module, "Base", None)
    schema = schema_of(manifest.name)
    if base is None or getattr(base.metadata, "schema", None) != schema:
        file = f"{PACKAGE}/{manifest.name}/models.py"
        cure = f'write `Base = base_for("{manifest.name}")` and inherit every model from it'
        raise PluginRefused([Fault(file, f"there is no Base of the schema {schema}.", cure)])
    for model in stateful_models(base):
        if not model.ENTITY.startswith(f"{manifest.name}_"):
            file = f"{PACKAGE}/{manifest.name}/models.py"
            rule = f"the machine {model.ENTITY!r} has not the plug-in's name before it."
            cure = f'write `ENTITY = "{manifest.name}_{model.ENTITY}"`'
            raise PluginRefused([Fault(file, rule, cure)])
    folder = manifest.folder / "migrations" / "versions"
    return History(manifest.name, folder, base, schema)


def blueprint_of(manifest: Manifest) -> Blueprint | None:
    """Return a plug-in's blueprint after mounting it for trial, or None without routes."""
    module = import_part(manifest, "routes")
    if module is None:
        return None
    blueprint = getattr(module, "blueprint", None)
    if not isinstance(blueprint, Blueprint) or blueprint.name != manifest.name:
        file = f"{PACKAGE}/{manifest.name}/routes.py"
        rule = f"`blueprint` must be an sdk.Blueprint of the name {manifest.name!r}."
        cure = f'write `blueprint = Blueprint("{manifest.name}", __name__, description=…)`'
        raise PluginRefused([Fault(file, rule, cure)])
    if blueprint.seconds != ROUTE_SECONDS:  # else another house of this process has tried it
        try_mounting(blueprint)
        blueprint.seconds = ROUTE_SECONDS
    return blueprint


def settings_of(manifest: Manifest, env: Mapping[str, str]) -> Mapping[str, str]:
    """Return a plug-in's settings from the environment, or raise `PluginRefused`."""
    names = {setting: manifest.variable(setting) for setting in manifest.settings}
    missing = [
        Fault(manifest.file, f"{v} is not set.", "set it") for v in names.values() if not env.get(v)
    ]
    if missing:
        raise PluginRefused(missing)
    return {setting: env[variable] for setting, variable in names.items()}


def _guarded(provider: Provider, gate: Gate, manifest: Manifest) -> PayableProvider | None:
    if not isinstance(provider, PayableProvider):
        return None
    payees = frozenset(payee.id for payee in manifest.payees)
    return GuardedPayable(provider, gate, Declared(payees, manifest.ids_of("payable")))


def _closed(settings: Settings, manifest: Manifest) -> Closed | None:
    """Return what citizens read of a plug-in that is switched off, or not yet fit for them."""
    if manifest.name in settings.plugins_disabled:
        return SWITCHED_OFF
    if settings.is_production and manifest.tier != "silver":
        log.warning("plugin.not_silver", plugin=manifest.name)
        return SWITCHED_OFF
    return None


def extend_package(folder: Path) -> None:
    """Let the package of plug-ins be found in this folder, before any other."""
    package = importlib.import_module(PACKAGE)
    if str(folder) not in package.__path__:
        package.__path__.insert(0, str(folder))
    importlib.invalidate_caches()
