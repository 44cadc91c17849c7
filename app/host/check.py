"""Asks ten things of every plug-in; each failure names the file, the rule and the cure."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from app.host import rules_declared, rules_loaded, rules_written
from app.host.loader import extend_package
from app.host.manifest import Fault, Manifest, PluginRefused, manifest_files, read_manifest
from app.host.rules import City, Ground, Subject, broken


class NoSuchPlugin(LookupError):
    """No folder with a manifest has this name."""


def check_plugins(ground: Ground, name: str | None = None) -> list[Fault]:
    """Return what is wrong with every plug-in, or with one; nothing when all is well."""
    extend_package(ground.plugins)
    files = manifest_files(ground.plugins)
    if name is not None and name not in {file.parent.name for file in files}:
        raise NoSuchPlugin(name)
    manifests: list[Manifest] = []
    faults: list[Fault] = []
    for file in files:
        try:
            manifests.append(read_manifest(file))
        except PluginRefused as refused:
            if name in {None, file.parent.name}:
                faults.extend(_numbered(refused.faults))
    city = City.read(ground.config)
    for manifest in manifests:
        if name in {None, manifest.name}:
            others = [other for other in manifests if other is not manifest]
            faults.extend(_check(Subject(ground, city, manifest, others)))
    return faults + list(_folders_without_manifest(ground.plugins, name))


def _check(subject: Subject) -> Iterator[Fault]:
    yield from rules_declared.check(subject)
    yield from rules_written.check(subject)
    yield from rules_loaded.check(subject)


def _numbered(faults: Iterable[Fault]) -> Iterator[Fault]:
    for fault in faults:
        yield broken(3 if ".id`" in fault.rule else 1, fault.file, fault.rule, fault.cure)


def _folders_without_manifest(plugins: Path, name: str | None) -> Iterator[Fault]:
    if name is not None:
        return
    for folder in sorted(plugins.iterdir()):
        is_code = folder.is_dir() and any(folder.glob("*.py"))
        if is_code and not (folder / "manifest.toml").is_file():
            cure = "write the manifest, or remove the folder"
            yield broken(1, f"plugins/{folder.name}", "There is no manifest.toml.", cure)
