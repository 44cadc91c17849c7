"""A citizen's bills: asked of the billers when our copy is old, then read in one statement."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import contains_eager

from app.sdk import (
    House,
    Page,
    PageRequest,
    Unavailable,
    UnitOfWork,
    fetch_page,
    mask_number,
    now,
    within,
)
from plugins.utilities.client import BillerClient
from plugins.utilities.errors import BillNotFound
from plugins.utilities.models import Account, Bill, BillEdition
from plugins.utilities.service.accounts import number_of
from plugins.utilities.service.mirror import keep_asked, withdraw_unlisted
from plugins.utilities.service.owing import (
    bill_reference,
    is_expired,
    late_fee_on,
    owed_on,
    standing_on,
    today,
)
from plugins.utilities.service.terms import find_terms
from plugins.utilities.values import (
    BILLERS,
    OWED,
    BillerBill,
    CitizensBill,
    Edition,
    Fetch,
    read_detail,
)

FRESH = timedelta(seconds=10)
"""How long our copy of an account's bills is good enough."""
RETRY = timedelta(seconds=2)
"""How long a biller that did not answer is left alone."""
_SECONDS_PER_BILLER = 1.0


@dataclass(slots=True)
class _News:
    """What the billers said, and of which accounts."""

    bills: list[BillerBill] = field(default_factory=list)
    answered: list[Account] = field(default_factory=list)
    silent: list[Account] = field(default_factory=list)


def refresh_bills(house: House, citizen_reference: str, biller: str | None = None) -> None:
    """Ask the billers for the bills of a citizen's accounts that were last asked 10 s ago or more.

    Never raises because of a biller: what is stored stays, and its `refreshed_at` tells its age.
    """
    asked_at = now()
    statement = select(Account).where(
        Account.citizen_reference == citizen_reference, Account.ask_after <= asked_at
    )
    if biller is not None:
        statement = statement.where(Account.biller == biller)
    statement = statement.where(Account.biller.in_(_askable()))
    with house.unit_of_work() as uow:
        accounts = uow.scalars(statement.order_by(Account.biller)).all()
    if not accounts:
        return
    news = _ask(house, accounts)
    with house.unit_of_work() as uow:
        _keep(uow, house, news, asked_at)


def list_bills(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    page: PageRequest,
    *,
    status: str | None = None,
    biller: str | None = None,
    billers: Collection[str] = BILLERS,
) -> Page[CitizensBill]:
    """Return a page of a citizen's bills of the named billers, nearest due date first."""
    statement = _bills_of(citizen_reference).where(Bill.biller.in_(billers))
    if status is not None:
        statement = statement.where(Bill.status == status)
    if biller is not None:
        statement = statement.where(Bill.biller == biller)
    rows = fetch_page(uow, statement, [Bill.due_date, Bill.id], page)
    return Page([_show(house, row) for row in rows.items], rows.next_cursor)


def list_open_bills(uow: UnitOfWork, citizen_reference: str) -> Sequence[Bill]:
    """Return all that a citizen owes and can pay today."""
    day = today()
    owed = uow.scalars(_bills_of(citizen_reference).where(Bill.status.in_(OWED)))
    return [bill for bill in owed if not is_expired(bill, day)]


def find_bill(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    bill_id: UUID,
    *,
    billers: Collection[str] = BILLERS,
) -> CitizensBill:
    """Return one of a citizen's bills of the named billers, or raise `BillNotFound`."""
    return _show(house, own_bill(uow, citizen_reference, bill_id, billers))


def own_bill(
    uow: UnitOfWork, citizen_reference: str, bill_id: UUID, billers: Collection[str]
) -> Bill:
    """Return the row of one of a citizen's bills of the named billers, or raise `BillNotFound`."""
    mine = _bills_of(citizen_reference).where(Bill.id == bill_id, Bill.biller.in_(billers))
    bill: Bill | None = uow.scalar(mine)
    if bill is None:
        raise BillNotFound
    return bill


