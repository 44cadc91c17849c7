"""What is due, for a citizen's calendar: under a private address that can be taken back.

Whoever has the address reads days, kinds and amounts of bills, and no name and no account. It is
kept as a digest: what is lost is made anew.
"""

from datetime import datetime
from hashlib import sha256
from secrets import token_hex

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import House, UnitOfWork, now
from plugins.utilities.errors import FeedNotFound
from plugins.utilities.events import FeedChanged
from plugins.utilities.models import Bill, Feed
from plugins.utilities.service.bills import list_open_bills, refresh_bills
from plugins.utilities.service.calendar_text import write_calendar
from plugins.utilities.service.owing import owed_on, today
from plugins.utilities.service.posting_file import yuan
from plugins.utilities.values import BILLERS, DueEvent, OpenedFeed

_SECRET_BYTES = 24


def open_feed(uow: UnitOfWork, citizen_reference: str) -> OpenedFeed:
    """Make a private address for what a citizen owes; the one before opens nothing any more."""
    secret, moment = token_hex(_SECRET_BYTES), now()
    made = {"secret_digest": _digest(secret), "made_at": moment}
    statement = insert(Feed).values(citizen_reference=citizen_reference, **made)
    uow.execute(statement.on_conflict_do_update(index_elements=["citizen_reference"], set_=made))
    uow.record(FeedChanged(opened=True))
    return OpenedFeed(secret, moment)


def find_feed(uow: UnitOfWork, citizen_reference: str) -> datetime:
    """Return when a citizen's address was made, or raise `FeedNotFound`."""
    feed = uow.get(Feed, citizen_reference)
    if feed is None:
        raise FeedNotFound
    return feed.made_at


def close_feed(uow: UnitOfWork, citizen_reference: str) -> None:
    """Take a citizen's address back for good, or raise `FeedNotFound`."""
    mine = delete(Feed).where(Feed.citizen_reference == citizen_reference)
    if uow.scalar(mine.returning(Feed.citizen_reference)) is None:
        raise FeedNotFound
    uow.record(FeedChanged(opened=False))


def read_feed(house: House, secret: str) -> bytes:
    """Return the calendar of what is due that stands at a private address (RFC 5545).

    Billers are asked as for a list of bills. Raise `FeedNotFound` alike for an address that never
    was and for one that was taken back.
    """
    with house.unit_of_work() as uow:
        owner = select(Feed.citizen_reference).where(Feed.secret_digest == _digest(secret))
        citizen_reference: str | None = uow.scalar(owner)
    if citizen_reference is None:
        raise FeedNotFound
    refresh_bills(house, citizen_reference)
    with house.unit_of_work() as uow:
        bills = list_open_bills(uow, citizen_reference)
        return write_calendar([_event(bill) for bill in bills], at=now())


def _event(bill: Bill) -> DueEvent:
    biller = BILLERS[bill.biller]
    owed = yuan(owed_on(bill, today()))
    title, company = biller.bill_title, biller.title
    return DueEvent(
        id=bill.id,
        day=bill.due_date,
        edition=bill.edition,
        changed_at=bill.seen_at,
        summary=f"{title['zh']}到期 ¥{owed} / {title['en']} due",
        description=(
            f"{company['zh']}，账期 {bill.period_from} 至 {bill.period_to}，待缴 ¥{owed}。\n"
            f"{company['en']}, {bill.period_from} to {bill.period_to}: ¥{owed} to pay."
        ),
    )


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
