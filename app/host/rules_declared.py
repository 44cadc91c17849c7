"""The rules about what a plug-in says of itself: owners, ids, settings, README and tests."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.host.certificate_types import certificates_file, read_certificates
from app.host.manifest import Fault, Manifest, PluginRefused
from app.host.rules import Subject, broken

CODE_SECTIONS = (
    "Who owns it",
    "Services",
    "Settings",
    "What it stores",
    "When something is wrong",
)
GUIDE_SECTIONS = ("Who owns it", "Services")
CONTRACT = "PayableContract"


def check(subject: Subject) -> Iterator[Fault]:
    """Find breaches of rules 1, 2, 3, 9 and 10."""
    yield from _owners(subject)
    yield from _ids(subject)
    yield from _certificates(subject)
    yield from _readme(subject)
    yield from _tests(subject)
    yield from _settings(subject)


def _owners(subject: Subject) -> Iterator[Fault]:
    manifest = subject.manifest
    departments, categories = subject.city.departments, subject.city.categories
    named = [("owner", manifest.owner, departments, "departments")]
    for entry in manifest.entries:
        named.append((f"department of {entry.id}", entry.department, departments, "departments"))
        named.append((f"category of {entry.id}", entry.category, categories, "categories"))
    for what, value, known, file in named:
        if value not in known:
            cure = f"choose one of config/{file}.toml, or add it there"
            yield broken(2, manifest.file, f"The {what}, {value!r}, is not known.", cure)


def _ids(subject: Subject) -> Iterator[Fault]:
    services = dict(subject.city.catalogue)
    services |= {entry.id: other.file for other in subject.others for entry in other.entries}
    payees = {payee.id: other.file for other in subject.others for payee in other.payees}
    manifest = subject.manifest
    for what, taken, own in (
        (
            "service",
            services,
            [entry.id for entry in manifest.entries],
        ),
        ("payee", payees, [payee.id for payee in manifest.payees]),
    ):
        for name in own:
            if name in taken:
                found = f"The {what} id {name!r} stands in {taken[name]} too."
                yield broken(3, manifest.file, found, "choose another id, or remove the other")


def _certificates(subject: Subject) -> Iterator[Fault]:
    try:
        declared = read_certificates(subject.manifest)
    except PluginRefused as refused:
        yield from (broken(1, fault.file, fault.rule, fault.cure) for fault in refused.faults)
        return
    file = certificates_file(subject.manifest)
    taken = {name: other.file for other in subject.others for name in _types_of(other)}
    for kind in declared.types.values():
        if kind.issuer not in subject.city.departments:
            found = f"The issuer of {kind.id}, {kind.issuer!r}, is not known."
            yield broken(2, file, found, "choose one of config/departments.toml, or add it there")
        if kind.id in taken:
            found = f"The certificate type {kind.id!r} stands beside {taken[kind.id]} too."
            yield broken(3, file, found, "choose another id, or remove the other")
    for need in declared.needs:
        if need not in taken:
            found = f"Nobody else issues {need!r}, which is needed."
            yield broken(1, file, found, "name a type of another plug-in's, or remove it")


def _types_of(manifest: Manifest) -> Iterable[str]:
    try:
        return read_certificates(manifest).types
    except PluginRefused:  # told when that plug-in is checked
        return ()


def _readme(subject: Subject) -> Iterator[Fault]:
    path, file = subject.manifest.folder / "README.md", subject.file("README.md")
    wanted = CODE_SECTIONS if subject.manifest.provider else GUIDE_SECTIONS
    if not path.is_file():
        yield broken(9, file, "There is none.", f"write it with the sections {', '.join(wanted)}")
        return
    text = path.read_text(encoding="utf-8")
    for section in wanted:
        body = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        if body is None or not body[1].strip():
            cure = f"write a section `## {section}`"
            yield broken(9, file, f"The section {section!r} is missing or empty.", cure)


def _tests(subject: Subject) -> Iterator[Fault]:
    manifest = subject.manifest
    if manifest.provider is None:
        return
    file = f"tests/plugins/{manifest.name}"
    tests = sorted((subject.ground.tests / manifest.name).glob("test_*.py"))
    if not tests:
        yield broken(9, file, "There are no tests.", "write test_*.py there")
    elif manifest.ids_of("payable") and not any(_inherits_contract(path) for path in tests):
        cure = f"write a class that inherits from app.sdk.testing.{CONTRACT}"
        yield broken(9, file, "No test inherits the contract of a payable provider.", cure)


def _inherits_contract(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = [base for node in classes for base in node.bases]
    return any(isinstance(base, ast.Name) and base.id == CONTRACT for base in bases)


def _settings(subject: Subject) -> Iterator[Fault]:
    for setting in subject.manifest.settings:
        variable = subject.manifest.variable(setting)
        if not re.search(rf"^(?:# ?)?{variable}=", subject.city.example_env, re.MULTILINE):
            cure = f"add a line `{variable}=…` with a safe value"
            yield broken(10, "config/example.env", f"{variable} does not stand there.", cure)
