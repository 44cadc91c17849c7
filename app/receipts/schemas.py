"""The wire format of receipts."""

from marshmallow import validate

from app.http.fields import (
    UUID,
    Amount,
    Boolean,
    Currency,
    Dict,
    Integer,
    List,
    Moment,
    QueryInteger,
    Schema,
    Text,
)


class ReceiptSchema(Schema):
    """A receipt: one section for each item and payee."""

    id = UUID(required=True)
    payment_id = UUID(required=True)
    series = Text(required=True)
    number = Integer(required=True)
    code = Text(required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    sections = List(Dict(), required=True)
    issued_at = Moment(required=True)


class ValidityArgs(Schema):
    """What to check a receipt against."""

    amount = QueryInteger(required=True, validate=validate.Range(min=0))


class ValiditySchema(Schema):
    """Whether a receipt is valid, and nothing else."""

    valid = Boolean(required=True)
