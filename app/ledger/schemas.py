"""The wire format of the ledger."""

from app.http.fields import UUID, Integer, List, Moment, Nested, Schema, Text
from app.http.pagination import PageArgs


class CurrencyBalanceSchema(Schema):
    """The whole book in one currency; `balance` must be zero."""

    currency = Text(required=True, metadata={"description": "ISO 4217"})
    debit = Integer(required=True)
    credit = Integer(required=True)
    balance = Integer(required=True)


class AccountBalanceSchema(Schema):
    """What one account holds: debit above zero, credit below."""

    code = Text(required=True)
    kind = Text(required=True)
    currency = Text(required=True, metadata={"description": "ISO 4217"})
    balance = Integer(required=True)


class TrialBalanceSchema(Schema):
    """The trial balance of the whole book."""

    as_of = Moment(required=True)
    currencies = List(Nested(CurrencyBalanceSchema), required=True)
    accounts = List(Nested(AccountBalanceSchema), required=True)


class TransactionFilter(PageArgs):
    """Which transactions to list."""

    subject_id = UUID(load_default=None, metadata={"description": "Of one payment"})


class LedgerEntrySchema(Schema):
    """One line of a transaction."""

    line_no = Integer(required=True)
    account = Text(required=True)
    amount = Integer(required=True)
    currency = Text(required=True, metadata={"description": "ISO 4217"})


class LedgerTransactionSchema(Schema):
    """One transaction; its lines sum to zero."""

    id = UUID(required=True)
    kind = Text(required=True)
    external_ref = Text(required=True)
    subject_id = UUID(required=True)
    reversal_of = UUID(required=True, allow_none=True)
    occurred_at = Moment(required=True)
    recorded_at = Moment(required=True)
    entries = List(Nested(LedgerEntrySchema), required=True)


class SplitRuleFilter(PageArgs):
    """Which split rules to list."""

    applies_to = Text(
        load_default=None, metadata={"description": "Of one payee or service: payee:shiyan-water"}
    )


class SplitPartSchema(Schema):
    """One part of a split; `size` is fen when fixed, millionths when a percentage."""

    account = Text(required=True)
    kind = Text(required=True)
    size = Integer(required=True)
    priority = Integer(required=True)


class SplitRuleSchema(Schema):
    """One version of a split rule; it is never changed."""

    applies_to = Text(required=True)
    version = Integer(required=True)
    valid_from = Moment(required=True)
    fee_bearer = Text(required=True)
    parts = List(Nested(SplitPartSchema), required=True)
    published_at = Moment(required=True)
