"""What the companies accept, and how they show what they hold."""

import sqlite3
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from sandbox.billers.ledger import Notice
from sandbox.wire import Day, timestamp

_NUMBER = validate.Regexp(r"[0-9A-Za-z-]{4,32}\Z")
_REFERENCE = validate.Regexp(r"[0-9A-Za-z-]{1,64}\Z")
_AMOUNT = validate.Range(0, 10**10)
_CURRENCY = validate.Regexp(r"[A-Z]{3}\Z")


class NewAccount(Schema):
    """An account to open."""

    number = fields.String(required=True, validate=_NUMBER)
    holder_name = fields.String(required=True, validate=validate.Length(min=1, max=60))


class NewBill(Schema):
    """A bill to put on an account."""

    account = fields.String(required=True, validate=_NUMBER)
    reference = fields.String(required=True, validate=_REFERENCE)
    amount = fields.Integer(required=True, strict=True, validate=_AMOUNT)
    currency = fields.String(required=True, validate=validate.Equal("CNY"))
    period_from = Day(required=True)
    period_to = Day(required=True)
    due_date = Day(required=True)

    @validates_schema
    def check_period(self, data: dict[str, Any], **_: object) -> None:
        """Refuse a period that ends before it begins."""
        if data["period_to"] < data["period_from"]:
            raise ValidationError("Before period_from.", "period_to")


class BillChange(Schema):
    """What a bill is changed to."""

    amount = fields.Integer(required=True, strict=True, validate=_AMOUNT)


class NewPosting(Schema):
    """A notice that a bill was paid."""

    key = fields.String(required=True, validate=validate.Length(min=1, max=255))
    reference = fields.String(required=True, validate=_REFERENCE)
    amount = fields.Integer(required=True, strict=True, validate=_AMOUNT)
    currency = fields.String(required=True, validate=_CURRENCY)
    paid_at = fields.AwareDateTime(required=True, format="iso")


class BillFilter(Schema):
    """Which bills to list."""

    account = fields.String(load_default=None)
    status = fields.String(load_default=None, validate=validate.OneOf(["open", "paid"]))
    due_from = Day(load_default=None)
    due_to = Day(load_default=None)


class AccountBillFilter(Schema):
    """Which bills of one account to list."""

    status = fields.String(load_default=None, validate=validate.OneOf(["open", "paid"]))


class PostingFilter(Schema):
    """Which notices to list."""

    key = fields.String(load_default=None)
    reference = fields.String(load_default=None)


class FileQuery(Schema):
    """How to write the bill file."""

    encoding = fields.String(load_default="utf-8", validate=validate.OneOf(["utf-8", "gb18030"]))


class PostingFileQuery(FileQuery):
    """Which day's postings, and how to write them."""

    day = Day(required=True)


def notice_from(body: dict[str, Any]) -> Notice:
    """Return the notice that a loaded body says."""
    paid_at: datetime = body["paid_at"]
    return Notice(
        key=body["key"],
        reference=body["reference"],
        amount=body["amount"],
        currency=body["currency"],
        paid_at=timestamp(paid_at),
    )


def show_account(row: sqlite3.Row) -> dict[str, str]:
    """Return an account as it is shown."""
    return {"number": row["number"], "holder_name": row["holder_name"]}


def show_bill(row: sqlite3.Row) -> dict[str, object]:
    """Return a bill as it is shown."""
    shown = {
        name: row[name]
        for name in (
            "reference",
            "account",
            "amount",
            "currency",
            "period_from",
            "period_to",
            "due_date",
        )
    }
    status = "open" if row["paid_at"] is None else "paid"
    return shown | {"status": status, "paid_at": row["paid_at"]}


def show_notice(row: sqlite3.Row) -> dict[str, object]:
    """Return a notice that arrived as it is shown."""
    shown = {
        name: row[name]
        for name in (
            "key",
            "reference",
            "amount",
            "currency",
            "paid_at",
            "received_at",
            "outcome",
            "posting_reference",
        )
    }
    return shown | {"effective": bool(row["effective"]), "duplicate": bool(row["duplicate"])}
