"""Receipts over HTTP: anybody checks one; a citizen's own is read as JSON or PDF."""

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView
from werkzeug.exceptions import NotAcceptable

from app.core.errors import NotFound
from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.receipts import service
from app.receipts.schemas import (
    ReceiptArgs,
    ReceiptKeysSchema,
    ReceiptSchema,
    SignedReceiptSchema,
    ValidityArgs,
    ValiditySchema,
    YearSummarySchema,
)
from app.receipts.service import ReceiptsDeps
from app.receipts.values import Form, ReceiptView, Validity

JSON_TYPE = "application/json"
PDF_TYPE = "application/pdf"
PDF = {"type": "string", "format": "binary"}

YEAR = re.compile(r"[12][0-9]{3}")

mine = Blueprint("my-receipts", __name__, description="My receipts, and what a year comes to")
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


@mine.route("")
class MyReceipts(MethodView):
    """A citizen's receipts."""

    @mine.scope("receipts.read")
    @mine.arguments(ReceiptArgs, location="query")
    @mine.page(ReceiptSchema)
    def get(self, wanted: dict[str, Any]) -> Page[ReceiptView]:
        """List my receipts."""
        return service.list_receipts(unit(), principal().id, wanted["year"], wanted["page"])


@mine.route("/<uuid:receipt_id>")
class OneReceipt(MethodView):
    """One receipt or red letter."""

    @mine.scope("receipts.read")
    @mine.problems(406)
    @mine.response(200, SignedReceiptSchema)
    @mine.alt_response(200, schema=PDF, content_type=PDF_TYPE, description="OK", success=True)
    def get(self, receipt_id: UUID) -> Any:  # noqa: ANN401 - JSON or PDF
        """Read my receipt or red letter, as JSON or PDF."""
        return answer_receipt(service.read_own_receipt(unit(), receipt_id, principal().id))


@mine.route("/summaries/<slug:year>")
class YearOfReceipts(MethodView):
    """What a year's receipts come to."""

    @mine.scope("receipts.read")
    @mine.rate("30/minute")
    @mine.problems(404, 406)
    @mine.response(200, YearSummarySchema)
    @mine.alt_response(200, schema=PDF, content_type=PDF_TYPE, description="OK", success=True)
    def get(self, year: str) -> Any:  # noqa: ANN401 - JSON or PDF
        """Sum up my receipts of a year, as JSON or PDF."""
        if not YEAR.fullmatch(year):
            raise NotFound
        who, collaborators = principal().id, deps(ReceiptsDeps)
        if _wanted_type() == PDF_TYPE:
            content = service.sign_summary(unit(), collaborators, who, int(year))
            return Response(content, mimetype=PDF_TYPE)
        return service.summarise_year(unit(), collaborators, who, int(year))


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
