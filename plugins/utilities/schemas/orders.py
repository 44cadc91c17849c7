"""The wire format of orders."""

from typing import Any

from marshmallow import post_load

from app.sdk import Schema, fields
from plugins.utilities.values import MAX_AMOUNT, LoadStatus, NewOrder, OrderKind, OrderStatus

MOST_BILLS = 20


class NewOrderSchema(Schema):
    """What to pay of an account: an amount in fen, laid on all open bills or on those named."""

    amount = fields.Integer(required=True, validate=fields.validate.Range(min=1, max=MAX_AMOUNT))
    kind = fields.Text(
        load_default=str(OrderKind.PAYMENT),
        validate=[fields.validate.OneOf([str(kind) for kind in OrderKind])],
    )
    bills = fields.List(
        fields.UUID(),
        load_default=None,
        validate=fields.validate.Length(min=1, max=MOST_BILLS),
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewOrder:
        return NewOrder(data["amount"], OrderKind(data["kind"]), data["bills"])


class OrderPartSchema(Schema):
    """What of an order falls on one line of one bill; a rebate is negative."""

    bill = fields.Text(required=True)
    head = fields.Text(required=True)
    amount = fields.Integer(required=True, metadata={"description": "Minor units (fen)"})


class OrderSchema(Schema):
    """An order; pay it by its `reference` as any payable of its `service`."""

    id = fields.UUID(required=True)
    service = fields.Text(required=True)
    reference = fields.Text(required=True)
    biller = fields.Text(required=True)
    account_number_masked = fields.Text(required=True)
    kind = fields.Text(required=True)
    amount = fields.Amount(required=True)
    currency = fields.Currency(required=True)
    status = fields.Text(
        required=True, validate=[fields.validate.OneOf([str(status) for status in OrderStatus])]
    )
    parts = fields.List(fields.Nested(OrderPartSchema), required=True)
    advance = fields.Amount(required=True)
    made_at = fields.Moment(required=True)
    expires_at = fields.Moment(required=True)
    posting_reference = fields.Text(required=True, allow_none=True)
    refusal = fields.Text(required=True, allow_none=True)
    token = fields.Text(required=True, allow_none=True)
    meter_load = fields.Text(
        required=True,
        allow_none=True,
        validate=[fields.validate.OneOf([str(status) for status in LoadStatus])],
    )
