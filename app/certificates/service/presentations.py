"""Showing a certificate: the holder makes a code for minutes, a verifier redeems it once."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app.certificates.errors import PresentationOver
from app.certificates.models import Certificate, Presentation
from app.certificates.service.common import (
    CertificatesDeps,
    check_chosen,
    show_field,
    view_certificate,
)
from app.certificates.service.read import read_certificate
from app.certificates.values import (
    CertificateStatus,
    CertificateView,
    PresentationStatus,
    PresentationView,
    Shown,
)
from app.consent import service as consent
from app.consent.values import Basis, Disclosure, Grant
from app.core.clock import now
from app.core.crypto import digest
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork

AGREEMENT = "certificate-presentation"
ATTRIBUTE = "certificate"
LIFETIME = timedelta(minutes=5)
_TOKEN_BYTES = 32
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Offer:
    """A code that was just made: only its holder ever sees `token`."""

    id: UUID
    token: str
    expires_at: datetime


def offer_presentation(
    uow: UnitOfWork,
    deps: CertificatesDeps,
    certificate_id: UUID,
    citizen_id: UUID,
    attributes: Sequence[str],
    purpose: str,
) -> Offer:
    """Make a code that shows exactly these selective fields of a citizen's own certificate, once.

    It is good for five minutes, and only its digest is kept. Raise `FieldNotSelective`, and
    `CertificateNotInForce` unless the certificate is active.
    """
    view = read_certificate(uow, deps, certificate_id, citizen_id)
    check_chosen(view, attributes)
    token, moment = secrets.token_urlsafe(_TOKEN_BYTES), now()
    made = Presentation(
        status=PresentationStatus.OFFERED,
        certificate_id=view.id,
        citizen_id=citizen_id,
        attributes=sorted(set(attributes)),
        purpose=purpose,
        token_digest=digest(token),
        created_at=moment,
        expires_at=moment + LIFETIME,
    )
    uow.open_record(made, cause="holder")
    return Offer(made.id, token, made.expires_at)


def redeem_presentation(
    uow: UnitOfWork, deps: CertificatesDeps, client_id: UUID, token: str
) -> Shown:
    """Show a verifier what a code is for, and use the code up; of parallel calls one is shown it.

    The holder reads who was shown what. Raise `PresentationOver` for a code that nobody made, that
    was used or is over, and whose certificate is not in force: it does not say which.
    """
    row = uow.scalar(
        select(Presentation)
        .where(Presentation.token_digest == digest(token))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    moment = now()
    if row is None or row.status != PresentationStatus.OFFERED or row.expires_at <= moment:
        raise PresentationOver
    view = view_certificate(uow, deps.vault_of, uow.get_one(Certificate, row.certificate_id))
    if view.status is not CertificateStatus.ACTIVE or view.fields is None:
        raise PresentationOver
    title = deps.verifier_title(uow, client_id)
    row.verifier_id, row.verifier_title, row.redeemed_at = client_id, dict(title), moment
    uow.move(row, PresentationStatus.REDEEMED, cause="verifier")
    _disclose(uow, deps, row, view)
    return Shown(view, _values(view, row.attributes), row.purpose)


def list_presentations(
    uow: UnitOfWork,
    deps: CertificatesDeps,
    certificate_id: UUID,
    citizen_id: UUID,
    page: PageRequest,
) -> Page[PresentationView]:
    """Return when a citizen's own certificate was shown, or was to be, newest first."""
    read_certificate(uow, deps, certificate_id, citizen_id)
    statement = select(Presentation).where(Presentation.certificate_id == certificate_id)
    keys = (Presentation.created_at, Presentation.id)
    found = fetch_page(uow, statement, keys, page, descending=True)
    return Page([_view(row) for row in found.items], found.next_cursor)


def expire_presentations(uow: UnitOfWork) -> None:
    """Close the codes that nobody used in time; they have been worth nothing since."""
    due = uow.scalars(
        select(Presentation)
        .where(Presentation.status == PresentationStatus.OFFERED, Presentation.expires_at <= now())
        .order_by(Presentation.expires_at, Presentation.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for row in due.all():
        uow.move(row, PresentationStatus.EXPIRED, cause="expiry")


def _disclose(
    uow: UnitOfWork, deps: CertificatesDeps, row: Presentation, view: CertificateView
) -> None:
    """Record the holder's yes to this verifier, and what it let them see."""
    consumer, title = f"client:{row.verifier_id}", row.verifier_title or {}
    granted = Grant(
        citizen_id=row.citizen_id,
        consumer=consumer,
        title=title,
        agreement_id=AGREEMENT,
        attributes=frozenset({ATTRIBUTE}),
        expires_at=row.expires_at,
        method="app",
    )
    consent_id = consent.grant_consent(uow, granted)
    shown = [f"{view.type}:{name}" for name in [*_always(view), *row.attributes]]
    disclosure = Disclosure(
        citizen_id=row.citizen_id,
        consumer=consumer,
        title=title,
        attributes=frozenset(shown),
        basis=Basis.CONSENT,
        purpose={"zh": row.purpose, "en": row.purpose},
        consent_id=consent_id,
    )
    consent.record_disclosure(uow, deps.consents, disclosure)


def _always(view: CertificateView) -> Sequence[str]:
    return ["number", *(field["id"] for field in view.form if not field["selective"])]


def _values(view: CertificateView, attributes: Sequence[str]) -> Sequence[Mapping[str, object]]:
    said = view.fields or {}
    shown = {*_always(view), *attributes}
    return [show_field(f, said.get(f["id"])) for f in view.form if f["id"] in shown]


def _view(row: Presentation) -> PresentationView:
    is_over = row.status == PresentationStatus.OFFERED and row.expires_at <= now()
    return PresentationView(
        id=row.id,
        status=PresentationStatus.EXPIRED if is_over else PresentationStatus(row.status),
        attributes=row.attributes,
        purpose=row.purpose,
        verifier_title=row.verifier_title,
        created_at=row.created_at,
        expires_at=row.expires_at,
        redeemed_at=row.redeemed_at,
    )
