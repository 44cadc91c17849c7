"""A certificate as a PDF: drawn from its row when it is asked for, sealed at that moment."""

from uuid import UUID

from app.certificates.errors import CertificateNotInForce
from app.certificates.service.common import CertificatesDeps
from app.certificates.service.numbers import identifier_of
from app.certificates.service.read import read_certificate
from app.certificates.service.seals import keep_seal
from app.certificates.service.validity import validity_url
from app.certificates.values import CertificateStatus, CertificateView
from app.core.clock import now
from app.core.unit_of_work import UnitOfWork, forbid_open_transaction

REASON = "签发电子证照 Issued as an electronic certificate of the city"


def sign_document(
    uow: UnitOfWork, deps: CertificatesDeps, certificate_id: UUID, citizen_id: UUID
) -> bytes:
    """Return a citizen's own certificate as a PDF with a PAdES signature of this moment.

    What is drawn is the same bytes for the same row, for ever. Nothing is signed in a transaction.
    Raise `CertificateNotInForce` unless it is active: what was given out before is found out by its
    code.
    """
    with uow.phase():
        view = read_certificate(uow, deps, certificate_id, citizen_id)
    if view.status is not CertificateStatus.ACTIVE:
        raise CertificateNotInForce(certificate_status=view.status)
    forbid_open_transaction("the signature of a certificate")
    drawn = draw_document(deps, view)
    signed = deps.seal.sign_pdf(drawn, now(), reason=REASON)
    keep_seal(uow, deps)
    return signed


def draw_document(deps: CertificatesDeps, view: CertificateView) -> bytes:
    """Return the PDF of a certificate, not signed; the same bytes whenever it is drawn."""
    # Drawing costs a fifth of a second to import; only who prints a certificate pays it.
    from app.certificates.service.certificate_sheet import draw_certificate  # noqa: PLC0415

    return draw_certificate(view, identifier_of(view.number), validity_url(deps, view))
