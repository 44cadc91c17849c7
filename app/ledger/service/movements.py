"""What stands on an account, as a relation for those who compare it with somebody else's books."""

from sqlalchemy import Subquery, select

from app.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction
from app.ledger.values import AccountRef


def movements_on(account: AccountRef) -> Subquery:
    """Return every line of an account with what it records, as a relation for others to join.

    Nothing is read here: whoever reconciles joins it within PostgreSQL.
    """
    return (
        select(
            LedgerTransaction.kind,
            LedgerTransaction.external_ref,
            LedgerTransaction.subject_id,
            LedgerTransaction.recorded_at,
            LedgerEntry.amount,
            LedgerEntry.currency,
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(LedgerAccount.code == account.code)
        .subquery()
    )
