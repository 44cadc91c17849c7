"""The wire format of standing orders."""

from typing import Any

from marshmallow import post_load, validate

from app.autopay.values import Bounds, NewOrder
from app.core.money import MAX_AMOUNT
from app.http.fields import (
    UUID,
    Amount,
    Currency,
    Date,
    Integer,
    Moment,
    Nested,
    Schema,
    Text,
    Title,
)

SERVICE = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
_DAYS = validate.Range(1, 10)
_FEN = validate.Range(1, MAX_AMOUNT)


class TermsSchema(Schema):
    """What a citizen agrees to with a standing order."""

    version = Integer(required=True)
    title = Nested(Title, required=True)
    text = Nested(Title, required=True)


class NewStandingOrderSchema(Schema):
    """What is to be paid by itself, with which method, within which bounds."""

    service = Text(required=True, max_length=64, pattern=SERVICE)
    payment_method_id = UUID(required=True)
    cap_per_bill = Integer(
        required=True, validate=_FEN, metadata={"description": "Fen; above it a bill waits"}
    )
    cap_per_month = Integer(
        load_default=None,
        allow_none=True,
        validate=_FEN,
        metadata={"description": "Fen in one calendar month of the city"},
    )
    notice_days = Integer(load_default=3, validate=_DAYS)
    expires_on = Date(load_default=None, allow_none=True)
    terms_version = Integer(
        required=True,
        validate=validate.Range(1, 10_000),
        metadata={"description": "As it was read"},
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewOrder:
        bounds = Bounds(
            data.pop("cap_per_bill"), data.pop("cap_per_month"), data.pop("notice_days")
        )
        return NewOrder(bounds=bounds, **data)


class StandingOrderChangeSchema(Schema):
    """What may be changed of a standing order; what is left out stays."""

    payment_method_id = UUID()
    cap_per_bill = Integer(validate=_FEN)
    cap_per_month = Integer(allow_none=True, validate=_FEN)
    notice_days = Integer(validate=_DAYS)
    expires_on = Date(allow_none=True)


class StandingOrderSchema(Schema):
    """One standing order."""

    id = UUID(required=True)
    status = Text(required=True)
    service = Text(required=True)
    service_title = Nested(Title, required=True)
    payment_method_id = UUID(required=True)
    cap_per_bill = Amount(required=True)
    cap_per_month = Amount(required=True, allow_none=True)
    notice_days = Integer(required=True)
    expires_on = Date(required=True, allow_none=True)
    terms_version = Integer(required=True)
    created_at = Moment(required=True)


class CollectionSchema(Schema):
    """The collection of one bill: announced, held, taken or let go."""

    id = UUID(required=True)
    status = Text(required=True)
    reference = Text(required=True)
    title = Nested(Title, required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    due_date = Date(required=True, allow_none=True)
    charge_at = Moment(required=True, metadata={"description": "When its money is taken"})
    reason = Text(required=True, allow_none=True)
    payment_id = UUID(required=True, allow_none=True)
