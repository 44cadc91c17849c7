"""What every reader of a file needs: its text, its amounts and days, and its faults by line."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from app.core.clock import CITY_TIME
from app.core.money import MAX_AMOUNT
from app.reconciliation.errors import StatementFileInvalid

MAX_LINES = 200_000
SHOWN_FAULTS = 100
_LARGEST = MAX_AMOUNT * 1_000
_AMOUNT = re.compile(r"([0-9]{1,13})(?:[.,]([0-9]{0,2}))?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_WORD = re.compile(r"[A-Za-z0-9_-]{6,64}")
_ID = re.compile(r"[A-Za-z0-9_./:+-]{1,64}")
_MOST_WORDS = 20
_FIRST, _LAST = date(1990, 1, 1), date(2100, 1, 1)


@dataclass(slots=True)
class Faults:
    """Collects what is wrong: all of it is counted, the first hundred are shown."""

    shown: list[dict[str, str | int]] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, message: str) -> None:
        """Note what is wrong with a line."""
        self.count += 1
        if len(self.shown) < SHOWN_FAULTS:
            self.shown.append({"line": line, "message": message})

    def check(self) -> None:
        """Raise `StatementFileInvalid` when anything was wrong."""
        if self.count:
            raise StatementFileInvalid(
                f"{self.count} faults; nothing was imported.",
                errors=self.shown,
                error_count=self.count,
            )


def refuse(message: str, line: int = 1) -> StatementFileInvalid:
    """Return the refusal of a file for one reason."""
    return StatementFileInvalid(
        f"{message}; nothing was imported.", errors=[{"line": line, "message": message}]
    )


def decode(raw: bytes) -> str:
    """Return a text in UTF-8, with or without a mark, or GB18030; raise `StatementFileInvalid`."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise refuse("编码应为 UTF-8 或 GB18030 (neither UTF-8 nor GB18030)")


def parse_amount(text: str) -> int:
    """Return an amount with at most two decimals in minor units; raise `ValueError`."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError("金额应为不超过两位小数 (an amount with two decimals at most)")
    minor = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if minor > _LARGEST:
        raise ValueError("金额过大 (the amount is too large)")
    return minor


def parse_currency(text: str) -> str:
    """Return an ISO 4217 code; raise `ValueError`."""
    if not _CURRENCY.fullmatch(text):
        raise ValueError("币种应为三位字母 (a currency has three letters)")
    return text


def parse_id(text: str) -> str:
    """Return a reference of ASCII letters, digits and a few signs; raise `ValueError`."""
    if not _ID.fullmatch(text):
        raise ValueError("流水号无效 (not a reference: letters, digits, _ . / : + -)")
    return text


def parse_day(text: str, form: str) -> date:
    """Return a day written as `form` says; raise `ValueError`."""
    try:
        day = datetime.strptime(text, form).replace(tzinfo=CITY_TIME).date()
    except ValueError:
        raise ValueError("日期无效 (not a day)") from None
    if not (text.isascii() and _FIRST <= day < _LAST):
        raise ValueError("日期无效 (not a day)")
    return day


def parse_moment(text: str, form: str = "%Y-%m-%d %H:%M:%S") -> datetime:
    """Return a moment of the city's clock; raise `ValueError`."""
    try:
        moment = datetime.strptime(text, form).replace(tzinfo=CITY_TIME)
    except ValueError:
        raise ValueError("时间无效 (not a time: YYYY-MM-DD HH:MM:SS)") from None
    if not (text.isascii() and _FIRST <= moment.date() < _LAST):
        raise ValueError("时间无效 (not a time: YYYY-MM-DD HH:MM:SS)")
    return moment


def noon(day: date) -> datetime:
    """Return the middle of a city day, for books that know days only."""
    return datetime(day.year, day.month, day.day, tzinfo=CITY_TIME) + timedelta(hours=12)


def words_of(*texts: str) -> str:
    """Return the words of free text that can be references: nobody's name is kept."""
    found = [word for text in texts for word in _WORD.findall(text) if any(map(str.isdigit, word))]
    return " ".join(dict.fromkeys(found[:_MOST_WORDS]))
