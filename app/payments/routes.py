"""Payments, receipts and payables over HTTP."""

from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView

from app.core.pagination import Page
from app.http.blueprint import KIB, Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs
from app.payments import service
from app.payments.models import Dispute, PaymentItem
from app.payments.schemas import (
    DisputeFilter,
    DisputeSchema,
    ItemConfirmationSchema,
    ItemReviewSchema,
    NewAttemptSchema,
    NewPaymentMethodSchema,
    NewPaymentSchema,
    NewRefundSchema,
    NewStaffRefundSchema,
    PayablesSchema,
    PaymentEventSchema,
    PaymentMethodSchema,
    PaymentSchema,
    RefundCaseSchema,
    RefundDeclineSchema,
    RefundFilter,
    RefundSchema,
)
from app.payments.service import PaymentDeps
from app.payments.values import (
    DeclineReason,
    Order,
    Payables,
    PaymentEventView,
    PaymentView,
    RefundCase,
    RefundView,
    RefundWish,
    SavedMethodView,
)
from app.receipts.routes import PDF, PDF_TYPE, answer_receipt
from app.receipts.schemas import SignedReceiptSchema

payments = Blueprint("payments", __name__, description="One payment platform for every service")
refunds = Blueprint("refunds", __name__, description="Money on its way back, decided by two")
saved = Blueprint("payment-methods", __name__, description="Methods that a citizen keeps")
reviews = Blueprint("item-reviews", __name__, description="Items that a person has to look at")
disputes = Blueprint("disputes", __name__, description="Money that payers' banks have taken back")
payables = Blueprint("payables", __name__, description="What a citizen owes, everywhere")


@payments.route("")
class Payments(MethodView):
    """A citizen's payments."""

    @payments.acting("pay")
    @payments.guest
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
    @payments.guest
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
    @payments.guest
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
    @payments.guest
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


@payments.route("/<uuid:payment_id>/refunds")
class PaymentRefunds(MethodView):
    """What was asked back of a payment."""

    @payments.idempotent
    @payments.rate("10/minute")
    @payments.arguments(NewRefundSchema)
    @payments.response(201, RefundSchema)
    def post(self, wish: RefundWish, payment_id: UUID) -> RefundView:
        """Ask for a refund."""
        return service.ask_refund(unit(), principal(), payment_id, wish)

    @payments.scope("payments.read")
    @payments.arguments(PageArgs, location="query")
    @payments.page(RefundSchema)
    def get(self, wanted: dict[str, Any], payment_id: UUID) -> Page[RefundView]:
        """List the refunds of my payment."""
        return service.list_refunds_of(unit(), principal(), payment_id, wanted["page"])


@payments.route("/<uuid:payment_id>/receipt")
class PaymentReceipt(MethodView):
    """The proof of a payment."""

    @payments.guest
    @payments.scope("receipts.read")
    @payments.problems(406)
    @payments.response(200, SignedReceiptSchema)
    @payments.alt_response(200, schema=PDF, content_type=PDF_TYPE, description="OK", success=True)
    def get(self, payment_id: UUID) -> Any:  # noqa: ANN401 - JSON or PDF
        """Read the receipt of a payment, as JSON or PDF."""
        return answer_receipt(service.read_receipt(unit(), payment_id, principal().id))


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


@payments.route("/webhooks/alipay")
class AlipayWebhooks(MethodView):
    """What Alipay tells us."""

    @payments.public
    @payments.critical
    @payments.unmetered
    @payments.raw_body("application/x-www-form-urlencoded", max_bytes=64 * KIB)
    @payments.response(200, {"type": "string"}, content_type="text/plain")
    def post(self, raw: bytes) -> Response:
        """Receive a notice of Alipay.

        It is sent again until the answer is `success`.
        """
        service.receive_webhook(unit(), deps(PaymentDeps), "alipay", raw, dict(request.headers))
        return Response("success", mimetype="text/plain")


@payments.route("/webhooks/wechat")
class WechatWebhooks(MethodView):
    """What WeChat Pay tells us."""

    @payments.public
    @payments.critical
    @payments.unmetered
    @payments.raw_body("application/json", max_bytes=64 * KIB)
    @payments.response(204)
    def post(self, raw: bytes) -> None:
        """Receive a notice of WeChat Pay."""
        service.receive_webhook(unit(), deps(PaymentDeps), "wechat", raw, dict(request.headers))


@saved.route("")
class SavedMethods(MethodView):
    """My kept methods."""

    @saved.step_up
    @saved.idempotent
    @saved.rate("10/minute")
    @saved.arguments(NewPaymentMethodSchema)
    @saved.response(201, PaymentMethodSchema)
    def post(self, wanted: dict[str, Any]) -> tuple[SavedMethodView, int, dict[str, str]]:
        """Keep a method, to be charged while I am away."""
        made = service.save_method(unit(), deps(PaymentDeps), principal(), wanted["method"])
        return made, 201, {"Location": f"/v1/payment-methods/{made.id}"}

    @saved.arguments(PageArgs, location="query")
    @saved.page(PaymentMethodSchema)
    def get(self, wanted: dict[str, Any]) -> Page[SavedMethodView]:
        """List the methods that I keep."""
        return service.list_saved_methods(unit(), principal().id, wanted["page"])


