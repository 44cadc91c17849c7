"""The wire format of receipts."""

from marshmallow import validate

from app.http.fields import (
    UUID,
    Amount,
    Boolean,
    Currency,
    Dict,
    Enum,
    Integer,
    List,
    Moment,
    Nested,
    QueryInteger,
    Schema,
    Text,
    Title,
)
from app.http.pagination import PageArgs
from app.receipts.values import ReceiptStatus

BELOW_ZERO = "Minor units (fen); below zero in a red letter"


class ReversalSchema(Schema):
    """A red letter that takes back a part of a receipt, or all of it."""

    id = UUID(required=True)
    series = Text(required=True)
    number = Integer(required=True)
    code = Text(required=True)
    amount = Integer(required=True, metadata={"description": BELOW_ZERO})
    issued_at = Moment(required=True)


class ReceiptSchema(Schema):
    """A receipt or red letter: one section for each item and payee, and what is left of it."""

    id = UUID(required=True)
    payment_id = UUID(required=True)
    original_id = UUID(
        required=True,
        allow_none=True,
        metadata={"description": "The receipt that this red letter takes back"},
    )
    original_number = Text(required=True, allow_none=True)
    status = Enum(ReceiptStatus, by_value=True, required=True)
    series = Text(required=True)
    number = Integer(required=True)
    code = Text(required=True)
    amount = Integer(required=True, metadata={"description": BELOW_ZERO})
    standing_amount = Amount(required=True)
    currency = Currency(required=True)
    sections = List(Dict(), required=True)
    reversals = List(Nested(ReversalSchema), required=True)
    issued_at = Moment(required=True)


class SignedReceiptSchema(ReceiptSchema):
    """A receipt with its signature, which a machine verifies without asking us."""

    signature = Text(
        required=True,
        max_length=65_536,
        metadata={
            "description": "The receipt as a compact JWS (RFC 7515), for `/v1/receipts/keys`"
        },
    )


class ReceiptArgs(PageArgs):
    """Which receipts to list."""

    year = QueryInteger(
        load_default=None,
        validate=validate.Range(min=1970, max=9999),
        metadata={"description": "Of one year of the city's calendar"},
    )


class YearTotalSchema(Schema):
    """What some of a year's receipts come to."""

    id = Text(required=True, allow_none=True)
    title = Nested(Title, required=True, allow_none=True)
    receipts = Integer(required=True)
    red_letters = Integer(required=True)
    issued_amount = Integer(required=True)
    reversed_amount = Integer(required=True, metadata={"description": "Zero or below"})
    amount = Integer(required=True, metadata={"description": "What is left of them"})


class YearSummarySchema(Schema):
    """A year's receipts less its red letters; each grouping shows every amount once."""

    year = Integer(required=True)
    currency = Currency(required=True)
    as_of = Moment(required=True)
    total = Nested(YearTotalSchema, required=True)
    by_category = List(Nested(YearTotalSchema), required=True)
    by_service = List(Nested(YearTotalSchema), required=True)
    by_payee = List(Nested(YearTotalSchema), required=True)


class ReceiptKeysSchema(Schema):
    """A JWK set (RFC 7517): each key with its certificates (`x5c`), the newest first."""

    keys = List(Dict(), required=True)


class ValidityArgs(Schema):
    """What to check a receipt against; of a red letter, the amount without its sign."""

    amount = QueryInteger(required=True, validate=validate.Range(min=0))


class ValiditySchema(Schema):
    """Whether a receipt is genuine and how much of it stands, and nothing else.

    `valid` is true while anything of a genuine receipt stands. Nothing is said of a code that
    nobody has, nor of one with another amount.
    """

    valid = Boolean(required=True)
    status = Enum(ReceiptStatus, by_value=True, required=True, allow_none=True)
    standing_amount = Amount(required=True, allow_none=True)
