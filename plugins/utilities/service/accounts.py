"""Linking the account of a biller to a citizen who knows its number and its holder's name."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import date, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import (
    AttemptLimit,
    Citizen,
    House,
    Invalid,
    NotFound,
    Page,
    PageRequest,
    UnitOfWork,
    counted_attempt,
    fetch_page,
    mask_number,
    new_id,
)
from plugins.utilities.client import BillerClient
from plugins.utilities.errors import (
    AccountMismatch,
    TooManyAccounts,
    TooManyLinkAttempts,
)
from plugins.utilities.models import Account, LinkAllowance
from plugins.utilities.service.terms import find_terms
from plugins.utilities.values import (
    BILLERS,
    AccountStatus,
    LinkedAccount,
    NewAccount,
    find_biller,
)

MAX_ACCOUNTS = 20
MAX_ATTEMPTS = 10
ATTEMPT_WINDOW = timedelta(hours=1)
_LIMIT = AttemptLimit(MAX_ATTEMPTS, TooManyLinkAttempts, wrong=(AccountMismatch,))


def link_account(
    house: House, uow: UnitOfWork, citizen: Citizen, wanted: NewAccount
) -> LinkedAccount:
    """Link an account whose number and holder's name the biller confirms.

    Linking it again returns the same link. Raise `Invalid` for a number of another form than the
    biller's, `AccountMismatch` alike for an unknown number and another name,
    `TooManyLinkAttempts` after ten wrong attempts within an hour, and `TooManyAccounts`.
    """
    biller = find_biller(wanted.biller)
    check_number(biller.id, wanted.number)
    with attempt(house, citizen.reference):
        holder = BillerClient.of(house).holder_of(biller.id, wanted.number)
        if holder is None or _plain(holder) != _plain(wanted.holder_name):
            raise AccountMismatch
    return show_account(house, _link(house, uow, citizen, wanted))


def list_accounts(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    page: PageRequest,
    billers: Collection[str] = tuple(BILLERS),
) -> Page[LinkedAccount]:
    """Return a page of a citizen's accounts at the named billers, the first linked first."""
    statement = select(Account).where(
        Account.citizen_reference == citizen_reference, Account.biller.in_(billers)
    )
    rows = fetch_page(uow, statement, [Account.id], page)
    return Page([show_account(house, row) for row in rows.items], rows.next_cursor)


def find_account(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    account_id: UUID,
    billers: Collection[str] = tuple(BILLERS),
) -> LinkedAccount:
    """Return one of a citizen's accounts at the named billers, or raise `NotFound`."""
    mine = (*_own(citizen_reference, account_id), Account.biller.in_(billers))
    account = uow.scalar(select(Account).where(*mine))
    if account is None:
        raise NotFound
    return show_account(house, account)


def unlink_account(uow: UnitOfWork, citizen_reference: str, account_id: UUID) -> None:
    """Forget that a citizen has an account, or raise `NotFound`."""
    statement = delete(Account).where(*_own(citizen_reference, account_id))
    if uow.scalar(statement.returning(Account.id)) is None:
        raise NotFound


def move_out(
    house: House, uow: UnitOfWork, citizen_reference: str, account_id: UUID, last_day: date
) -> LinkedAccount:
    """Note the last day on which a citizen lives where an account is; once more moves the day.

    Bills whose period begins later are not theirs any more; linking the account again undoes it.
    Raise `NotFound`.
    """
    mine = select(Account).where(*_own(citizen_reference, account_id))
    account: Account | None = uow.scalar(mine.with_for_update())
    if account is None:
        raise NotFound
    account.moved_out_on = last_day
    uow.flush()
    return show_account(house, account)


def show_account(house: House, account: Account) -> LinkedAccount:
    """Return an account as its citizen sees it: with a masked number."""
    return LinkedAccount(
        id=account.id,
        biller=account.biller,
        number_masked=mask_number(number_of(house, account)),
        linked_at=account.linked_at,
        refreshed_at=account.refreshed_at,
        status=AccountStatus.MOVED_OUT if account.moved_out_on else AccountStatus.VERIFIED,
        moved_out_on=account.moved_out_on,
    )


def number_of(house: House, account: Account) -> str:
    """Return the number of an account."""
    return house.vault.unseal(account.number_sealed, place=f"accounts|number|{account.id}")


def index_of(house: House, uow: UnitOfWork, biller: str, number: str) -> bytes:
    """Return the blind index under which an account's number is found."""
    return indexes_of(house, uow, [(biller, number)])[biller, number]


def indexes_of(
    house: House, uow: UnitOfWork, accounts: Iterable[tuple[str, str]]
) -> Mapping[tuple[str, str], bytes]:
    """Return the blind index of each of many accounts, given by biller and number."""
    names = {account: "|".join(account) for account in accounts}
    found = house.vault.indexes(uow, "account", names.values())
    return {account: found[name] for account, name in names.items()}


def check_number(biller: str, number: str) -> None:
    """Raise `Invalid` for a number that cannot be one of a biller, whose terms say their form."""
    for param in find_terms(biller).customer_params:
        if param.name == "number" and re.fullmatch(param.pattern, number) is None:
            raise Invalid(errors=[{"pointer": "/number", "message": f"Not {param.pattern}."}])


def attempt(
    house: House, citizen_reference: str, *, is_right_free: bool = True
) -> AbstractContextManager[None]:
    """Count the enclosed question of a biller as an attempt of a citizen to name an account.

    Guessing names or numbers ends at the tenth within an hour: raise `TooManyLinkAttempts`. Right
    ones are free, or count alike.
    """
    lock = partial(lock_citizen, citizen_reference=citizen_reference)
    return counted_attempt(house, lock, _LIMIT, is_right_free=is_right_free)


def lock_citizen(uow: UnitOfWork, citizen_reference: str) -> LinkAllowance:
    """Lock a citizen: whatever is limited for each of them is counted under this lock."""
    uow.execute(
        insert(LinkAllowance)
        .values(citizen_reference=citizen_reference, attempts=[])
        .on_conflict_do_nothing()
    )
    statement = select(LinkAllowance).where(LinkAllowance.citizen_reference == citizen_reference)
    return uow.scalars(statement.with_for_update()).one()


def _link(house: House, uow: UnitOfWork, citizen: Citizen, wanted: NewAccount) -> Account:
    """Return the link, new or old; the citizen's lock keeps the count true."""
    lock_citizen(uow, citizen.reference)
    number_index = index_of(house, uow, wanted.biller, wanted.number)
    mine = Account.citizen_reference == citizen.reference
    known: Account | None = uow.scalar(
        select(Account).where(
            mine, Account.biller == wanted.biller, Account.number_index == number_index
        )
    )
    if known is not None:
        known.moved_out_on = None
        known.letterbox = citizen.letterbox
        return known
    if (uow.scalar(select(func.count()).select_from(Account).where(mine)) or 0) >= MAX_ACCOUNTS:
        raise TooManyAccounts(f"At most {MAX_ACCOUNTS} accounts can be linked.")
    account_id = new_id()
    account = Account(
        id=account_id,
        citizen_reference=citizen.reference,
        letterbox=citizen.letterbox,
        biller=wanted.biller,
        number_index=number_index,
        number_sealed=house.vault.seal(wanted.number, place=f"accounts|number|{account_id}"),
        holder_name_sealed=house.vault.seal(
            wanted.holder_name, place=f"accounts|holder_name|{account_id}"
        ),
    )
    uow.add(account)
    uow.flush()
    return account


def _own(citizen_reference: str, account_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return Account.id == account_id, Account.citizen_reference == citizen_reference


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()
