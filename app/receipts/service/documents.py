"""The signed forms of a receipt: made once, kept for ever, so that a new key changes nothing."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now, wire_time
from app.core.papers.seal import list_jwks
from app.core.unit_of_work import UnitOfWork, forbid_open_transaction
from app.receipts.models import ReceiptCertificate, ReceiptDocument
from app.receipts.service.common import ReceiptsDeps
from app.receipts.service.receipt_pdf import render_receipt
from app.receipts.service.validity import receipt_page
from app.receipts.values import Form, ReceiptView, receipt_number

REASON = "开具电子凭证 Issued by the city's payment platform"
_TYPE = "receipt+jws"


def sign_receipt(uow: UnitOfWork, deps: ReceiptsDeps, receipt: ReceiptView, form: Form) -> bytes:
    """Return a receipt in a signed form: the same bytes whenever and however often it is asked for.

    It is signed outside any transaction, at the first call; of two calls at once one is kept, and
    both return it. Raise `SealUnusable` when it has not been signed yet and nobody can.
    """
    with uow.phase():
        found = _find(uow, receipt.id, form)
    if found is not None:
        return found
    forbid_open_transaction("the signature of a receipt")
    moment = now()
    if form == Form.PDF:
        drawn = render_receipt(receipt_page(deps, receipt))
        content = deps.seal.sign_pdf(drawn, moment, reason=REASON)
    else:
        content = deps.seal.sign_json(_claims(deps, receipt), moment, typ=_TYPE).encode()
    with deps.units.open(actor=uow.actor, request_id=uow.request_id) as other:
        keep_certificate(other, deps)
        other.execute(
            insert(ReceiptDocument)
            .values(
                receipt_id=receipt.id,
                form=form,
                content=content,
                certificate=deps.seal.chain.fingerprint,
                signed_at=moment,
            )
            .on_conflict_do_nothing()
        )
        return _find(other, receipt.id, form) or content


def keep_certificate(uow: UnitOfWork, deps: ReceiptsDeps) -> None:
    """Keep the certificate that signs now: whoever verifies in ten years asks us for it."""
    chain = deps.seal.chain
    uow.execute(
        insert(ReceiptCertificate)
        .values(fingerprint=chain.fingerprint, chain=chain.pem, first_used_at=now())
        .on_conflict_do_nothing()
    )


def list_keys(uow: UnitOfWork, deps: ReceiptsDeps) -> list[Mapping[str, Any]]:
    """Return every key that has signed receipts, and the one that does, as JWKs; newest first."""
    kept = uow.scalars(
        select(ReceiptCertificate.chain).order_by(ReceiptCertificate.first_used_at.desc())
    )
    return list_jwks(deps.seal.chain, kept)


def _find(uow: UnitOfWork, receipt_id: UUID, form: Form) -> bytes | None:
    return uow.scalar(
        select(ReceiptDocument.content).where(
            ReceiptDocument.receipt_id == receipt_id, ReceiptDocument.form == form
        )
    )


def _claims(deps: ReceiptsDeps, receipt: ReceiptView) -> Mapping[str, Any]:
    return {
        "iss": deps.public_url,
        "code": receipt.code,
        "receipt_number": receipt_number(receipt.series, receipt.number),
        "original_number": receipt.original_number,
        "amount": receipt.amount,
        "currency": receipt.currency,
        "sections": list(receipt.sections),
        "issued_at": wire_time(receipt.issued_at, "seconds"),
    }
