"""Issuing: one certificate for each reference of a plug-in, in the caller's transaction."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import func, select

from app.certificates.errors import CertificateReferenceUsed, HolderGone
from app.certificates.models import PLACES, Certificate
from app.certificates.service.common import VaultOf, seal_fields, view_certificate
from app.certificates.service.numbers import make_number
from app.certificates.values import (
    CertificateStatus,
    CertificateType,
    CertificateView,
    Field,
    FieldKind,
    Order,
    status_now,
)
from app.core.clock import city_date, now
from app.core.crypto import new_code
from app.core.errors import IllegalMove, NotFound
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork

_CODE_BYTES = 10
_LONGEST = 500
_REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def issue_certificate(uow: UnitOfWork, vault_of: VaultOf, order: Order) -> CertificateView:
    """Issue a certificate and make it active; the same reference again is the same certificate.

    Of parallel calls with one reference the others wait for the first, and return what it made.
    With `replaces`, that one is replaced in the same transaction. Raise `ValueError` for fields or
    an end that are not of the type, `HolderGone`, `CertificateReferenceUsed`, `NotFound` when there
    is none to be replaced, and `IllegalMove` when it is over.
    """
    _check(order)
    name = f"certificate {order.type.plugin} {order.reference}"
    uow.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    known = uow.scalar(
        select(Certificate).where(
            Certificate.plugin == order.type.plugin, Certificate.reference == order.reference
        )
    )
    if known is not None:
        if (known.type, known.citizen_id) != (order.type.id, order.citizen_id):
            raise CertificateReferenceUsed
        return view_certificate(uow, vault_of, known)
    return view_certificate(uow, vault_of, _write(uow, vault_of, order))


def _write(uow: UnitOfWork, vault_of: VaultOf, order: Order) -> Certificate:
    vault = vault_of(uow, order.citizen_id)
    if vault is None:
        raise HolderGone
    kind = order.type
    before = _replace(uow, order) if order.replaces else None
    place: int = uow.scalars(select(PLACES.next_value())).one()
    serial, edition = (before.serial, before.edition + 1) if before else (place, 1)
    certificate_id = new_id()
    made = Certificate(
        id=certificate_id,
        status=CertificateStatus.ISSUED,
        citizen_id=order.citizen_id,
        plugin=kind.plugin,
        reference=order.reference,
        type=kind.id,
        number=make_number(kind.code, kind.issuer_code, serial, edition),
        code=new_code(_CODE_BYTES),
        serial=serial,
        edition=edition,
        place=place,
        replaces_id=before.id if before else None,
        form=kind.to_json(),
        fields_sealed=seal_fields(vault, certificate_id, order.fields),
        valid_until=order.valid_until,
        issued_at=now(),
    )
    uow.open_record(made, cause="issued")
    uow.flush()  # PostgreSQL is to see each move
    uow.move(made, CertificateStatus.ACTIVE, cause="issued")
    return made


def _replace(uow: UnitOfWork, order: Order) -> Certificate:
    """Lock the certificate that is replaced, and move it; the new one must be of its kind."""
    found = uow.scalar(
        select(Certificate)
        .where(
            Certificate.number == order.replaces,
            Certificate.plugin == order.type.plugin,
            Certificate.type == order.type.id,
            Certificate.citizen_id == order.citizen_id,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    if status_now(found.status, found.valid_until) is CertificateStatus.EXPIRED:
        raise IllegalMove("A certificate that is expired cannot become replaced.", legal=[])
    uow.move(found, CertificateStatus.REPLACED, cause="renewed")
    return found


def _check(order: Order) -> None:
    """Raise `ValueError` for what the plug-in got wrong; the message never holds a value."""
    kind = order.type
    if not _REFERENCE.fullmatch(order.reference):
        raise ValueError("the reference of a certificate is 1 to 64 letters, digits, . _ : -")
    names = {field.id for field in kind.fields}
    if order.fields.keys() != names:
        wrong = ", ".join(sorted(order.fields.keys() ^ names))
        raise ValueError(f"{kind.id} has exactly its fields; missing or unknown: {wrong}")
    for field in kind.fields:
        if not _fits(field, order.fields):
            raise ValueError(f"{field.id} of {kind.id} is no {field.kind} of one line, in NFC")
    _check_end(kind, order.valid_until)


def _check_end(kind: CertificateType, valid_until: date | None) -> None:
    today = date.fromisoformat(city_date())
    if valid_until is None:
        if kind.longest_days is not None:
            raise ValueError(f"{kind.id} lasts {kind.longest_days} days at most: say until when")
        return
    if valid_until < today:
        raise ValueError(f"{kind.id} would be over before it is issued")
    if kind.longest_days is not None and valid_until > today + timedelta(days=kind.longest_days):
        raise ValueError(f"{kind.id} lasts {kind.longest_days} days at most")


def _fits(field: Field, fields: Mapping[str, str]) -> bool:
    value = fields[field.id]
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST:
        return False
    if field.kind is FieldKind.DATE:
        try:
            return date.fromisoformat(value).isoformat() == value
        except ValueError:
            return False
    is_plain = all(unicodedata.category(character)[0] != "C" for character in value)
    return is_plain and unicodedata.is_normalized("NFC", value)
