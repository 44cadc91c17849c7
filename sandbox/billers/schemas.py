"""What the companies accept, and how they show what they hold."""

import json
import sqlite3
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from sandbox.billers.bills import late_fee, today
from sandbox.billers.ledger import Laid, Notice, Posting
from sandbox.wire import Day, timestamp

_NUMBER = validate.Regexp(r"[0-9A-Za-z-]{4,32}\Z")
_REFERENCE = validate.Regexp(r"[0-9A-Za-z-]{1,64}\Z")
_AMOUNT = validate.Range(0, 10**10)
_CURRENCY = validate.Regexp(r"[A-Z]{3}\Z")
_REASON = validate.Regexp(r"[a-z_]{1,40}\Z")


class NewAccount(Schema):
    """An account to open."""

    number = fields.String(required=True, validate=_NUMBER)
    holder_name = fields.String(required=True, validate=validate.Length(min=1, max=60))
    prepaid = fields.Boolean(load_default=False)


class NewBill(Schema):
    """A bill to put on an account."""

    account = fields.String(required=True, validate=_NUMBER)
    reference = fields.String(required=True, validate=_REFERENCE)
    amount = fields.Integer(required=True, strict=True, validate=_AMOUNT)
    currency = fields.String(required=True, validate=validate.Equal("CNY"))
    period_from = Day(required=True)
    period_to = Day(required=True)
    due_date = Day(required=True)
    late_fee_rate = fields.Integer(load_default=None, validate=validate.Range(1, 10_000))
    expires_on = Day(load_default=None)
    detail = fields.Dict(load_default=dict)

    @validates_schema
    def check_period(self, data: dict[str, Any], **_: object) -> None:
        """Refuse a period that ends before it begins."""
        if data["period_to"] < data["period_from"]:
            raise ValidationError("Before period_from.", "period_to")


class BillChange(Schema):
    """What a bill is changed to, and why."""

    amount = fields.Integer(required=True, strict=True, validate=_AMOUNT)
    amended_for = fields.String(load_default=None, validate=_REASON)
    expires_on = Day(load_default=None)


class NewPart(Schema):
    """What of an order falls on one bill."""

    reference = fields.String(required=True, validate=_REFERENCE)
    amount = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**10))


class NewLaid(Schema):
    """How an order is laid out: on bills of one account, in advance, or into its meter."""

    account = fields.String(required=True, validate=_NUMBER)
    parts = fields.List(fields.Nested(NewPart), load_default=list)
    advance = fields.Integer(load_default=0, strict=True, validate=_AMOUNT)
    top_up = fields.Integer(load_default=0, strict=True, validate=_AMOUNT)


class NewPosting(Schema):
    """A notice that a bill was paid."""

    key = fields.String(required=True, validate=validate.Length(min=1, max=255))
    reference = fields.String(required=True, validate=_REFERENCE)
    amount = fields.Integer(required=True, strict=True, validate=_AMOUNT)
    currency = fields.String(required=True, validate=_CURRENCY)
    paid_at = fields.AwareDateTime(required=True, format="iso")
    laid = fields.Nested(NewLaid, load_default=None)

    @validates_schema
    def check_sum(self, data: dict[str, Any], **_: object) -> None:
        """Refuse an order that is laid out otherwise than it was paid."""
        laid = data["laid"]
        if laid is not None:
            parts = sum(part["amount"] for part in laid["parts"])
            if parts + laid["advance"] + laid["top_up"] != data["amount"]:
                raise ValidationError("The parts are not the whole.", "laid")


class MeterState(Schema):
    """Whether a prepaid meter can be loaded from afar."""

    state = fields.String(
        required=True, validate=validate.OneOf(["reachable", "unreachable", "broken"])
    )


class NewReversal(Schema):
    """Why a booking is taken back."""

    reason = fields.String(required=True, validate=_REASON)


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
    laid = body["laid"]
    return Notice(
        key=body["key"],
        reference=body["reference"],
        amount=body["amount"],
        currency=body["currency"],
        paid_at=timestamp(paid_at),
        laid=laid
        and Laid(
            account=laid["account"],
            parts=tuple((part["reference"], part["amount"]) for part in laid["parts"]),
            advance=laid["advance"],
            top_up=laid["top_up"],
        ),
    )


def show_posting(posting: Posting) -> dict[str, object]:
    """Return a booking as it is answered: whether it took effect, and how its bills stand."""
    shown: dict[str, object] = {
        "reference": posting.reference,
        "at": posting.at,
        "effective": posting.effective,
    }
    if posting.bills:
        shown["bills"] = [show_bill(bill) for bill in posting.bills]
    if posting.token is not None:
        shown["token"] = posting.token
    if posting.load is not None:
        shown["load"] = posting.load
    return shown


def show_account(row: sqlite3.Row) -> dict[str, object]:
    """Return an account as it is shown; what it does not have is not said."""
    shown: dict[str, object] = {"number": row["number"], "holder_name": row["holder_name"]}
    if row["prepaid"]:
        shown["prepaid"] = True
    if row["advance"]:
        shown["advance"] = row["advance"]
    return shown


def show_bill(row: sqlite3.Row) -> dict[str, object]:
    """Return a bill as it is shown; what it does not have is not said."""
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
    shown |= {"status": status, "paid_at": row["paid_at"]}
    if row["paid_amount"] and status == "open":
        shown["paid_amount"] = row["paid_amount"]
    if row["late_fee_rate"]:
        shown["late_fee"] = late_fee(row, today())
    for name in ("expires_on", "amended_for"):
        if row[name] is not None:
            shown[name] = row[name]
    detail: dict[str, object] = json.loads(row["detail"])
    return shown | detail


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
