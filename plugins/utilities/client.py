"""Speaks to the billers' systems: what an answer means, and what no answer means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from app.sdk import (
    Fulfilment,
    House,
    HttpClient,
    NoAnswer,
    OutcomeUnknown,
    PaymentNotice,
    Reader,
    Reply,
)
from plugins.utilities.errors import BillerUnavailable, refusal
from plugins.utilities.values import (
    ACCOUNT_NUMBER,
    CURRENCY,
    MAX_AMOUNT,
    BillerBill,
    BillStatus,
    ChangeReason,
    Laid,
    LoadStatus,
    is_bill_number,
    read_detail,
)

_OK, _CREATED, _NOT_FOUND, _DOWN = 200, 201, 404, 503
_FINAL = frozenset(
    {
        (404, "account-not-found"),
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
_read = Reader(BillerUnavailable)


class AnswerUnclear(OutcomeUnknown):
    """The biller is done with the request, and its answer does not say what it did."""


@dataclass(frozen=True, slots=True)
class BillerAccount:
    """An account as its biller tells it: who holds it, and whether its meter is prepaid."""

    holder_name: str
    is_prepaid: bool


@dataclass(frozen=True, slots=True)
class Booking:
    """What a biller booked.

    A biller that cannot tell a repetition from a second payment may take money `without_effect`:
    the bill was paid already. `bills` are those of an order as they stand since, `token` is what a
    prepaid meter is fed with, `load` how far the biller is with loading one itself.
    """

    fulfilment: Fulfilment
    without_effect: bool = False
    bills: tuple[BillerBill, ...] = ()
    token: str | None = None
    load: LoadStatus | None = None


@dataclass(frozen=True, slots=True)
class FoundPosting:
    """What a biller says it booked under a key."""

    bill_number: str
    amount: int
    booking: Booking


@dataclass(frozen=True, slots=True)
class BillerClient:
    """The billers of the city behind one address."""

    http: HttpClient
    url: str

    @classmethod
    def of(cls, house: House) -> "BillerClient":
        """Return the client that the settings describe."""
        return cls(house.http, house.settings["biller_url"].rstrip("/"))

    def account(self, biller: str, number: str) -> BillerAccount | None:
        """Return an account, or None when nobody has this number."""
        found = self._read(f"{biller}/accounts/{_part(number)}", missing="account-not-found")
        if found is None:
            return None
        return BillerAccount(_read.text(found, "holder_name"), found.get("prepaid") is True)

    def holder_of(self, biller: str, number: str) -> str | None:
        """Return the holder's name of an account, or None when nobody has this number."""
        found = self.account(biller, number)
        return None if found is None else found.holder_name

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

    def post(
        self, biller: str, number: str, notice: PaymentNotice, laid: Laid | None = None
    ) -> Booking:
        """Tell a biller that a bill was paid, or an order and how it is laid out.

        Raise `BillerUnavailable` when it surely has not acted, a final refusal as
        `errors.refusal` says it, and `OutcomeUnknown` for everything that leaves it open.
        """
        body: dict[str, object] = {
            "key": notice.key,
            "reference": number,
            "amount": notice.amount,
            "currency": notice.currency,
            "paid_at": notice.paid_at.isoformat(),
        }
        if laid is not None:
            body["laid"] = _laid(laid)
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
        body = _read.members(reply)
        if reply.status == _NOT_FOUND and body.get("code") == "posting-not-found":
            return None
        if reply.status == _DOWN:
            raise BillerUnavailable
        if reply.status != _OK:
            raise AnswerUnclear(f"{biller} answered an inquiry with {reply.status}")
        try:
            return FoundPosting(
                _read.text(body, "bill"),
                _read.whole(body, "amount", MAX_AMOUNT),
                _booking(biller, body),
            )
        except BillerUnavailable as error:
            raise AnswerUnclear(f"{biller} answered an inquiry with something else") from error

    def _read(self, path: str, *, missing: str) -> Mapping[str, Any] | None:
        """Return an object, None when the biller says `missing`; else raise."""
        reply = self.http.get(f"{self.url}/{path}")
        body = _read.members(reply)
        if reply.status == _NOT_FOUND and body.get("code") == missing:
            return None
        if reply.status != _OK or not body:
            raise BillerUnavailable
        return body


