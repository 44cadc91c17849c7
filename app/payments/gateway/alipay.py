"""Alipay spoken to directly: a code to scan (precreate), asked about by our own number."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from app.core.clock import CITY_TIME
from app.core.egress import Egress
from app.core.unit_of_work import forbid_open_transaction
from app.payments.errors import SignatureInvalid
from app.payments.gateway.alipay_bills import read_bill
from app.payments.gateway.alipay_wire import AlipayAccount, AlipayWire
from app.payments.gateway.contract import (
    GatewayAmbiguous,
    GatewayRefund,
    GatewayRefused,
    Intent,
    IntentRequest,
    Notification,
    RefundRequest,
    StatementLine,
    StatementUnavailable,
)
from app.payments.gateway.wallets import (
    CURRENCY,
    SUBJECT,
    are_books_closed,
    bill_file,
    order_number,
    record_of,
    to_fen,
    to_yuan,
)
from app.payments.values import Method

NAME = "alipay"
_NO_TRADE = "ACQ.TRADE_NOT_EXIST"
_NO_BILL = "isp.bill_not_exist"
_OPENED_BEFORE = frozenset({"ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE"})
_STATUS = {
    "WAIT_BUYER_PAY": "requires_action",
    "TRADE_SUCCESS": "succeeded",
    "TRADE_FINISHED": "succeeded",
    "TRADE_CLOSED": "canceled",
}


class AlipayGateway:
    """Alipay by its own interface; an intent's id is our order number, the attempt's for good."""

    name = NAME

    def __init__(
        self, account: AlipayAccount, *, notify_url: str, egress: Egress, total_seconds: float
    ) -> None:
        self._egress = egress
        self._wire = AlipayWire(
            account, notify_url=notify_url, egress=egress, total_seconds=total_seconds
        )

    def read_notification(
        self, raw: bytes, headers: Mapping[str, str], moment: datetime
    ) -> Notification:
        """Check the RSA2 signature of a notice; its state and amounts are not looked at."""
        del headers  # Alipay signs the form alone
        fields = self._wire.read_notice(raw, moment)
        event_id = fields.get("notify_id")
        if not event_id:
            raise SignatureInvalid("The notice has no id.")
        kind = f"{fields.get('notify_type', '')}.{fields.get('trade_status', '')}"
        return Notification(
            event_id=event_id[:255],
            kind=kind[:255],
            intent_id=fields.get("out_trade_no"),
            attempt_id=record_of(fields.get("out_trade_no")),
            refund_id=record_of(fields.get("out_biz_no")),
        )

    def open_intent(self, request: IntentRequest) -> Intent:
        """Ask for a code; the same order again gets one again, another amount is refused."""
        _check_currency(request.currency)
        number = order_number(request.attempt_id)
        content = {
            "out_trade_no": number,
            "total_amount": to_yuan(request.amount),
            "subject": SUBJECT,
        }
        if request.expires_at is not None:
            content["time_expire"] = _written(request.expires_at)
        try:
            answer = self._call("alipay.trade.precreate", content)
        except GatewayRefused as error:
            if error.code not in _OPENED_BEFORE:
                raise
            return self.fetch_intent(number)
        return _waiting(number, request.amount, {"qr_code": answer.get("qr_code")})

    def fetch_intent(self, intent_id: str) -> Intent:
        """Ask what is true; while nobody has scanned the code, Alipay has no trade and no amount.

        A trade that was paid and then wholly returned is one that was paid.
        """
        return self._query(intent_id) or _waiting(intent_id, None, None)

    def find_intent(self, attempt_id: UUID) -> Intent | None:
        """Ask by our order number; None when nobody has scanned its code."""
        return self._query(order_number(attempt_id))

    def cancel_intent(self, intent_id: str) -> Intent:
        """Close a trade, and return what it then is: paid, if the citizen was faster.

        A code that nobody has scanned cannot be closed and ends by its time; money that still
        comes by it is late, and is returned.
        """
        try:
            self._call("alipay.trade.close", {"out_trade_no": intent_id})
        except GatewayRefused as error:
            if error.code == _NO_TRADE:
                return _intent(intent_id, "canceled", None, 0)
        return self.fetch_intent(intent_id)

    def send_refund(self, request: RefundRequest) -> GatewayRefund:
        """Return money of a trade; the same refund number moves it once."""
        number = order_number(request.refund_id)
        refund_id = f"{request.intent_id}:{number}"
        answer = self._call(
            "alipay.trade.refund",
            {
                "out_trade_no": request.intent_id,
                "refund_amount": to_yuan(request.amount),
                "out_request_no": number,
            },
        )
        if answer.get("fund_change") == "Y":
            return GatewayRefund(refund_id, "succeeded", request.amount)
        # Heard, but not whether money moved by this call: it may have by the one before.
        found = self._query_refund(refund_id)
        return found or GatewayRefund(refund_id, "pending", request.amount)

    def fetch_refund(self, gateway_refund_id: str) -> GatewayRefund:
        """Ask what is true of a refund; Alipay tells only of those that are done."""
        found = self._query_refund(gateway_refund_id)
        if found is None:
            raise GatewayAmbiguous("Alipay has not said that the refund is done")
        return found

    def find_refund(self, intent_id: str, refund_id: UUID) -> GatewayRefund | None:
        """Ask by our refund number."""
        return self._query_refund(f"{intent_id}:{order_number(refund_id)}")

    def next_action(self, intent: Intent, method: Method) -> Mapping[str, Any] | None:
        """Return the code to scan, which on a phone is a link into the wallet as well."""
        del method
        code = (intent.next_action or {}).get("qr_code")
        if intent.status != "requires_action" or not code:
            return None
        return {"type": "qr_code", "intent": intent.id, "data": code, "image_url": None}

    def list_statement(self, day: date) -> Iterator[StatementLine]:
        """Return every movement of one city day from the bill of trades, in bounded memory.

        Raise `StatementUnavailable` at once while the bill is not written, and at whatever line it
        turns out not to be whole.
        """
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        try:
            answer = self._call("alipay.data.dataservice.bill.downloadurl.query", content)
        except GatewayAmbiguous as error:
            raise StatementUnavailable(str(error)) from error
        except GatewayRefused as error:
            # There is none for a day without trades either, however long one waits.
            if error.code == _NO_BILL and are_books_closed(day):
                return iter(())
            raise StatementUnavailable(error.code) from error
        return self._read_bill(secure(str(answer.get("bill_download_url"))))

    def _read_bill(self, url: str) -> Iterator[StatementLine]:
        with bill_file(self._egress, url) as file:
            yield from read_bill(file)

    def _query(self, number: str) -> Intent | None:
        answer = self._ask("alipay.trade.query", {"out_trade_no": number}, absent=_NO_TRADE)
        if answer is None:
            return None
        if answer.get("out_trade_no") != number:
            raise GatewayAmbiguous("the answer is about another trade")
        status = _STATUS.get(answer.get("trade_status"), str(answer.get("trade_status")))
        if status == "canceled" and answer.get("send_pay_date"):
            status = "succeeded"
        amount = _amount(answer, "total_amount")
        received = 0
        if status == "succeeded":
            # What a discount of the merchant's own has cost does not arrive.
            name = "receipt_amount" if "receipt_amount" in answer else "total_amount"
            received = _amount(answer, name)
        return _intent(number, status, amount, received)

    def _query_refund(self, gateway_refund_id: str) -> GatewayRefund | None:
        trade, _, number = gateway_refund_id.partition(":")
        answer = self._ask(
            "alipay.trade.fastpay.refund.query",
            {"out_trade_no": trade, "out_request_no": number},
            absent=_NO_TRADE,
        )
        if answer is None or answer.get("refund_status") != "REFUND_SUCCESS":
            return None
        if (answer.get("out_trade_no"), answer.get("out_request_no")) != (trade, number):
            raise GatewayAmbiguous("the answer is about another refund")
        return GatewayRefund(gateway_refund_id, "succeeded", _amount(answer, "refund_amount"))

    def _call(self, method: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        forbid_open_transaction(NAME)
        return self._wire.call(method, content)

    def _ask(self, method: str, content: Mapping[str, Any], *, absent: str) -> Any:  # noqa: ANN401
        forbid_open_transaction(NAME)
        return self._wire.ask(method, content, absent=absent)


def secure(url: str) -> str:
    """Return an address at Alipay with https: its bills are announced without, and served with."""
    parts = urlsplit(url)
    if parts.scheme == "http" and (parts.hostname or "").endswith(".alipay.com"):
        return parts._replace(scheme="https").geturl()
    return url


def _check_currency(currency: str) -> None:
    if currency != CURRENCY:
        raise GatewayRefused("currency")


def _written(moment: datetime) -> str:
    return moment.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M:%S")


def _amount(answer: Mapping[str, Any], name: str) -> int:
    try:
        return to_fen(str(answer[name]))
    except (KeyError, ValueError) as error:
        raise GatewayAmbiguous(f"{name} is not an amount") from error


def _waiting(number: str, amount: int | None, action: Mapping[str, Any] | None) -> Intent:
    return _intent(number, "requires_action", amount, 0, action)


def _intent(
    number: str,
    status: str,
    amount: int | None,
    received: int,
    action: Mapping[str, Any] | None = None,
) -> Intent:
    return Intent(
        id=number,
        status=status,
        amount=amount,
        amount_received=received,
        currency=CURRENCY,
        attempt_id=record_of(number),
        client_secret=None,
        next_action=action,
        decline_code=None,
    )