def list_editions(
    uow: UnitOfWork, citizen_reference: str, bill_id: UUID, *, billers: Collection[str] = BILLERS
) -> list[Edition]:
    """Return how one of a citizen's bills was told, the first edition first, and why it changed.

    Raise `BillNotFound`.
    """
    own_bill(uow, citizen_reference, bill_id, billers)
    kept = select(BillEdition).where(BillEdition.bill_id == bill_id)
    return [
        Edition(row.edition, row.amount, row.due_date, row.reason, row.told_at)
        for row in uow.scalars(kept.order_by(BillEdition.edition))
    ]


def list_all_bills(house: House, uow: UnitOfWork, citizen_reference: str) -> list[CitizensBill]:
    """Return every bill of a citizen's accounts."""
    return [_show(house, bill) for bill in uow.scalars(_bills_of(citizen_reference))]


def _bills_of(citizen_reference: str) -> Select[Bill]:
    """Return the statement of a citizen's bills: whose they are stands in its WHERE."""
    return (
        select(Bill)
        .join(Bill.account)
        .options(contains_eager(Bill.account))
        .where(Account.citizen_reference == citizen_reference, is_lived_in())
    )


def is_lived_in() -> ColumnElement[bool]:
    """Match bills of a period in which the citizen of the joined account still lived there."""
    return or_(Account.moved_out_on.is_(None), Bill.period_from <= Account.moved_out_on)


def _show(house: House, bill: Bill) -> CitizensBill:
    day, detail = today(), read_detail(bill.detail)
    return CitizensBill(
        id=bill.id,
        service=BILLERS[bill.biller].service,
        reference=bill_reference(bill),
        biller=bill.biller,
        account_number_masked=mask_number(number_of(house, bill.account)),
        amount=bill.amount,
        currency=bill.currency,
        period_from=bill.period_from,
        period_to=bill.period_to,
        due_date=bill.due_date,
        status=bill.status,
        paid_at=bill.paid_at,
        biller_reference=bill.biller_reference,
        posting_reference=bill.posting_reference,
        refreshed_at=bill.account.refreshed_at,
        standing=standing_on(bill, day),
        paid_amount=bill.paid_amount,
        late_fee=late_fee_on(bill, day),
        owed=owed_on(bill, day),
        expires_on=bill.expires_on,
        edition=bill.edition,
        amended_for=bill.amended_for,
        reversed_at=bill.reversed_at,
        lines=detail.lines,
        reading=detail.reading,
        steps=detail.steps,
    )


def _askable() -> list[str]:
    """Return the billers that can be asked for bills."""
    return [biller for biller in BILLERS if find_terms(biller).fetch != Fetch.NONE]


def _ask(house: House, accounts: Sequence[Account]) -> _News:
    """Ask each biller within its own time; one that fails is not asked for its other accounts."""
    client = BillerClient.of(house)
    news = _News()
    for biller, group in groupby(accounts, key=lambda account: account.biller):
        of_biller = list(group)
        with within(_SECONDS_PER_BILLER):
            for place, account in enumerate(of_biller):
                try:
                    news.bills.extend(client.bills_of(biller, number_of(house, account)))
                except Unavailable:
                    news.silent.extend(of_biller[place:])
                    break
                news.answered.append(account)
    return news


def _keep(uow: UnitOfWork, house: House, news: _News, asked_at: datetime) -> None:
    keep_asked(uow, house, news.bills, asked_at=asked_at)
    answered = [(account.biller, account.number_index) for account in news.answered]
    withdraw_unlisted(uow, answered, asked_at=asked_at)
    _note(uow, news.answered, {"ask_after": asked_at + FRESH, "refreshed_at": asked_at})
    _note(uow, news.silent, {"ask_after": now() + RETRY})


def _note(uow: UnitOfWork, accounts: Sequence[Account], values: dict[str, datetime]) -> None:
    if accounts:
        uow.execute(
            update(Account)
            .where(Account.id.in_([account.id for account in accounts]))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
