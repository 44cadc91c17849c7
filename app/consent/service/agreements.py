"""Agreements as data: read from files, checked, and published version by version."""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import orjson
from marshmallow import ValidationError
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import distinct_on

from app.consent.errors import AgreementNotFound
from app.consent.models import AgreementVersion
from app.consent.service.agreement_schema import AgreementSchema
from app.consent.values import Agreement, AgreementKind, Attribute, Basis
from app.core.unit_of_work import UnitOfWork

_LOCK = 7_302_044


class AgreementsInvalid(ValueError):
    """The agreements' files cannot be published; each fault names its file and what to do."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def read_agreements(folder: Path) -> tuple[Agreement, ...]:
    """Return the agreements of a folder, one TOML file each, named by its id.

    Raise `AgreementsInvalid` with every fault of every file.
    """
    faults: list[str] = []
    found: list[Agreement] = []
    for path in sorted(folder.glob("*.toml")):
        name = f"{folder.name}/{path.name}"
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            faults.append(f"{name}: is not TOML in UTF-8: {error}; mend that line")
            continue
        faults += [f"{name}: {fault}" for fault in _faults_of(raw, path.stem)]
        if not faults:
            found.append(_agreement(raw))
    if faults:
        raise AgreementsInvalid(faults)
    return tuple(found)


def _faults_of(raw: Mapping[str, Any], stem: str) -> list[str]:
    try:
        AgreementSchema().load(raw)
    except ValidationError as error:
        said = cast("dict[str, Any]", error.messages)
        return [f"`{field}`: {what}" for field, what in said.items()]
    return [] if raw["id"] == stem else [f"`id`: the file's own name, {stem!r}, is expected"]


def publish_agreements(uow: UnitOfWork, agreements: Sequence[Agreement]) -> int:
    """Add the versions that are new, and return how many; idempotent.

    A version that was published is never changed: raise `AgreementsInvalid` for another content
    under its number, and for a number that is not above all earlier ones.
    """
    uow.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    published: dict[str, dict[int, str]] = {}
    for row in uow.scalars(select(AgreementVersion)):
        published.setdefault(row.id, {})[row.number] = row.revision_hash
    faults: list[str] = []
    new: list[Agreement] = []
    for agreement in agreements:
        before = published.get(agreement.id, {})
        kept = before.get(agreement.version)
        if kept is None and agreement.version <= max(before, default=0):
            faults.append(f"{agreement.id}: version {max(before)} exists; take a higher number")
        elif kept is None:
            new.append(agreement)
        elif kept != agreement.revision_hash:
            faults.append(
                f"{agreement.id}: version {agreement.version} was published with another content; "
                "undo the change, or give it the next version"
            )
    if faults:
        raise AgreementsInvalid(faults)
    uow.add_all(
        AgreementVersion(
            id=agreement.id,
            number=agreement.version,
            kind=agreement.kind,
            legal_basis=agreement.legal_basis,
            content=_content(agreement),
            revision_hash=agreement.revision_hash,
        )
        for agreement in new
    )
    return len(new)


def current_agreement(uow: UnitOfWork, agreement_id: str) -> Agreement:
    """Return the newest version of an agreement, or raise `AgreementNotFound`."""
    row = uow.scalars(
        select(AgreementVersion)
        .where(AgreementVersion.id == agreement_id)
        .order_by(AgreementVersion.number.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise AgreementNotFound
    return agreement_of(row)


def current_agreements(uow: UnitOfWork, *kinds: AgreementKind) -> list[Agreement]:
    """Return the newest version of each agreement of these kinds, by id."""
    rows = uow.scalars(
        select(AgreementVersion)
        .ext(distinct_on(AgreementVersion.id))
        .where(AgreementVersion.kind.in_(kinds))
        .order_by(AgreementVersion.id, AgreementVersion.number.desc())
    )
    return [agreement_of(row) for row in rows]


def agreement_of(row: AgreementVersion) -> Agreement:
    """Return a stored version as it was published."""
    return _agreement(row.content)


def _agreement(raw: Mapping[str, Any]) -> Agreement:
    content = {name: value for name, value in raw.items() if value not in (None, [], {})}
    packed = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return Agreement(
        id=raw["id"],
        version=raw["version"],
        kind=AgreementKind(raw["kind"]),
        controller=raw["controller"],
        title=raw["title"],
        purpose=raw["purpose"],
        legal_basis=Basis(raw["legal_basis"]),
        attributes=tuple(Attribute(**attribute) for attribute in raw.get("attributes", ())),
        retention_days=raw["retention_days"],
        jurisdiction=raw["jurisdiction"],
        dpia_ref=raw.get("dpia_ref"),
        forgettable=raw["forgettable"],
        consumer=raw.get("consumer"),
        text=raw.get("text"),
        revision_hash=hashlib.sha256(packed).hexdigest(),
    )


def _content(agreement: Agreement) -> dict[str, Any]:
    """Return the members of an agreement's file, so that the hash of the two is the same."""
    optional = {
        "attributes": [
            {
                "name": attribute.name,
                "source": attribute.source,
                "sensitivity": attribute.sensitivity,
                "category": attribute.category,
            }
            for attribute in agreement.attributes
        ],
        "dpia_ref": agreement.dpia_ref,
        "consumer": agreement.consumer,
        "text": None if agreement.text is None else dict(agreement.text),
    }
    return {
        "id": agreement.id,
        "version": agreement.version,
        "kind": agreement.kind.value,
        "controller": agreement.controller,
        "title": dict(agreement.title),
        "purpose": dict(agreement.purpose),
        "legal_basis": agreement.legal_basis.value,
        "retention_days": agreement.retention_days,
        "jurisdiction": agreement.jurisdiction,
        "forgettable": agreement.forgettable,
        **{name: value for name, value in optional.items() if value},
    }