@saved.route("/<uuid:payment_method_id>")
class OneSavedMethod(MethodView):
    """One kept method."""

    @saved.response(200, PaymentMethodSchema)
    def get(self, payment_method_id: UUID) -> SavedMethodView:
        """Read a kept method, and learn whether it is proven."""
        return service.read_saved_method(unit(), deps(PaymentDeps), principal(), payment_method_id)

    @saved.step_up
    @saved.response(204)
    def delete(self, payment_method_id: UUID) -> None:
        """Let go of a kept method: nothing can be charged to it any more."""
        service.remove_saved_method(unit(), principal(), payment_method_id)


@payables.route("/payables")
class MyPayables(MethodView):
    """What I owe."""

    @payables.acting("view")
    @payables.scope("bills.read")
    @payables.response(200, PayablesSchema)
    def get(self) -> Payables:
        """List what I owe."""
        return service.list_payables(deps(PaymentDeps), principal().id, principal().mandate)


@refunds.route("")
class Refunds(MethodView):
    """What is to go back."""

    @refunds.staff("refunds.request")
    @refunds.idempotent
    @refunds.arguments(NewStaffRefundSchema)
    @refunds.response(201, RefundCaseSchema)
    def post(self, wanted: tuple[UUID, RefundWish]) -> RefundCase:
        """Ask for a refund as staff."""
        payment_id, wish = wanted
        return service.ask_refund_for(unit(), deps(PaymentDeps), principal(), payment_id, wish)

    @refunds.staff("payments.read")
    @refunds.arguments(RefundFilter, location="query")
    @refunds.page(RefundCaseSchema)
    def get(self, wanted: dict[str, Any]) -> Page[RefundCase]:
        """List refunds."""
        return service.list_refunds(unit(), **wanted)


@refunds.route("/<uuid:refund_id>")
class OneRefund(MethodView):
    """One refund."""

    @refunds.staff("payments.read")
    @refunds.response(200, RefundCaseSchema)
    def get(self, refund_id: UUID) -> RefundCase:
        """Read a refund."""
        return service.read_refund(unit(), refund_id)


@refunds.route("/<uuid:refund_id>/approval")
class Approval(MethodView):
    """The second pair of eyes that says yes."""

    @refunds.staff("refunds.approve")
    @refunds.repeatable
    @refunds.response(200, RefundCaseSchema)
    def post(self, refund_id: UUID) -> RefundCase:
        """Approve a refund."""
        return service.approve_request(unit(), principal(), refund_id)


@refunds.route("/<uuid:refund_id>/refusal")
class Refusal(MethodView):
    """The second pair of eyes that says no."""

    @refunds.staff("refunds.approve")
    @refunds.repeatable
    @refunds.arguments(RefundDeclineSchema)
    @refunds.response(200, RefundCaseSchema)
    def post(self, given: dict[str, DeclineReason], refund_id: UUID) -> RefundCase:
        """Decline a refund."""
        return service.decline_request(unit(), principal(), refund_id, given["reason"])


@refunds.route("/<uuid:refund_id>/retry")
class Retry(MethodView):
    """What failed, once more."""

    @refunds.staff("refunds.request")
    @refunds.repeatable
    @refunds.response(200, RefundCaseSchema)
    def post(self, refund_id: UUID) -> RefundCase:
        """Try a failed refund again."""
        return service.retry_refund(unit(), deps(PaymentDeps), principal(), refund_id)


@disputes.route("")
class Disputes(MethodView):
    """What payers' banks dispute."""

    @disputes.staff("payments.read")
    @disputes.arguments(DisputeFilter, location="query")
    @disputes.page(DisputeSchema)
    def get(self, wanted: dict[str, Any]) -> Page[Dispute]:
        """List disputes."""
        return service.list_disputes(unit(), **wanted)


@disputes.route("/<uuid:dispute_id>")
class OneDispute(MethodView):
    """One dispute."""

    @disputes.staff("payments.read")
    @disputes.response(200, DisputeSchema)
    def get(self, dispute_id: UUID) -> Dispute:
        """Read a dispute."""
        return service.read_dispute(unit(), dispute_id)


@reviews.route("")
class Reviews(MethodView):
    """Items of which nobody knows by itself whether their biller has them."""

    @reviews.staff("payments.review")
    @reviews.arguments(PageArgs, location="query")
    @reviews.page(ItemReviewSchema)
    def get(self, wanted: dict[str, Any]) -> Page[PaymentItem]:
        """List the items under review."""
        return service.list_reviews(unit(), wanted["page"])


@reviews.route("/<uuid:item_review_id>/confirmation")
class Confirmation(MethodView):
    """What a person has found out."""

    @reviews.staff("payments.review")
    @reviews.repeatable
    @reviews.arguments(ItemConfirmationSchema)
    @reviews.response(200, ItemReviewSchema)
    def post(self, said: dict[str, Any], item_review_id: UUID) -> PaymentItem:
        """Confirm an item under review."""
        return service.confirm_item(unit(), item_review_id, **said)
