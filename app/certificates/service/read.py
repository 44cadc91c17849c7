"""A citizen's own certificates: the list, and one with what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.certificates.models import Certificate
from app.certificates.service.common import CertificatesDeps, show_field, view_certificate
from app.certificates.service.numbers import identifier_of
from app.certificates.service.validity import validity_url
from app.certificates.values import CertificateStatus, CertificateView, Step
from app.core.db import owned
from app.core.events import EventLog
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork

_SHOWN = (
    *("id", "number", "code", "type", "title", "status", "issuer_title", "issued_at"),
    *("valid_until", "history"),
)


def list_certificates(
    uow: UnitOfWork, deps: CertificatesDeps, citizen_id: UUID, page: PageRequest
) -> Page[CertificateView]:
    """Return what a citizen holds and has held, newest first."""
    statement = select(Certificate).where(Certificate.citizen_id == citizen_id)
    keys = (Certificate.issued_at, Certificate.id)
    found = fetch_page(uow, statement, keys, page, descending=True)
    views = [view_certificate(uow, deps.vault_of, row) for row in found.items]
    return Page(views, found.next_cursor)


def read_certificate(
    uow: UnitOfWork, deps: CertificatesDeps, certificate_id: UUID, citizen_id: UUID
) -> CertificateView:
    """Return a citizen's own certificate with its history, or raise `NotFound`."""
    row = owned(uow, Certificate, certificate_id, citizen_id)
    return replace(view_certificate(uow, deps.vault_of, row), history=_history(uow, row.id))


def describe_certificate(deps: CertificatesDeps, view: CertificateView) -> Mapping[str, Any]:
    """Return a certificate as its holder reads it: each field with its title and its value."""
    said = view.fields or {}
    return {
        **{name: getattr(view, name) for name in _SHOWN},
        "identifier": identifier_of(view.number),
        "validity_url": validity_url(deps, view),
        "fields": [show_field(field, said.get(field["id"])) for field in view.form],
    }


def _history(uow: UnitOfWork, certificate_id: UUID) -> Sequence[Step]:
    rows = uow.scalars(
        select(EventLog)
        .where(EventLog.subject_id == certificate_id, EventLog.entity == Certificate.ENTITY)
        .order_by(EventLog.sequence)
    )
    return [Step(CertificateStatus(row.to_state), row.cause, row.at) for row in rows]
