"""The wire format of payments."""

from typing import Any

from marshmallow import post_load, validate

from app.core.money import MAX_AMOUNT
from app.http.fields import (
    UUID,
    Amount,
    Boolean,
    Currency,
    Date,
    Enum,
    Integer,
    List,
    Moment,
    Nested,
    Schema,
    Text,
    Title,
)
from app.http.pagination import PageArgs
from app.payments.models import MAX_ITEMS
from app.payments.values import (
    DeclineReason,
    DisputeStatus,
    Method,
    Order,
    OrderLine,
    RefundReason,
    RefundStatus,
    RefundWish,
)
from app.sdk.provider import REFERENCE

ACTIONS = ("stripe", "stripe_setup", "redirect", "qr_code")
SERVICE = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
URL = r"(?:https?|wudang)://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~%/?=&+-]{0,400})?"


class OrderLineSchema(Schema):
    """One bill to pay."""

    service = Text(required=True, max_length=64, pattern=SERVICE)
    reference = Text(required=True, max_length=64, pattern=REFERENCE)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> OrderLine:
        return OrderLine(**data)


class NewPaymentSchema(Schema):
    """What to pay, and how."""

    items = List(
        Nested(OrderLineSchema), required=True, validate=validate.Length(min=1, max=MAX_ITEMS)
    )
    # Generators name a list of values by its place: without a title, as they name NewPaymentMethod.
    method = Enum(Method, by_value=True, required=True, metadata={"title": "Way to pay"})
    return_url = Text(
        load_default=None,
        max_length=700,
        pattern=URL,
        metadata={"description": "Where a wallet returns to; needed for alipay and wechat_pay"},
    )

    expected_amount = Amount(
        load_default=None,
        metadata={"description": "What the payer has seen; refused when another amount is owed"},
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Order:
        return Order(**data)


class NewAttemptSchema(Schema):
    """Another way to pay the same payment."""

    method = Enum(Method, by_value=True, required=True)
    return_url = Text(load_default=None, max_length=700, pattern=URL)


class NextActionSchema(Schema):
    """What the client does now, to pay or to prove a method; one intent is behind each."""

    type = Text(required=True, validate=[validate.OneOf(ACTIONS)])
    intent = Text(required=True)
    client_secret = Text()
    publishable_key = Text()
    api_base = Text()
    url = Text(allow_none=True, max_length=2000)
    data = Text(allow_none=True, max_length=2000)
    image_url = Text(allow_none=True, max_length=2000)


class PaymentItemSchema(Schema):
    """One bill of a payment, and where it is."""

    id = UUID(required=True)
    service = Text(required=True)
    reference = Text(required=True)
    title = Nested(Title, required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    refunded_amount = Amount(required=True)
    status = Text(required=True)
    biller_reference = Text(required=True, allow_none=True)
    fulfilled_at = Moment(required=True, allow_none=True)


class PaymentSchema(Schema):
    """One payment."""

    id = UUID(required=True)
    status = Text(required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    refunded_amount = Amount(required=True)
    method = Text(required=True)
    items = List(Nested(PaymentItemSchema), required=True)
    next_action = Nested(NextActionSchema, required=True, allow_none=True)
    receipt_code = Text(required=True, allow_none=True)
    created_at = Moment(required=True)
    expires_at = Moment(required=True)


class NewRefundSchema(Schema):
    """What to return of one item: a part of it or (without an amount) all that is left."""

    item_id = UUID(required=True)
    amount = Integer(load_default=None, validate=validate.Range(min=1, max=MAX_AMOUNT))
    reason = Enum(RefundReason, by_value=True, required=True)
    client_reference = Text(
        required=True,
        max_length=64,
        pattern=REFERENCE,
        metadata={"description": "Yours: the same one again is the same request"},
    )
    expected_available = Amount(
        load_default=None,
        metadata={"description": "What you believe can be returned; refused when it is not so"},
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> RefundWish:
        return RefundWish(**data)


class NewStaffRefundSchema(NewRefundSchema):
    """What to return of whose payment."""

    payment_id = UUID(required=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Any:  # noqa: ANN401 - a wish with its payment
        return data.pop("payment_id"), RefundWish(**data)


class RefundSchema(Schema):
    """One refund: requested, declined, processing, succeeded or under_review."""

    id = UUID(required=True)
    payment_id = UUID(required=True)
    item_id = UUID(required=True, allow_none=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    status = Text(required=True)
    reason = Text(required=True)
    declined_because = Text(required=True, allow_none=True)
    created_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)


class RefundCaseSchema(RefundSchema):
    """One refund as the desk sees it, in its true state."""

    service = Text(required=True, allow_none=True)
    client_reference = Text(required=True)
    requested_by = Text(required=True)
    decided_by = Text(required=True, allow_none=True)


class RefundFilter(PageArgs):
    """Which refunds to list."""

    status = Enum(RefundStatus, by_value=True, load_default=None)
    payment_id = UUID(load_default=None)


class RefundDeclineSchema(Schema):
    """Why a request is declined."""

    reason = Enum(DeclineReason, by_value=True, required=True)


class ItemReviewSchema(PaymentItemSchema):
    """One item that a person has to look at; one that is not live is owed to its payer."""

    payment_id = UUID(required=True)
    plugin = Text(required=True)
    payee = Text(required=True)
    is_live = Boolean(required=True)


class ItemConfirmationSchema(Schema):
    """What the biller says of an item, as a person has found out."""

    biller_reference = Text(required=True, max_length=100)
    fulfilled_at = Moment(required=True)


class DisputeSchema(Schema):
    """One dispute of a payer's bank: what it holds, and until when evidence is taken."""

    id = UUID(required=True)
    payment_id = UUID(required=True)
    gateway = Text(required=True)
    gateway_dispute_id = Text(required=True)
    amount = Amount(required=True)
    held_amount = Amount(required=True)
    currency = Currency(required=True)
    status = Text(required=True)
    reason = Text(required=True)
    evidence_due_at = Moment(required=True, allow_none=True)
    opened_at = Moment(required=True)
    closed_at = Moment(required=True, allow_none=True)


class DisputeFilter(PageArgs):
    """Which disputes to list."""

    status = Enum(DisputeStatus, by_value=True, load_default=None)


class PaymentEventSchema(Schema):
    """One change on a payment's timeline."""

    id = UUID(required=True)
    entity = Text(required=True)
    entity_id = UUID(required=True)
    sequence = Integer(required=True)
    from_state = Text(required=True, allow_none=True)
    to_state = Text(required=True)
    event = Text(required=True, allow_none=True)
    cause = Text(required=True)
    actor = Text(required=True)
    at = Moment(required=True)


class PayableSchema(Schema):
    """Something the citizen owes."""

    service = Text(required=True)
    service_title = Nested(Title, required=True)
    reference = Text(required=True)
    title = Nested(Title, required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    due_date = Date(required=True, allow_none=True)
    payee = Text(required=True)
    version = Text(required=True)
    as_of = Moment(
        required=True,
        allow_none=True,
        metadata={
            "description": "Null: owed right now. A moment: the provider does not answer, and this "
            "is what it said then; what is owed now is asked again before anything is paid."
        },
    )


class UnansweredSchema(Schema):
    """A provider that did not answer in time, and the services it stands for."""

    plugin = Text(required=True)
    services = List(Text(), required=True)
    as_of = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "The moment of its items that are shown; null: none are."},
    )


class PayablesSchema(Schema):
    """What the citizen owes, nearest due date first; up to date unless somebody is unanswered."""

    items = List(Nested(PayableSchema), required=True)
    unanswered = List(Nested(UnansweredSchema), required=True)
    next_cursor = Text(required=True, allow_none=True)


class NewPaymentMethodSchema(Schema):
    """Which kind of method to keep."""

    method = Enum(Method, by_value=True, required=True)


class PaymentMethodSchema(Schema):
    """A method that is kept to be charged while its citizen is away."""

    id = UUID(required=True)
    status = Text(required=True)
    method = Text(required=True)
    label = Text(
        required=True,
        allow_none=True,
        metadata={"description": "Brand and last digits, once it is proven"},
    )
    next_action = Nested(NextActionSchema, required=True, allow_none=True)
    created_at = Moment(required=True)
