"""Payments, receipts and payables over HTTP."""

from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView
from werkzeug.exceptions import NotAcceptable

from app.core.pagination import Page
from app.http.blueprint import KIB, Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs
from app.payments import service
from app.payments.schemas import (
    NewAttemptSchema,
    NewPaymentSchema,
    PayablesSchema,
    PaymentEventSchema,
    PaymentSchema,
    ReceiptSchema,
    ValidityArgs,
    ValiditySchema,
)
from app.payments.service import PaymentDeps
from app.payments.service.receipt_pdf import render_receipt
from app.payments.values import Order, Payables, PaymentEventView, PaymentView

JSON_TYPE = "application/json"
PDF_TYPE = "application/pdf"
PDF = {"type": "string", "format": "binary"}

payments = Blueprint("payments", __name__, description="One payment platform for every service")
receipts = Blueprint("receipts", __name__, description="Proof that a receipt is genuine")
payables = Blueprint("payables", __name__, description="What a citizen owes, everywhere")


@payments.route("")
class Payments(MethodView):
    """A citizen's payments."""

    @payments.acting("pay")
    @payments.scope("payments.write")
    @payments.idempotent
    @payments.rate("10/minute")
    @payments.arguments(NewPaymentSchema)
    @payments.response(201, PaymentSchema)
    def post(self, order: Order) -> tuple[PaymentView, int, dict[str, str]]:
        """Start a payment."""
        made = service.start_payment(unit(), deps(PaymentDeps), principal(), order)
        return made, 201, {"Location": f"/v1/payments/{made.id}"}

    @payments.scope("payments.read")
    @payments.arguments(PageArgs, location="query")
    @payments.page(PaymentSchema)
    def get(self, wanted: dict[str, Any]) -> Page[PaymentView]:
        """List my payments."""
        return service.list_payments(unit(), deps(PaymentDeps), principal().id, wanted["page"])


@payments.route("/<uuid:payment_id>")
class OnePayment(MethodView):
    """One payment."""

    @payments.acting("pay")
    @payments.scope("payments.read")
    @payments.critical
    @payments.response(200, PaymentSchema)
    def get(self, payment_id: UUID) -> PaymentView:
        """Read a payment."""
        return service.read_payment(unit(), deps(PaymentDeps), payment_id, principal())


@payments.route("/<uuid:payment_id>/attempts")
class Attempts(MethodView):
    """The ways a payment is tried."""

    @payments.acting("pay")
    @payments.scope("payments.write")
    @payments.repeatable
    @payments.rate("10/minute")
    @payments.arguments(NewAttemptSchema)
    @payments.response(201, PaymentSchema)
    def post(self, wanted: dict[str, Any], payment_id: UUID) -> PaymentView:
        """Try a payment with another method."""
        return service.retry_payment(unit(), deps(PaymentDeps), principal(), payment_id, **wanted)


@payments.route("/<uuid:payment_id>/cancellation")
class Cancellation(MethodView):
    """The end of a pending payment."""

    @payments.acting("pay")
    @payments.scope("payments.write")
    @payments.repeatable
    @payments.response(200, PaymentSchema)
    def post(self, payment_id: UUID) -> PaymentView:
        """Cancel a payment."""
        return service.cancel_payment(unit(), deps(PaymentDeps), principal(), payment_id)


@payments.route("/<uuid:payment_id>/events")
class Timeline(MethodView):
    """How a payment came to be what it is."""

    @payments.scope("payments.read")
    @payments.arguments(PageArgs, location="query")
    @payments.page(PaymentEventSchema)
    def get(self, wanted: dict[str, Any], payment_id: UUID) -> Page[PaymentEventView]:
        """Read the timeline of a payment."""
        return service.list_payment_events(unit(), payment_id, principal().id, wanted["page"])


@payments.route("/<uuid:payment_id>/receipt")
class PaymentReceipt(MethodView):
    """The proof of a payment."""

    @payments.scope("receipts.read")
    @payments.problems(406)
    @payments.response(200, ReceiptSchema)
    @payments.alt_response(200, schema=PDF, content_type=PDF_TYPE, description="OK", success=True)
    def get(self, payment_id: UUID) -> Any:  # noqa: ANN401 - JSON or PDF
        """Read the receipt of a payment, as JSON or PDF."""
        kind = _wanted_type()
        receipt = service.read_receipt(unit(), payment_id, principal().id)
        if kind == PDF_TYPE:
            page = service.receipt_page(deps(PaymentDeps), receipt)
            return Response(render_receipt(page), mimetype=kind)
        return receipt


def _wanted_type() -> str:
    """Return the media type that the client asks for; JSON when it does not say."""
    if not request.accept_mimetypes:
        return JSON_TYPE
    kind = request.accept_mimetypes.best_match([JSON_TYPE, PDF_TYPE])
    if kind is None:
        raise NotAcceptable
    return kind


@payments.route("/webhooks/stripe")
class StripeWebhooks(MethodView):
    """What Stripe tells us."""

    @payments.public
    @payments.critical
    @payments.unmetered
    @payments.raw_body("application/json", max_bytes=512 * KIB)
    @payments.response(204)
    def post(self, raw: bytes) -> None:
        """Receive a Stripe event."""
        service.receive_webhook(unit(), deps(PaymentDeps), "stripe", raw, dict(request.headers))


@receipts.route("/<slug:code>/validity")
class Validity(MethodView):
    """Whether a receipt is genuine."""

    @receipts.public
    @receipts.arguments(ValidityArgs, location="query")
    @receipts.response(200, ValiditySchema)
    def get(self, wanted: dict[str, Any], code: str) -> dict[str, bool]:
        """Check a receipt."""
        return {"valid": service.is_receipt_valid(unit(), code, wanted["amount"])}


@payables.route("/payables")
class MyPayables(MethodView):
    """What I owe."""

    @payables.acting("view")
    @payables.scope("bills.read")
    @payables.response(200, PayablesSchema)
    def get(self) -> Payables:
        """List what I owe."""
        return service.list_payables(deps(PaymentDeps), principal().id, principal().mandate)
