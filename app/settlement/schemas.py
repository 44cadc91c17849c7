"""The wire format of settlement."""

from datetime import date
from typing import Any

from marshmallow import post_load

from app.http.fields import (
    UUID,
    Amount,
    Currency,
    Date,
    Enum,
    Flag,
    Integer,
    List,
    Moment,
    Nested,
    Schema,
    Text,
    Title,
    validate,
)
from app.http.fields import Dict as Mapping
from app.http.pagination import PageArgs
from app.settlement.values import BankAccount, Encoding, FileFormat, StatementFormat

PAYEE = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"


class NewBankAccountSchema(Schema):
    """A payee's bank account as it is proposed."""

    payee = Text(required=True, pattern=PAYEE, max_length=64)
    holder = Text(required=True, max_length=140)
    number = Text(required=True, pattern=r"[0-9]{8,34}", max_length=34)
    bank_code = Text(
        required=True,
        pattern=r"[0-9]{12}",
        max_length=12,
        metadata={"description": "12 digits of CNAPS (支付系统行号)"},
    )

    @post_load
    def _account(self, data: dict[str, Any], **_: object) -> BankAccount:
        return BankAccount(**data)


class AccountFilter(PageArgs):
    """Which bank accounts to list."""

    payee = Text(load_default=None, pattern=PAYEE, max_length=64)


class BankAccountSchema(Schema):
    """A payee's bank account; its number is masked."""

    id = UUID(required=True)
    payee = Text(required=True)
    status = Text(required=True)
    holder = Text(required=True)
    number = Text(required=True)
    bank_code = Text(required=True)
    proposed_by = UUID(required=True)
    proposed_at = Moment(required=True)
    decided_by = UUID(required=True, allow_none=True)
    decided_at = Moment(required=True, allow_none=True)


class NewSettlementBatchSchema(Schema):
    """The day to settle."""

    day = Date(required=True, validate=validate.Range(min=date(2000, 1, 1), max=date(2999, 12, 31)))


class LeftOutSchema(Schema):
    """A payee that is owed something and is not in the batch, and why."""

    payee = Text(required=True)
    amount = Amount(required=True)
    reason = Text(required=True)


class SettlementBatchSchema(Schema):
    """A day's batch; `digests` are the SHA-256 of its file in each format."""

    id = UUID(required=True)
    day = Date(required=True)
    cut_off = Moment(required=True)
    status = Text(required=True)
    currency = Currency(required=True)
    amount = Integer(required=True)
    count = Integer(required=True)
    left_out = List(Nested(LeftOutSchema), required=True)
    drafted_by = UUID(required=True)
    drafted_at = Moment(required=True)
    decided_by = UUID(required=True, allow_none=True)
    decided_at = Moment(required=True, allow_none=True)
    filed_at = Moment(required=True, allow_none=True)
    digests = Mapping(keys=Text(), values=Text(), required=True, allow_none=True)
    sent_by = UUID(required=True, allow_none=True)
    sent_at = Moment(required=True, allow_none=True)


class SettlementLineSchema(Schema):
    """What one payee is paid out for a day."""

    id = UUID(required=True)
    batch_id = UUID(required=True)
    payee = Text(required=True)
    status = Text(required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    account_id = UUID(required=True)
    bank_reference = Text(required=True, allow_none=True)
    return_reason = Text(required=True, allow_none=True)


class FileArgs(Schema):
    """In which form to take a batch's file."""

    format = Enum(FileFormat, by_value=True, load_default=FileFormat.PAIN_001)


class SettlementPaidSchema(Schema):
    """What the bank calls the transfer that it has made."""

    bank_reference = Text(required=True, max_length=64)


class SettlementReturnedSchema(Schema):
    """Why the bank has returned a transfer; its own code, such as AC04."""

    reason = Text(required=True, pattern=r"[A-Za-z0-9_-]{1,35}", max_length=35)


class PayeeBalanceSchema(Schema):
    """A payee and what it is owed now; below zero it owes us."""

    id = Text(required=True)
    title = Nested(Title, required=True)
    balance = Integer(required=True)
    currency = Currency(required=True)
    has_bank_account = Flag(required=True)


class PayeeStatementSchema(Schema):
    """The head of a statement."""

    id = Text(required=True, metadata={"description": "The day or month", "examples": ["2026-11"]})
    payee = Text(required=True)
    title = Nested(Title, required=True)
    begins = Moment(required=True)
    ends = Moment(required=True)
    currency = Currency(required=True)
    opening = Integer(required=True)
    closing = Integer(required=True)


class PayeeStatementLineSchema(Schema):
    """One line of a statement: `net` is the sum of the four amounts before it."""

    kind = Text(required=True)
    subject_id = UUID(required=True)
    external_ref = Text(required=True)
    title = Nested(Title, required=True, allow_none=True)
    occurred_at = Moment(required=True)
    recorded_at = Moment(required=True)
    gross = Integer(required=True)
    fee = Integer(required=True)
    refunded = Integer(required=True)
    moved = Integer(required=True)
    net = Integer(required=True)


class StatementFileArgs(Schema):
    """In which form to take a statement."""

    format = Enum(StatementFormat, by_value=True, load_default=StatementFormat.CSV)
    encoding = Enum(
        Encoding,
        by_value=True,
        load_default=Encoding.UTF_8,
        metadata={"description": "Of a CSV file"},
    )
