"""The wire format of bills."""

from app.sdk import PageArgs, Schema, fields
from plugins.utilities.schemas.common import BILLER, STATUS


class BillArgs(PageArgs):
    """Which bills to list."""

    status = fields.Text(load_default=None, validate=[STATUS])
    biller = fields.Text(load_default=None, validate=[BILLER])


class BillSchema(Schema):
    """A bill; `refreshed_at` tells when its biller was last heard of this account."""

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
