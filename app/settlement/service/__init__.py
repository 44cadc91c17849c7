"""What settlement can do: pay payees out by two people, and show them what they were owed."""

from app.settlement.service.accounts import decide_account, list_accounts, propose_account
from app.settlement.service.batches import (
    approve_batch,
    draft_batch,
    list_batches,
    list_lines,
    read_batch,
    reject_batch,
    return_line,
    send_batch,
    settle_line,
)
from app.settlement.service.common import SettlementDeps
from app.settlement.service.files import make_file, read_file
from app.settlement.service.statements import (
    list_payees,
    list_statement_lines,
    parse_period,
    read_statement,
    read_statement_file,
)

__all__ = [
    "SettlementDeps",
    "approve_batch",
    "decide_account",
    "draft_batch",
    "list_accounts",
    "list_batches",
    "list_lines",
    "list_payees",
    "list_statement_lines",
    "make_file",
    "parse_period",
    "propose_account",
    "read_batch",
    "read_file",
    "read_statement",
    "read_statement_file",
    "reject_batch",
    "return_line",
    "send_batch",
    "settle_line",
]
