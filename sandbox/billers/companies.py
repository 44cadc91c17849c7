"""The four companies, and what they hold at first start."""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.wire import Problem

_FIRST_BILL_FEN = 3180
_MORE_EACH_BILL_FEN = 535


@dataclass(frozen=True, slots=True, kw_only=True)
class Biller:
    """A company: whether it knows our keys, and whether it tells what it booked under one.

    One that loads prepaid meters remotely gives no token: it says later how that went.
    """

    id: str
    name: str
    prefix: str
    posting_prefix: str
    honours_key: bool
    offers_inquiry: bool
    loads_remotely: bool = False


BILLERS = {
    biller.id: biller
    for biller in (
        Biller(
            id="shiyan-water",
            name="十堰市自来水公司",
            prefix="W",
            posting_prefix="WTR",
            honours_key=True,
            offers_inquiry=False,
        ),
        Biller(
            id="shiyan-power",
            name="十堰市供电公司",
            prefix="P",
            posting_prefix="PWR",
            honours_key=False,
            offers_inquiry=True,
        ),
        Biller(
            id="shiyan-gas",
            name="十堰市燃气公司",
            prefix="G",
            posting_prefix="GAS",
            honours_key=False,
            offers_inquiry=False,
        ),
        Biller(
            id="shiyan-heat",
            name="十堰市热力公司",
            prefix="H",
            posting_prefix="HEA",
            honours_key=True,
            offers_inquiry=True,
            loads_remotely=True,
        ),
    )
}

_ACCOUNTS = {
    "张伟": ("1002003001", "2002003001", "3002003001", "4002003001"),
    "刘洋": ("1002003002", "2002003002"),
    "李秀英": ("1002003003", "3002003003"),
    "陈𬱖": ("2002003004", "4002003004"),
    "李㛃": ("1002003005",),
    "阿依古丽·买买提": ("2002003006", "3002003006"),
}


def find_biller(biller: str) -> Biller:
    """Return the company of this id; raise Problem 404 `biller-not-found`."""
    try:
        return BILLERS[biller]
    except KeyError:
        raise Problem(404, "biller-not-found", f"there is no biller {biller}") from None


def seed_accounts(connection: sqlite3.Connection, *, today: date) -> None:
    """Open the first accounts, each with two or three bills for the months before today."""
    of_digit = {str(place): biller for place, biller in enumerate(BILLERS.values(), start=1)}
    amount = _FIRST_BILL_FEN
    for holder, numbers in _ACCOUNTS.items():
        for number in numbers:
            biller = of_digit[number[0]]
            connection.execute(
                "INSERT INTO accounts (biller, number, holder_name) VALUES (?, ?, ?)",
                [biller.id, number, holder],
            )
            for months_ago in range(1, 3 + int(number[-1]) % 2):
                amount += _MORE_EACH_BILL_FEN
                _put_bill(connection, biller, number, _Month.before(today, months_ago), amount)


@dataclass(frozen=True, slots=True)
class _Month:
    first: date
    last: date

    @classmethod
    def before(cls, day: date, months: int) -> "_Month":
        last = day.replace(day=1) - timedelta(days=1)
        for _ in range(months - 1):
            last = last.replace(day=1) - timedelta(days=1)
        return cls(last.replace(day=1), last)


def _put_bill(
    connection: sqlite3.Connection, biller: Biller, account: str, month: _Month, amount: int
) -> None:
    due = month.last + timedelta(days=37)
    connection.execute(
        "INSERT INTO bills (biller, reference, account, amount, currency, period_from, period_to,"
        " due_date) VALUES (?, ?, ?, ?, 'CNY', ?, ?, ?)",
        [
            biller.id,
            f"{biller.prefix}-{month.first:%Y%m}-{account}",
            account,
            amount,
            month.first.isoformat(),
            month.last.isoformat(),
            due.isoformat(),
        ],
    )
