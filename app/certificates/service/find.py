"""What a citizen holds, for a plug-in that would otherwise ask them for a paper."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.certificates.models import Certificate
from app.certificates.service.common import VaultOf, view_certificate
from app.certificates.values import CertificateStatus, CertificateView
from app.core.unit_of_work import UnitOfWork


def find_certificates(
    uow: UnitOfWork, vault_of: VaultOf, citizen_id: UUID, type_id: str
) -> Sequence[CertificateView]:
    """Return the certificates of a type that a citizen holds and that hold now, newest first."""
    rows = uow.scalars(
        select(Certificate)
        .where(
            Certificate.citizen_id == citizen_id,
            Certificate.type == type_id,
            Certificate.status == CertificateStatus.ACTIVE,
        )
        .order_by(Certificate.issued_at.desc(), Certificate.id.desc())
    )
    views = [view_certificate(uow, vault_of, row) for row in rows]
    return [view for view in views if view.status is CertificateStatus.ACTIVE]
