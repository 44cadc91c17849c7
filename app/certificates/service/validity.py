"""Whether a certificate is genuine and in force: anybody may ask, and learns little else."""

import hmac

from sqlalchemy import select

from app.certificates.models import Certificate
from app.certificates.service.common import CertificatesDeps, view_certificate
from app.certificates.service.numbers import is_number
from app.certificates.values import CertificateStatus, CertificateView, Validity
from app.core.crypto import mask_name
from app.core.unit_of_work import UnitOfWork


def validity_url(deps: CertificatesDeps, view: CertificateView) -> str:
    """Return the address at which anybody checks a certificate: what its QR code holds."""
    return f"{deps.public_url}/v1/certificates/{view.number}/validity?code={view.code}"


def check_validity(uow: UnitOfWork, deps: CertificatesDeps, number: str, code: str) -> Validity:
    """Say how a certificate stands, to whoever has its number and the check code beside it.

    A number that nobody has and a code that is wrong are answered the same. The holder's name is
    masked, and not known any more once their account is closed.
    """
    row = None
    if is_number(number):
        row = uow.scalar(select(Certificate).where(Certificate.number == number))
    known = row.code if row else "-"
    if not hmac.compare_digest(known, code) or row is None:
        return Validity()
    view = view_certificate(uow, deps.vault_of, row)
    holder = mask_name(view.fields[view.holder]) if view.fields is not None else None
    return Validity(
        valid=view.status is CertificateStatus.ACTIVE,
        status=view.status,
        title=view.title,
        issuer_title=view.issuer_title,
        holder=holder,
        issued_at=view.issued_at,
        valid_until=view.valid_until,
    )
