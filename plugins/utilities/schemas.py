"""The wire format of accounts, bills, billers and bill files."""

from typing import Any

from marshmallow import post_load

from app.sdk import PageArgs, Schema, fields
from plugins.utilities.values import (
    ACCOUNT_NUMBER,
    BILLERS,
    MAX_HOLDER_NAME,
    BillStatus,
    NewAccount,
)

_BILLER = fields.validate.OneOf(list(BILLERS))
_STATUS = fields.validate.OneOf([str(status) for status in BillStatus])


class NewAccountSchema(Schema):
    """An account to link: its holder's name as it stands on the biller's letters."""

    biller = fields.Text(required=True, validate=[_BILLER])
    number = fields.Text(required=True, max_length=32, pattern=ACCOUNT_NUMBER)
    holder_name = fields.Text(required=True, max_length=MAX_HOLDER_NAME)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewAccount:
        return NewAccount(**data)


class AccountSchema(Schema):
    """A linked account; its number is never shown in full."""

    id = fields.UUID(required=True)
    biller = fields.Text(required=True)
    number_masked = fields.Text(required=True)
    status = fields.Text(required=True)
    linked_at = fields.Moment(required=True)
    refreshed_at = fields.Moment(required=True, allow_none=True)


class BillArgs(PageArgs):
    """Which bills to list."""

    status = fields.Text(load_default=None, validate=[_STATUS])
    biller = fields.Text(load_default=None, validate=[_BILLER])


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
    status = fields.Text(required=True, validate=[_STATUS])
    paid_at = fields.Moment(required=True, allow_none=True)
    biller_reference = fields.Text(required=True)
    posting_reference = fields.Text(required=True, allow_none=True)
    refreshed_at = fields.Moment(required=True, allow_none=True)


class BillerSchema(Schema):
    """A company whose bills can be paid here, and the service they belong to."""

    id = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    service = fields.Text(required=True)


class BillFileSchema(Schema):
    """What became of a bill file."""

    id = fields.UUID(required=True)
    biller = fields.Text(required=True)
    lines = fields.Integer(required=True)
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    imported_at = fields.Moment(required=True)
