"""What every use case of the room works with."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.certificates.errors import CertificateNotInForce, FieldNotSelective
from app.certificates.models import Certificate
from app.certificates.values import (
    CertificateStatus,
    CertificateType,
    CertificateView,
    FieldKind,
    Vault,
    status_now,
)
from app.consent.service import ConsentDeps
from app.core.papers.seal import Seal
from app.core.unit_of_work import UnitOfWork, Units

VaultOf = Callable[[UnitOfWork, UUID], Vault | None]
"""Returns the vault of a citizen; None when their account is closed and their key destroyed."""

VerifierTitle = Callable[[UnitOfWork, UUID], Mapping[str, str]]
"""Returns how citizens read the name of a client of somebody's."""


@dataclass(frozen=True, slots=True)
class CertificatesDeps:
    """The collaborators of the room; anybody checks a certificate at `public_url`."""

    public_url: str
    seal: Seal
    units: Units
    vault_of: VaultOf
    types: Mapping[str, CertificateType]
    consents: ConsentDeps
    verifier_title: VerifierTitle


def seal_fields(vault: Vault, certificate_id: UUID, fields: Mapping[str, str]) -> bytes:
    """Return what a certificate says as it is kept, under its holder's own key."""
    plain = json.dumps(dict(fields), ensure_ascii=False)
    return vault.seal(plain, Certificate.__tablename__, "fields", certificate_id)


def show_field(field: Mapping[str, Any], value: str | None) -> Mapping[str, Any]:
    """Return a field of a certificate's form with what it says."""
    return {**field, "kind": FieldKind(field["kind"]), "value": value}


def check_chosen(view: CertificateView, chosen: Collection[str]) -> None:
    """Raise unless a certificate can be shown with these fields.

    Raise `CertificateNotInForce` unless it is active and its holder's account is open, and
    `FieldNotSelective` unless the holder has a say in each of the fields.
    """
    if view.status is not CertificateStatus.ACTIVE or view.fields is None:
        raise CertificateNotInForce(certificate_status=view.status)
    known = [field["id"] for field in view.form if field["selective"]]
    wrong = sorted(set(chosen) - set(known))
    if wrong:
        raise FieldNotSelective(f"Not to be chosen: {', '.join(wrong)}.", fields=known)


def view_certificate(uow: UnitOfWork, vault_of: VaultOf, row: Certificate) -> CertificateView:
    """Return a certificate with what it says, if its holder's key is still there."""
    vault = vault_of(uow, row.citizen_id)
    fields = None
    if vault is not None:
        plain = vault.open(row.fields_sealed, Certificate.__tablename__, "fields", row.id)
        fields = json.loads(plain)
    return CertificateView(
        id=row.id,
        number=row.number,
        code=row.code,
        type=row.type,
        status=status_now(row.status, row.valid_until),
        plugin=row.plugin,
        reference=row.reference,
        title=row.form["title"],
        issuer=row.form["issuer"],
        issuer_title=row.form["issuer_title"],
        holder=row.form["holder"],
        form=row.form["fields"],
        fields=fields,
        place=row.place,
        issued_at=row.issued_at,
        valid_until=row.valid_until,
    )
