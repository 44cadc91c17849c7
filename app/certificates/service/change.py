"""What becomes of a certificate: suspended, taken up again, revoked, and over when its time is."""

import re
from datetime import date

from sqlalchemy import select

from app.certificates.models import Certificate
from app.certificates.service.common import VaultOf, view_certificate
from app.certificates.values import CertificateStatus, CertificateView, status_now
from app.core.clock import city_date
from app.core.errors import IllegalMove, NotFound
from app.core.unit_of_work import UnitOfWork

CHANGES = frozenset(
    {CertificateStatus.ACTIVE, CertificateStatus.SUSPENDED, CertificateStatus.REVOKED}
)
"""What a plug-in may make of a certificate; the rest is the house's to say."""

_REASON = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_REASON = 64
_AT_ONCE = 500


def change_certificate(
    uow: UnitOfWork, vault_of: VaultOf, plugin: str, number: str, state: str, reason: str
) -> CertificateView:
    """Suspend a plug-in's own certificate, take it up again, or revoke it for good.

    The state that it is in already is no move, so a repeat does nothing. Raise `ValueError` for
    another state or a reason that is not in kebab-case (it stands in the event log, and names
    nobody), `NotFound` for another plug-in's, and `IllegalMove` once it is over.
    """
    if state not in CHANGES:
        raise ValueError(f"a certificate is made {', '.join(sorted(CHANGES))}, not {state!r}")
    if len(reason) > _LONGEST_REASON or not _REASON.fullmatch(reason):
        raise ValueError("the reason is a few words in kebab-case")
    row = uow.scalar(
        select(Certificate)
        .where(Certificate.number == number, Certificate.plugin == plugin)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    to, present = CertificateStatus(state), status_now(row.status, row.valid_until)
    if present is CertificateStatus.EXPIRED:
        raise IllegalMove(f"A certificate that is expired cannot become {to}.", legal=[])
    if present is not to:
        uow.move(row, to, cause=reason)
    return view_certificate(uow, vault_of, row)


def expire_certificates(uow: UnitOfWork) -> None:
    """Close the certificates whose last day is over; they have been worth nothing since.

    Safe in parallel: a row that somebody else holds is left to them.
    """
    due = uow.scalars(
        select(Certificate)
        .where(
            Certificate.status.in_([CertificateStatus.ACTIVE, CertificateStatus.SUSPENDED]),
            Certificate.valid_until < date.fromisoformat(city_date()),
        )
        .order_by(Certificate.valid_until, Certificate.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for row in due.all():
        uow.move(row, CertificateStatus.EXPIRED, cause="expiry")
