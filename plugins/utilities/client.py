"""Speaks to the billers' systems: what an answer means, and what no answer means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from app.sdk import Fulfilment, House, HttpClient, NoAnswer, OutcomeUnknown, PaymentNotice, Reply
from plugins.utilities.errors import BillerUnavailable, refusal
from plugins.utilities.values import (
    ACCOUNT_NUMBER,
    CURRENCY,
    MAX_AMOUNT,
    BillerBill,
    BillStatus,
    is_bill_number,
)

_OK, _CREATED, _NOT_FOUND, _DOWN = 200, 201, 404, 503
_UNSTORABLE = re.compile("[\\0\ud800-\udfff]")
_FINAL = frozenset(
    {
        (404, "bill-not-found"),
        (409, "bill-already-paid"),
        (422, "amount-differs"),
        (422, "currency-differs"),
        (422, "invalid"),
        (422, "key-reused"),
        (422, "refused-by-biller"),
    }
)
"""Status and code with which a biller says that nothing was booked and never will be."""


class AnswerUnclear(OutcomeUnknown):
    """The biller is done with the request, and its answer does not say what it did."""


@dataclass(frozen=True, slots=True)
class FoundPosting:
    """What a biller says it booked under a key."""

    bill_number: str
    amount: int
    fulfilment: Fulfilment


@dataclass(frozen=True, slots=True)
class BillerClient:
    """The billers of the city behind one address."""

    http: HttpClient
    url: str

    @classmethod
    def of(cls, house: House) -> "BillerClient":
        """Return the client that the settings describe."""
        return cls(house.http, house.settings["biller_url"].rstrip("/"))

    def holder_of(self, biller: str, number: str) -> str | None:
        """Return the holder's name of an account, or None when nobody has this number."""
        found = self._read(f"{biller}/accounts/{_part(number)}", missing="account-not-found")
        return None if found is None else _text(found, "holder_name")

    def bills_of(self, biller: str, number: str) -> list[BillerBill]:
        """Return the bills of an account, open and paid; none when the account was closed.

        A bill whose number cannot be part of a reference of ours is left out.
        """
        found = self._read(f"{biller}/accounts/{_part(number)}/bills", missing="account-not-found")
        if found is None:
            return []
        items = found.get("items")
        if not isinstance(items, list):
            raise BillerUnavailable
        bills = (_bill(biller, item) for item in items)
        return [bill for bill in bills if is_bill_number(bill.number)]

    def bill(self, biller: str, bill_number: str) -> BillerBill | None:
        """Return one bill as it is now, or None when the biller has none with this number."""
        found = self._read(f"{biller}/bills/{_part(bill_number)}", missing="bill-not-found")
        if found is None:
            return None
        bill = _bill(biller, found)
        if bill.number != bill_number:
            raise BillerUnavailable
        return bill

    def post(self, biller: str, bill_number: str, notice: PaymentNotice) -> Fulfilment:
        """Tell a biller that a bill was paid.

        Raise `BillerUnavailable` when it surely has not acted, a final refusal as
        `errors.refusal` says it, and `OutcomeUnknown` for everything that leaves it open.
        """
        body = {
            "key": notice.key,
            "reference": bill_number,
            "amount": notice.amount,
            "currency": notice.currency,
            "paid_at": notice.paid_at.isoformat(),
        }
        try:
            reply = self.http.post(f"{self.url}/{biller}/postings", body)
        except NoAnswer as error:
            if error.may_have_acted:
                raise OutcomeUnknown(f"{biller} did not answer") from error
            raise BillerUnavailable from error
        return _posting_answer(biller, reply)

    def posting(self, biller: str, key: str) -> FoundPosting | None:
        """Return what was booked under a key, or None when nothing was.

        Raise `OutcomeUnknown` when the answer does not say.
        """
        reply = self.http.get(f"{self.url}/{biller}/postings/by-key/{_part(key)}")
        body = _object(reply)
        if reply.status == _NOT_FOUND and body.get("code") == "posting-not-found":
            return None
        if reply.status == _DOWN:
            raise BillerUnavailable
        if reply.status != _OK:
            raise AnswerUnclear(f"{biller} answered an inquiry with {reply.status}")
        try:
            return FoundPosting(_text(body, "bill"), _amount(body), _fulfilment(body))
        except BillerUnavailable as error:
            raise AnswerUnclear(f"{biller} answered an inquiry with something else") from error

    def _read(self, path: str, *, missing: str) -> Mapping[str, Any] | None:
        """Return an object, None when the biller says `missing`; else raise."""
        reply = self.http.get(f"{self.url}/{path}")
        body = _object(reply)
        if reply.status == _NOT_FOUND and body.get("code") == missing:
            return None
        if reply.status != _OK or not body:
            raise BillerUnavailable
        return body


def _posting_answer(biller: str, reply: Reply) -> Fulfilment:
    body = _object(reply)
    code = body.get("code")
    if reply.status == _CREATED:
        try:
            return _fulfilment(body)
        except BillerUnavailable as error:
            raise AnswerUnclear(f"{biller} answered 201 with something else") from error
    if (reply.status, code) in _FINAL:
        raise refusal(str(code))
    if (reply.status, code) == (_DOWN, "down"):
        # The one failure of which the billers promise that nothing was booked.
        raise BillerUnavailable
    raise AnswerUnclear(f"{biller} answered {reply.status}")


def _object(reply: Reply) -> Mapping[str, Any]:
    """Return the JSON object of an answer, empty when it holds none."""
    try:
        body = reply.json()
    except NoAnswer:
        return {}
    return body if isinstance(body, dict) else {}


def _fulfilment(body: Mapping[str, Any]) -> Fulfilment:
    return Fulfilment(_text(body, "reference"), _moment(body, "at"))


def _bill(biller: str, body: object) -> BillerBill:
    """Return a bill, or raise `BillerUnavailable` when anything in it makes no sense."""
    if not isinstance(body, dict):
        raise BillerUnavailable
    status = _text(body, "status")
    account = _text(body, "account")
    bill = BillerBill(
        biller=biller,
        account=account,
        number=_text(body, "reference"),
        amount=_amount(body),
        currency=_text(body, "currency"),
        period_from=_day(body, "period_from"),
        period_to=_day(body, "period_to"),
        due_date=_day(body, "due_date"),
        status=BillStatus.PAID if status == "paid" else BillStatus.OPEN,
        paid_at=_moment(body, "paid_at") if status == "paid" else None,
    )
    if (
        status not in {"open", "paid"}
        or bill.currency != CURRENCY
        or bill.period_from > bill.period_to
        or re.fullmatch(ACCOUNT_NUMBER, account) is None
    ):
        raise BillerUnavailable
    return bill


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or _UNSTORABLE.search(value):
        raise BillerUnavailable
    return value


def _amount(body: Mapping[str, Any]) -> int:
    value = body.get("amount")
    if type(value) is not int or not 0 <= value <= MAX_AMOUNT:
        raise BillerUnavailable
    return value


def _day(body: Mapping[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(_text(body, name))
    except ValueError as error:
        raise BillerUnavailable from error


def _moment(body: Mapping[str, Any], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(body, name))
    except ValueError as error:
        raise BillerUnavailable from error
    if moment.tzinfo is None:
        raise BillerUnavailable
    return moment


def _part(value: str) -> str:
    return quote(value, safe="")
