"""What the books can do: book, split and take back, correct by two, and say what accounts hold."""

from app.ledger.service.balances import (
    read_balance_at,
    read_balances,
    read_payable,
    read_trial_balance,
    sum_book,
    take_snapshots,
    write_snapshot,
)
from app.ledger.service.booking import book, find_transaction
from app.ledger.service.bulk import book_gateway_fees
from app.ledger.service.corrections import (
    adjust,
    examine_reversal,
    find_account,
    reverse_transaction,
)
from app.ledger.service.fees import book_gateway_fee, book_payout
from app.ledger.service.movements import movements_on
from app.ledger.service.query import list_transactions
from app.ledger.service.rules import (
    SplitRulesInvalid,
    list_split_rules,
    publish_split_rules,
    read_split_rules,
    rule_for,
)
from app.ledger.service.splits import book_capture, give_back, shares_of, take_back
from app.ledger.service.statements import Place, read_lines

__all__ = [
    "Place",
    "SplitRulesInvalid",
    "adjust",
    "book",
    "book_capture",
    "book_gateway_fee",
    "book_gateway_fees",
    "book_payout",
    "examine_reversal",
    "find_account",
    "find_transaction",
    "give_back",
    "list_split_rules",
    "list_transactions",
    "movements_on",
    "publish_split_rules",
    "read_balance_at",
    "read_balances",
    "read_lines",
    "read_payable",
    "read_split_rules",
    "read_trial_balance",
    "reverse_transaction",
    "rule_for",
    "shares_of",
    "sum_book",
    "take_back",
    "take_snapshots",
    "write_snapshot",
]