def _posting_answer(biller: str, reply: Reply) -> Booking:
    body = _read.members(reply)
    code = body.get("code")
    if reply.status == _CREATED:
        try:
            return _booking(biller, body)
        except BillerUnavailable as error:
            raise AnswerUnclear(f"{biller} answered 201 with something else") from error
    if (reply.status, code) in _FINAL:
        raise refusal(str(code))
    if (reply.status, code) == (_DOWN, "down"):
        # The one failure of which the billers promise that nothing was booked.
        raise BillerUnavailable
    raise AnswerUnclear(f"{biller} answered {reply.status}")


def _booking(biller: str, body: Mapping[str, Any]) -> Booking:
    effective, bills, token = body.get("effective", True), body.get("bills", []), body.get("token")
    if type(effective) is not bool or not isinstance(bills, list):
        raise BillerUnavailable
    return Booking(
        Fulfilment(_read.text(body, "reference"), _read.moment(body, "at")),
        without_effect=not effective,
        bills=tuple(_bill(biller, bill) for bill in bills),
        token=None if token is None else _read.text(body, "token"),
        load=_load(body),
    )


def _load(body: Mapping[str, Any]) -> LoadStatus | None:
    """Return how far the loading of a meter is; a word that is not ours is not the end of it."""
    if body.get("load") is None:
        return None
    told = _read.text(body, "load")
    return LoadStatus(told) if told in (LoadStatus.LOADED, LoadStatus.FAILED) else LoadStatus.ASKED


def _laid(laid: Laid) -> dict[str, object]:
    return {
        "account": laid.account,
        "parts": [{"reference": number, "amount": amount} for number, amount in laid.bills],
        "advance": laid.advance,
        "top_up": laid.top_up,
    }


def _bill(biller: str, body: object) -> BillerBill:
    """Return a bill, or raise `BillerUnavailable` when anything in it makes no sense."""
    if not isinstance(body, dict):
        raise BillerUnavailable
    status, account, amount = (
        _read.text(body, "status"),
        _read.text(body, "account"),
        _read.whole(body, "amount", MAX_AMOUNT),
    )
    is_paid = status == "paid"
    paid_amount = amount if is_paid else _optional_amount(body, "paid_amount") or 0
    bill = BillerBill(
        biller=biller,
        account=account,
        number=_read.text(body, "reference"),
        amount=amount,
        currency=_read.text(body, "currency"),
        period_from=_read.day(body, "period_from"),
        period_to=_read.day(body, "period_to"),
        due_date=_read.day(body, "due_date"),
        status=_status(is_paid=is_paid, paid_amount=paid_amount),
        paid_at=_read.moment(body, "paid_at") if is_paid else None,
        paid_amount=paid_amount,
        late_fee=_optional_amount(body, "late_fee"),
        expires_on=None if body.get("expires_on") is None else _read.day(body, "expires_on"),
        amended_for=_reason(body),
        detail=_detail(body),
    )
    if (
        status not in {"open", "paid"}
        or (bill.status == BillStatus.PARTIALLY_PAID and paid_amount >= amount)
        or bill.currency != CURRENCY
        or bill.period_from > bill.period_to
        or re.fullmatch(ACCOUNT_NUMBER, account) is None
    ):
        raise BillerUnavailable
    return bill


def _status(*, is_paid: bool, paid_amount: int) -> BillStatus:
    if is_paid:
        return BillStatus.PAID
    return BillStatus.PARTIALLY_PAID if paid_amount else BillStatus.OPEN


def _reason(body: Mapping[str, Any]) -> str | None:
    """Return why a bill was amended; a word that is not ours is `other`."""
    if body.get("amended_for") is None:
        return None
    try:
        return ChangeReason(_read.text(body, "amended_for"))
    except ValueError:
        return ChangeReason.OTHER


def _detail(body: Mapping[str, Any]) -> Mapping[str, Any]:
    detail = {name: body[name] for name in ("lines", "reading", "steps") if body.get(name)}
    try:
        read_detail(detail)
    except ValueError as error:
        raise BillerUnavailable from error
    return detail


def _optional_amount(body: Mapping[str, Any], name: str) -> int | None:
    return None if body.get(name) is None else _read.whole(body, name, MAX_AMOUNT)


def _part(value: str) -> str:
    return quote(value, safe="")
