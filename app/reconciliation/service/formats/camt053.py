"""ISO 20022 camt.053: the bank-to-customer statement of an account, one day in a file."""

import re
from collections.abc import Iterator
from datetime import date
from xml.etree.ElementTree import Element, ParseError, fromstring

from app.reconciliation.service.formats.reading import (
    MAX_LINES,
    noon,
    parse_amount,
    parse_currency,
    parse_day,
    refuse,
    words_of,
)
from app.reconciliation.values import Family, Line, LineKind, StatementFile

_SPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.[0-9]{2}\}Document")
_FORBIDDEN = re.compile(rb"<!(?!--)(?!\[CDATA\[)")
_ENCODING = re.compile(rb"""\A<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']""")
_SIGNS = {"CRDT": 1, "DBIT": -1}


def read_camt053(raw: bytes) -> StatementFile:
    """Return the booked entries of one statement; raise `StatementFileInvalid` for anything else.

    UTF-8 without a document type, so without entities. Opening balance and entries have to come to
    the closing balance.
    """
    root = _parse(raw)
    space = root.tag.removesuffix("Document")
    statements = root.findall(f"./{space}BkToCstmrStmt/{space}Stmt")
    if len(statements) != 1:
        raise refuse("一个文件只能有一份对账单 (one statement in a file)")
    try:
        return _statement(_Node(statements[0], space))
    except ValueError as error:
        raise refuse(str(error)) from None


def _parse(raw: bytes) -> Element:
    declared = _ENCODING.match(raw.removeprefix(b"\xef\xbb\xbf"))
    if declared is not None and declared[1].lower() != b"utf-8":
        raise refuse("编码应为 UTF-8 (not UTF-8)")
    if _FORBIDDEN.search(raw):
        raise refuse("不接受 DTD 和实体 (no document type and no entities)")
    try:
        raw.decode("utf-8")
        root = fromstring(raw)  # noqa: S314 - no document type can come this far, so no entity
    except (ParseError, UnicodeDecodeError):
        raise refuse("不是 XML (not XML)") from None
    if not _SPACE.fullmatch(root.tag):
        raise refuse("不是 camt.053 (not a camt.053 document)")
    return root


class _Node:
    """An element of the document's namespace, asked by plain paths."""

    def __init__(self, element: Element, space: str) -> None:
        self._element, self._space = element, space

    def all(self, path: str) -> Iterator["_Node"]:
        """Return the elements at a path such as `Ntry` or `Tp/Cd`."""
        steps = "/".join(self._space + step for step in path.split("/"))
        for element in self._element.findall(steps):
            yield _Node(element, self._space)

    @property
    def own(self) -> str:
        """Return its own text."""
        return (self._element.text or "").strip()

    def text(self, path: str) -> str | None:
        """Return the text at a path, or None."""
        found = next(self.all(path), None)
        return None if found is None else found.own

    def need(self, path: str) -> str:
        """Return the text at a path; raise `ValueError` without one."""
        found = self.text(path)
        if not found:
            raise ValueError(f"缺少 {path} (is missing)")
        return found

    def money(self) -> tuple[int, str]:
        """Return its signed amount and the currency."""
        amount = next(self.all("Amt"), None)
        if amount is None:
            raise ValueError("缺少 Amt (is missing)")
        currency = parse_currency(amount._element.get("Ccy", ""))  # noqa: SLF001 - its own
        direction = self.need("CdtDbtInd")
        if direction not in _SIGNS:
            raise ValueError("CdtDbtInd 无效 (neither CRDT nor DBIT)")
        return _SIGNS[direction] * parse_amount(self.need("Amt")), currency


def _statement(statement: _Node) -> StatementFile:
    balances = {b.need("Tp/CdOrPrtry/Cd"): b for b in statement.all("Bal")}
    if not {"OPBD", "CLBD"} <= set(balances):
        raise ValueError("缺少 OPBD 或 CLBD (a balance is missing)")
    (opening, currency), (closing, same) = balances["OPBD"].money(), balances["CLBD"].money()
    day = parse_day(balances["CLBD"].need("Dt/Dt"), "%Y-%m-%d")
    entries = [entry for entry in statement.all("Ntry") if _is_booked(entry)]
    if len(entries) > MAX_LINES:
        raise ValueError(f"超过 {MAX_LINES} 行 (more lines than that)")
    lines = [_line(entry, day, place) for place, entry in enumerate(entries, start=1)]
    if {currency, same} | {line.currency for line in lines} != {currency}:
        raise ValueError("币种不一致 (two currencies)")
    if opening + sum(line.amount for line in lines) != closing:
        raise ValueError("余额不符 (the entries do not come to the closing balance)")
    return StatementFile(lines, day)


def _is_booked(entry: _Node) -> bool:
    return (entry.text("Sts/Cd") or entry.text("Sts") or "BOOK") == "BOOK"


def _line(entry: _Node, day: date, place: int) -> Line:
    amount, currency = entry.money()
    family = Family.CREDIT if amount > 0 else Family.DEBIT
    named = "NtryDtls/TxDtls"
    texts = [
        node.own
        for path in (f"{named}/Refs/EndToEndId", f"{named}/RmtInf/Ustrd", "AddtlNtryInf")
        for node in entry.all(path)
    ]
    return Line(
        line_id=_reference(entry, day, place),
        kind=LineKind.CREDIT if amount > 0 else LineKind.DEBIT,
        subject=f"{family}:{day:%Y%m%d}/{place}",
        amount=amount,
        currency=currency,
        occurred_at=noon(day),
        reference=words_of(*texts),
    )


def _reference(entry: _Node, day: date, place: int) -> str:
    """Return the bank's own number of an entry, or its place in the day."""
    return entry.text("AcctSvcrRef") or entry.text("NtryRef") or f"{day:%Y%m%d}/{place}"
