"""The wire format of the billers' desk."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.sdk import PageArgs, Schema, fields
from plugins.utilities.schemas.common import STATUS
from plugins.utilities.values import (
    BILL_NUMBER,
    MAX_AMOUNT,
    Amendment,
    ChangeReason,
    FileEncoding,
    Follows,
    NewReversal,
    PostingState,
    ReversalReason,
    ReversalStatus,
    Withdrawal,
)

MAX_KEY = 64
_REVERSAL = fields.validate.OneOf([str(reason) for reason in ReversalReason])
_FOLLOWS = fields.validate.OneOf([str(rule) for rule in Follows])
_REVERSAL_STATUS = fields.validate.OneOf([str(status) for status in ReversalStatus])
_REASON = fields.validate.OneOf([str(reason) for reason in ChangeReason])


class UploadedBillFileSchema(Schema):
    """What became of an uploaded bill file."""

    id = fields.UUID(required=True)
    biller = fields.Text(required=True)
    number = fields.Text(required=True)
    day = fields.Date(required=True)
    lines = fields.Integer(required=True)
    total = fields.Integer(required=True, metadata={"description": "Minor units (fen)"})
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    taken_at = fields.Moment(required=True)


class BillAmendmentSchema(Schema):
    """What a bill shall be from now on, and why: a new amount, a new last day, or both."""

    bill_number = fields.Text(required=True, max_length=51, pattern=BILL_NUMBER)
    reason = fields.Text(required=True, validate=[_REASON])
    amount = fields.Integer(validate=fields.validate.Range(min=0, max=MAX_AMOUNT))
    due_date = fields.Date()

    @validates_schema
    def _changes(self, data: dict[str, Any], **_: object) -> None:
        if not data.keys() & {"amount", "due_date"}:
            raise ValidationError("Neither amount nor due_date.")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Amendment:
        return Amendment(**{**data, "reason": ChangeReason(data["reason"])})


class BillWithdrawalSchema(Schema):
    """A bill that shall not be paid any more, and why."""

    bill_number = fields.Text(required=True, max_length=51, pattern=BILL_NUMBER)
    reason = fields.Text(required=True, validate=[_REASON])

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Withdrawal:
        return Withdrawal(data["bill_number"], ChangeReason(data["reason"]))


class BillChangeSchema(Schema):
    """What was done to a bill, and how it stands since."""

    id = fields.UUID(required=True)
    bill_number = fields.Text(required=True)
    kind = fields.Text(required=True)
    reason = fields.Text(required=True)
    amount_before = fields.Amount(required=True)
    amount = fields.Amount(required=True)
    due_date_before = fields.Date(required=True)
    due_date = fields.Date(required=True)
    status = fields.Text(required=True, validate=[STATUS])
    changed_at = fields.Moment(required=True)


class NewPostingReversalSchema(Schema):
    """A posting that is taken back: our key of it, and why."""

    key = fields.Text(required=True, max_length=MAX_KEY)
    reason = fields.Text(required=True, validate=[_REVERSAL])

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewReversal:
        return NewReversal(data["key"], ReversalReason(data["reason"]))


class PostingReversalSchema(Schema):
    """What became of a reversal: the bill is owed again, or the money goes back."""

    id = fields.UUID(required=True)
    key = fields.Text(required=True)
    bill_number = fields.Text(required=True)
    amount = fields.Amount(required=True)
    reason = fields.Text(required=True, validate=[_REVERSAL])
    follows = fields.Text(required=True, validate=[_FOLLOWS])
    status = fields.Text(required=True, validate=[_REVERSAL_STATUS])
    reversed_at = fields.Moment(required=True)


class TakenReversalsSchema(Schema):
    """What became of a file of reversals; `total` in minor units (fen)."""

    lines = fields.Integer(required=True)
    total = fields.Integer(required=True)
    reversed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)


class DeskPostingArgs(PageArgs):
    """Which postings to list."""

    day = fields.Date(load_default=None)
    state = fields.Text(
        load_default=None, validate=[fields.validate.OneOf([str(s) for s in PostingState])]
    )


class DeskPostingSchema(Schema):
    """What a biller was told of one payment, and what it answered."""

    key = fields.Text(required=True)
    bill_number = fields.Text(required=True, attribute="biller_reference")
    amount = fields.Amount(required=True)
    currency = fields.Currency(required=True)
    state = fields.Text(required=True)
    sent_at = fields.Moment(required=True)
    posting_reference = fields.Text(required=True, allow_none=True, attribute="answer_reference")
    booked_at = fields.Moment(required=True, allow_none=True, attribute="answered_at")
    refusal = fields.Text(required=True, allow_none=True)


class DayArgs(Schema):
    """Which of the city's days."""

    day = fields.Date(required=True)


class PostingFileArgs(DayArgs):
    """Which day, and how the file is written."""

    encoding = fields.Text(
        load_default=str(FileEncoding.UTF_8_BOM),
        validate=[fields.validate.OneOf([str(encoding) for encoding in FileEncoding])],
    )


class DayFigureSchema(Schema):
    """How many, and their sum in minor units (fen)."""

    count = fields.Integer(required=True)
    total = fields.Integer(required=True)


class DayDifferenceSchema(Schema):
    """One thing in which two books differ; `line` is the one of the uploaded file."""

    kind = fields.Text(required=True)
    key = fields.Text(required=True, allow_none=True)
    bill_number = fields.Text(required=True, allow_none=True)
    our_amount = fields.Integer(required=True, allow_none=True)
    their_amount = fields.Integer(required=True, allow_none=True)
    line = fields.Integer(required=True, allow_none=True)


class BillerDaySchema(Schema):
    """A biller's day as our books have it."""

    biller = fields.Text(required=True)
    day = fields.Date(required=True)
    files = fields.Integer(required=True)
    uploaded = fields.Nested(DayFigureSchema, required=True)
    amended = fields.Integer(required=True)
    withdrawn = fields.Integer(required=True)
    booked = fields.Nested(DayFigureSchema, required=True)
    unclear = fields.Nested(DayFigureSchema, required=True)
    refused = fields.Nested(DayFigureSchema, required=True)
    reversed = fields.Nested(DayFigureSchema, required=True)
    differences = fields.List(fields.Nested(DayDifferenceSchema), required=True)


class DayComparisonSchema(Schema):
    """A biller's file of a day held against our postings."""

    biller = fields.Text(required=True)
    day = fields.Date(required=True)
    ours = fields.Nested(DayFigureSchema, required=True)
    theirs = fields.Nested(DayFigureSchema, required=True)
    matched = fields.Integer(required=True)
    differences = fields.List(fields.Nested(DayDifferenceSchema), required=True)
