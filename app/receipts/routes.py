"""Receipts over HTTP: anybody checks one; a citizen's own is read as JSON or PDF."""

from dataclasses import replace
from typing import Any

from flask import Response, request
from flask.views import MethodView
from werkzeug.exceptions import NotAcceptable

from app.http.blueprint import Blueprint
from app.http.context import deps, unit
from app.receipts import service
from app.receipts.schemas import ReceiptKeysSchema, ValidityArgs, ValiditySchema
from app.receipts.service import ReceiptsDeps
from app.receipts.values import Form, ReceiptView, Validity

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


@receipts.route("/keys")
class Keys(MethodView):
    """The public halves of the keys that have signed receipts."""

    @receipts.public
    @receipts.response(200, ReceiptKeysSchema)
    def get(self) -> dict[str, Any]:
        """Read the keys that have signed receipts, as a JWK set."""
        return {"keys": service.list_keys(unit(), deps(ReceiptsDeps))}


def answer_receipt(receipt: ReceiptView) -> Any:  # noqa: ANN401 - JSON or PDF
    """Answer with a receipt in the form that the client asks for; JSON when it does not say."""
    form = Form.PDF if _wanted_type() == PDF_TYPE else Form.JWS
    content = service.sign_receipt(unit(), deps(ReceiptsDeps), receipt, form)
    if form == Form.PDF:
        return Response(content, mimetype=PDF_TYPE)
    return replace(receipt, signature=content.decode())


def _wanted_type() -> str:
    if not request.accept_mimetypes:
        return JSON_TYPE
    kind = request.accept_mimetypes.best_match([JSON_TYPE, PDF_TYPE])
    if kind is None:
        raise NotAcceptable
    return kind
