"""The keys that have signed certificates: whoever verifies in ten years asks us for them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.certificates.models import CertificateSeal
from app.certificates.service.common import CertificatesDeps
from app.core.clock import now
from app.core.papers.seal import list_jwks
from app.core.unit_of_work import UnitOfWork


def keep_seal(uow: UnitOfWork, deps: CertificatesDeps) -> None:
    """Keep the certificate of the key that signs now; beside a unit that only reads, at once."""
    chain = deps.seal.chain
    known = uow.scalar(
        select(CertificateSeal.first_used_at).where(
            CertificateSeal.fingerprint == chain.fingerprint
        )
    )
    if known is not None:
        return
    with deps.units.open(actor=uow.actor, request_id=uow.request_id) as other:
        other.execute(
            insert(CertificateSeal)
            .values(fingerprint=chain.fingerprint, chain=chain.pem, first_used_at=now())
            .on_conflict_do_nothing()
        )


def list_seal_keys(uow: UnitOfWork, deps: CertificatesDeps) -> list[Mapping[str, Any]]:
    """Return every key that has signed certificates, and the one that does, as JWKs."""
    kept = uow.scalars(select(CertificateSeal.chain).order_by(CertificateSeal.first_used_at.desc()))
    return list_jwks(deps.seal.chain, kept)
