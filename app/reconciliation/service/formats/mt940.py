"""SWIFT MT940: the customer statement message of an account, one day in a file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.reconciliation.service.formats.reading import (
    MAX_LINES,
    decode,
    noon,
    parse_amount,
    parse_currency,
    parse_day,
    refuse,
    words_of,
)
from app.reconciliation.values import Family, Line, LineKind, StatementFile

_TAG = re.compile(r":([0-9]{2}[A-Z]?):(.*)", re.DOTALL)
_BALANCE = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9,]{1,16})")
_ENTRY = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4})?(?P<mark>C|D|RC|RD)(?P<funds>[A-Z])?"
    r"(?P<amount>[0-9]{1,13},[0-9]{0,2})(?P<type>[NSF][A-Z0-9]{3})"
    r"(?P<ours>[^/\n]{0,16}(?:/[^/\n]{1,15})*?)(?://(?P<theirs>[^\n]{1,16}))?(?:\n.*)?",
    re.DOTALL,
)
_NOTHING = "NONREF"
_SIGNS = {"C": 1, "D": -1, "RC": -1, "RD": 1}


@dataclass(slots=True)
class _Statement:
    """What is read of a message so far."""

    opening: int | None = None
    closing: int | None = None
    day: date | None = None
    currency: str = ""
    entries: list[tuple[int, re.Match[str], list[str]]] = field(default_factory=list)


def read_mt940(raw: bytes) -> StatementFile:
    """Return the entries of one statement; raise `StatementFileInvalid` for anything else.

    Opening balance and entries have to come to the closing balance: a message that was cut off, or
    changed, is refused.
    """
    statement = _Statement()
    for number, tag, content in _fields(decode(raw)):
        try:
            _take(statement, number, tag, content)
        except ValueError as error:
            raise refuse(f":{tag}: {error}", number) from None
    if statement.opening is None or statement.closing is None or statement.day is None:
        raise refuse("缺少 :60F: 或 :62F: (a balance is missing)")
    lines = [
        _line(statement, place, match, texts)
        for place, (_, match, texts) in enumerate(statement.entries, start=1)
    ]
    if statement.opening + sum(line.amount for line in lines) != statement.closing:
        raise refuse("余额不符 (the entries do not come to the closing balance)")
    return StatementFile(lines, statement.day)


def _fields(text: str) -> Iterator[tuple[int, str, str]]:
    """Return the fields of block 4 with the line each begins on; further lines belong to it."""
    begun: tuple[int, list[str]] | None = None
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if line.startswith((":", "{", "-}")) or line == "-":
            if begun is not None:
                yield _field(*begun)
            begun = (number, [line]) if line.startswith(":") else None
        elif begun is not None:
            begun[1].append(line)
        elif line.strip():
            raise refuse("不是 MT940 (not an MT940 message)", number)
    if begun is not None:
        yield _field(*begun)


def _field(number: int, lines: Sequence[str]) -> tuple[int, str, str]:
    match = _TAG.fullmatch("\n".join(lines))
    if match is None:
        raise refuse("字段无效 (not a field)", number)
    return number, match[1], match[2].rstrip("\n")


def _take(statement: _Statement, number: int, tag: str, content: str) -> None:
    if tag in {"60F", "60M"}:
        if statement.opening is not None:
            raise ValueError("一个文件只能有一份对账单 (one statement in a file)")
        statement.opening, statement.currency, _ = _balance(content)
    elif tag in {"62F", "62M"}:
        statement.closing, currency, statement.day = _balance(content)
        if currency != statement.currency:
            raise ValueError("币种不一致 (two currencies)")
    elif tag == "61":
        match = _ENTRY.fullmatch(content)
        if match is None or statement.opening is None or statement.closing is not None:
            raise ValueError("明细无效 (not a statement line)")
        if len(statement.entries) >= MAX_LINES:
            raise ValueError(f"超过 {MAX_LINES} 行 (more lines than that)")
        statement.entries.append((number, match, [content]))
    elif tag == "86" and statement.entries and statement.closing is None:
        statement.entries[-1][2].append(content)


def _balance(content: str) -> tuple[int, str, date]:
    match = _BALANCE.fullmatch(content)
    if match is None:
        raise ValueError("余额无效 (not a balance)")
    amount = parse_amount(match[4])
    day = parse_day(match[2], "%y%m%d")
    return amount if match[1] == "C" else -amount, parse_currency(match[3]), day


def _line(statement: _Statement, place: int, match: re.Match[str], texts: Sequence[str]) -> Line:
    sign = _SIGNS[match["mark"]]
    day = statement.day or date.min
    named = (match["theirs"] or "").strip() or match["ours"].strip()
    number = f"{day:%Y%m%d}/{place}" if named in {"", _NOTHING} else named
    family = Family.CREDIT if sign > 0 else Family.DEBIT
    return Line(
        line_id=number,
        kind=LineKind.CREDIT if sign > 0 else LineKind.DEBIT,
        subject=f"{family}:{day:%Y%m%d}/{place}",
        amount=sign * parse_amount(match["amount"]),
        currency=statement.currency,
        occurred_at=noon(day),
        # A text of :86: breaks where its line is full, in the middle of a word.
        reference=words_of(match["ours"], match["theirs"] or "", *_unbroken(texts[1:])),
    )


def _unbroken(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        yield text.replace("\n", " ")
        yield re.sub(r"\n(?:\?[0-9]{2})?", "", text)
        yield re.sub(r"\?[0-9]{2}", " ", text.replace("\n", ""))
