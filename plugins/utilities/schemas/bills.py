"""The wire format of bills."""

from app.sdk import PageArgs, Schema, fields
from plugins.utilities.schemas.common import BILLER, STATUS
from plugins.utilities.values import Standing


class BillArgs(PageArgs):
    """Which bills to list."""

    status = fields.Text(load_default=None, validate=[STATUS])
    biller = fields.Text(load_default=None, validate=[BILLER])


class BillLineSchema(Schema):
    """A line of a bill; a rebate is negative."""

    head = fields.Text(required=True)
    kind = fields.Text(required=True)
    order = fields.Integer(required=True)
    amount = fields.Integer(required=True, metadata={"description": "Minor units (fen)"})


class ReadingSchema(Schema):
    """What a meter showed before and after, as exact decimal numbers."""

    previous = fields.Text(required=True)
    current = fields.Text(required=True)
    unit = fields.Text(required=True)
    status = fields.Text(required=True)
    digits = fields.Integer(required=True, allow_none=True)


class BilledStepSchema(Schema):
    """A step of the price as the biller reckoned it; the price is in fen."""

    beyond = fields.Text(required=True)
    to = fields.Text(required=True, allow_none=True)
    price = fields.Text(required=True)
    quantity = fields.Text(required=True)
    amount = fields.Amount(required=True)


class BillSchema(Schema):
    """A bill; `refreshed_at` tells when its biller was last heard of this account.

    `owed` is what is to be paid today: `amount` and `late_fee` without `paid_amount`.
    """

    id = fields.UUID(required=True)
    service = fields.Text(required=True)
    reference = fields.Text(required=True)
    biller = fields.Text(required=True)
    account_number_masked = fields.Text(required=True)
    amount = fields.Amount(required=True)
    currency = fields.Currency(required=True)
    period_from = fields.Date(required=True)
    period_to = fields.Date(required=True)
    due_date = fields.Date(required=True)
    status = fields.Text(required=True, validate=[STATUS])
    paid_at = fields.Moment(required=True, allow_none=True)
    biller_reference = fields.Text(required=True)
    posting_reference = fields.Text(required=True, allow_none=True)
    refreshed_at = fields.Moment(required=True, allow_none=True)
    standing = fields.Text(
        required=True, validate=[fields.validate.OneOf([str(standing) for standing in Standing])]
    )
    paid_amount = fields.Amount(required=True)
    late_fee = fields.Amount(required=True)
    owed = fields.Amount(required=True)
    expires_on = fields.Date(required=True, allow_none=True)
    edition = fields.Integer(required=True)
    amended_for = fields.Text(required=True, allow_none=True)
    reversed_at = fields.Moment(required=True, allow_none=True)
    lines = fields.List(fields.Nested(BillLineSchema), required=True)
    reading = fields.Nested(ReadingSchema, required=True, allow_none=True)
    steps = fields.List(fields.Nested(BilledStepSchema), required=True)


class BillCostSchema(Schema):
    """What is to be paid on a day, and what of it for being late so many days."""

    on = fields.Date(required=True)
    owed = fields.Amount(required=True)
    late_fee = fields.Amount(required=True)
    days = fields.Integer(required=True)
    days_later = fields.Integer(required=True)
    is_capped = fields.Flag(required=True)
    can_be_paid = fields.Flag(required=True)


class BillPreviewSchema(Schema):
    """What waiting costs; a `due_date` on which the counters are closed is moved."""

    bill_id = fields.UUID(required=True)
    currency = fields.Currency(required=True)
    due_date = fields.Date(required=True)
    source = fields.Text(required=True, allow_none=True)
    days = fields.List(fields.Nested(BillCostSchema), required=True)


class EditionSchema(Schema):
    """A bill as it was once told; `reason` is why it replaced the edition before."""

    edition = fields.Integer(required=True)
    amount = fields.Amount(required=True)
    due_date = fields.Date(required=True)
    reason = fields.Text(required=True, allow_none=True)
    told_at = fields.Moment(required=True)
