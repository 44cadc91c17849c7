"""Receipts over HTTP: anybody checks one; a citizen's own is read as JSON or PDF."""

from typing import Any

from flask import Response, request
from flask.views import MethodView
from werkzeug.exceptions import NotAcceptable

from app.http.blueprint import Blueprint
from app.http.context import deps, unit
from app.receipts import service
from app.receipts.schemas import ValidityArgs, ValiditySchema
from app.receipts.service import ReceiptsDeps
from app.receipts.values import ReceiptView, Validity

JSON_TYPE = "application/json"
PDF_TYPE = "application/pdf"
PDF = {"type": "string", "format": "binary"}

receipts = Blueprint("receipts", __name__, description="Proof that a receipt is genuine")


@receipts.route("/<slug:code>/validity")
class ReceiptValidity(MethodView):
    """Whether a receipt is genuine."""

    @receipts.public
    @receipts.arguments(ValidityArgs, location="query")
    @receipts.response(200, ValiditySchema)
    def get(self, wanted: dict[str, Any], code: str) -> Validity:
        """Check a receipt."""
        return service.check_validity(unit(), code, wanted["amount"])


def answer_receipt(receipt: ReceiptView) -> Any:  # noqa: ANN401 - JSON or PDF
    """Answer with a receipt in the form that the client asks for; JSON when it does not say."""
    if _wanted_type() == PDF_TYPE:
        page = service.receipt_page(deps(ReceiptsDeps), receipt)
        return Response(service.render_receipt(page), mimetype=PDF_TYPE)
    return receipt


def _wanted_type() -> str:
    if not request.accept_mimetypes:
        return JSON_TYPE
    kind = request.accept_mimetypes.best_match([JSON_TYPE, PDF_TYPE])
    if kind is None:
        raise NotAcceptable
    return kind
