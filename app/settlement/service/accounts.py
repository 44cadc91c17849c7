"""Bank accounts of payees: proposed by one person, made active by another, never changed."""

from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.crypto import mask_number
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.settlement.errors import BankAccountNotFound, BankAccountPending, PayeeNotFound
from app.settlement.events import BankAccountDecided, BankAccountProposed
from app.settlement.models import PayeeAccount
from app.settlement.service.common import (
    SettlementDeps,
    check_second,
    hold_settlement,
    is_payee,
    lock,
    open_field,
    seal_field,
)
from app.settlement.values import AccountStatus, AccountView, BankAccount


def propose_account(
    uow: UnitOfWork, deps: SettlementDeps, who: Principal, wanted: BankAccount
) -> AccountView:
    """Propose a payee's bank account; nothing is paid to it before somebody else agrees.

    Raise `PayeeNotFound` or `BankAccountPending`.
    """
    if not is_payee(uow, deps, wanted.payee):
        raise PayeeNotFound
    hold_settlement(uow)
    pending = select(PayeeAccount.id).where(
        PayeeAccount.payee == wanted.payee, PayeeAccount.status == AccountStatus.PROPOSED
    )
    if uow.scalar(pending) is not None:
        raise BankAccountPending
    account_id = new_id()
    account = PayeeAccount(
        id=account_id,
        status=AccountStatus.PROPOSED,
        payee=wanted.payee,
        holder_sealed=seal_field(deps, "holder_sealed", account_id, wanted.holder),
        number_sealed=seal_field(deps, "number_sealed", account_id, wanted.number),
        bank_code=wanted.bank_code,
        proposed_by=who.id,
        proposed_at=now(),
    )
    uow.open_record(account, cause="proposed")
    uow.record(BankAccountProposed(account_id=account_id, payee=wanted.payee))
    return _view(deps, account)


def decide_account(
    uow: UnitOfWork, deps: SettlementDeps, who: Principal, account_id: UUID, verdict: AccountStatus
) -> AccountView:
    """Make a proposed account active, in place of the one before it, or reject it.

    Raise `BankAccountNotFound`, `NotTheSecond`, or `IllegalMove` when it is decided on already.
    """
    hold_settlement(uow)
    account = lock(uow, PayeeAccount, account_id, BankAccountNotFound)
    check_second(uow, who, account.proposed_by, account.id)
    account.check_move(verdict)
    if verdict == AccountStatus.ACTIVE:
        before = active_account(uow, account.payee)
        if before is not None:
            uow.move(before, AccountStatus.REPLACED, cause="replaced")
            uow.flush()  # the one before leaves its place first
    account.decided_by, account.decided_at = who.id, now()
    uow.move(account, verdict, cause="second-person")
    uow.record(
        BankAccountDecided(account_id=account.id, payee=account.payee, verdict=verdict.value)
    )
    return _view(deps, account)


def active_account(uow: UnitOfWork, payee_id: str) -> PayeeAccount | None:
    """Return the bank account that a payee is paid to now, its row locked."""
    found: PayeeAccount | None = uow.scalar(
        select(PayeeAccount)
        .where(PayeeAccount.payee == payee_id, PayeeAccount.status == AccountStatus.ACTIVE)
        .with_for_update()
    )
    return found


def list_accounts(
    uow: UnitOfWork, deps: SettlementDeps, page: PageRequest, payee: str | None
) -> Page[AccountView]:
    """Return bank accounts, newest first; of one payee when it is named."""
    statement = select(PayeeAccount)
    if payee is not None:
        statement = statement.where(PayeeAccount.payee == payee)
    keys = (PayeeAccount.proposed_at, PayeeAccount.id)
    found = fetch_page(uow, statement, keys, page, descending=True)
    return Page([_view(deps, row) for row in found.items], found.next_cursor)


def bank_account(deps: SettlementDeps, row: PayeeAccount) -> BankAccount:
    """Return a bank account in clear, for the bank's file."""
    return BankAccount(
        payee=row.payee,
        holder=open_field(deps, "holder_sealed", row.id, row.holder_sealed),
        number=open_field(deps, "number_sealed", row.id, row.number_sealed),
        bank_code=row.bank_code,
    )


def _view(deps: SettlementDeps, row: PayeeAccount) -> AccountView:
    clear = bank_account(deps, row)
    return AccountView(
        id=row.id,
        payee=row.payee,
        status=row.status,
        holder=clear.holder,
        number=mask_number(clear.number),
        bank_code=row.bank_code,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
