"""WeChat Pay spoken to directly (APIv3): a code to scan (native), asked about by our own number."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from itertools import chain
from typing import Any, BinaryIO
from uuid import UUID

from app.core.clock import CITY_TIME
from app.core.egress import Egress
from app.core.unit_of_work import forbid_open_transaction
from app.payments.errors import SignatureInvalid
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
)
from app.payments.gateway.wechat_bills import check_hash, read_fund_flow, read_trades
from app.payments.gateway.wechat_wire import WechatAccount, WechatWire
from app.payments.values import Method

NAME = "wechat"
_NO_ORDER = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST"})
_NO_REFUND = frozenset({"RESOURCE_NOT_EXISTS", "REFUND_NOT_EXISTS"})
_NO_BILL = "NO_STATEMENT_EXIST"
_OPENED_BEFORE = frozenset({"OUT_TRADE_NO_USED", "ORDERPAID", "ORDER_PAID", "ORDER_CLOSED"})
_STATUS = {
    "NOTPAY": "requires_action",
    "USERPAYING": "processing",
    "SUCCESS": "succeeded",
    "REFUND": "succeeded",  # paid, and something of it returned
    "CLOSED": "canceled",
    "REVOKED": "canceled",
    "PAYERROR": "requires_payment_method",
}
# ABNORMAL: WeChat could not return it and a person has to; it may still succeed, so it is no end.
_REFUND_STATUS = {
    "SUCCESS": "succeeded",
    "CLOSED": "failed",
    "PROCESSING": "pending",
    "ABNORMAL": "requires_action",
}


class WechatGateway:
    """WeChat Pay by its own interface; an intent's id is our order number, the attempt's for good.

    Refunds are known by our refund number in the same way.
    """

    name = NAME

    def __init__(
        self, account: WechatAccount, *, notify_url: str, egress: Egress, total_seconds: float
    ) -> None:
        self._account = account
        self._notify_url = notify_url
        self._egress = egress
        self._wire = WechatWire(account, egress=egress, total_seconds=total_seconds)

    def read_notification(
        self, raw: bytes, headers: Mapping[str, str], moment: datetime
    ) -> Notification:
        """Check a notice's signature and decrypt it; its state and amounts are not looked at."""
        notice, content = self._wire.read_notice(raw, headers, moment)
        event_id, kind = notice.get("id"), notice.get("event_type")
        if not isinstance(event_id, str) or not event_id or not isinstance(kind, str):
            raise SignatureInvalid("The notice has not the form of one.")
        number = content.get("out_trade_no")
        return Notification(
            event_id=event_id[:255],
            kind=kind[:255],
            intent_id=number if isinstance(number, str) else None,
            attempt_id=record_of(number),
            refund_id=record_of(content.get("out_refund_no")),
        )

    def open_intent(self, request: IntentRequest) -> Intent:
        """Order a code; the same order again gets it again, another amount never a second one."""
        if request.currency != CURRENCY:
            raise GatewayRefused("currency")
        number = order_number(request.attempt_id)
        body: dict[str, Any] = {
            "appid": self._account.app_id,
            "mchid": self._account.merchant_id,
            "description": SUBJECT,
            "out_trade_no": number,
            "notify_url": self._notify_url,
            "amount": {"total": request.amount, "currency": CURRENCY},
        }
        if request.expires_at is not None:
            ends = request.expires_at.astimezone(CITY_TIME)
            body["time_expire"] = ends.isoformat(timespec="seconds")
        try:
            answer = self._call("POST", "/v3/pay/transactions/native", body)
        except GatewayRefused as error:
            if error.code not in _OPENED_BEFORE:
                raise
            return self.fetch_intent(number)
        action = {"code_url": answer.get("code_url")}
        return _intent(number, "requires_action", request.amount, 0, action=action)

    def fetch_intent(self, intent_id: str) -> Intent:
        """Ask what is true of an order; one that was opened is known from then on."""
        found = self._query(intent_id)
        if found is None:
            raise GatewayAmbiguous("WeChat does not know the order that it has opened")
        return found

    def find_intent(self, attempt_id: UUID) -> Intent | None:
        """Ask by our order number; None when WeChat has no such order."""
        return self._query(order_number(attempt_id))

    def cancel_intent(self, intent_id: str) -> Intent:
        """Close an order, and return what it then is: paid, if the citizen was faster."""
        forbid_open_transaction(NAME)
        try:
            self._call("POST", f"{_order(intent_id)}/close", {"mchid": self._account.merchant_id})
        except GatewayRefused:
            return self.fetch_intent(intent_id)
        return self.fetch_intent(intent_id)

    def send_refund(self, request: RefundRequest) -> GatewayRefund:
        """Return money of an order; the same refund number moves it once."""
        # WeChat wants to be told what the order's whole amount was.
        total = self.fetch_intent(request.intent_id).amount
        number = order_number(request.refund_id)
        body = {
            "out_trade_no": request.intent_id,
            "out_refund_no": number,
            "notify_url": self._notify_url,
            "amount": {"refund": request.amount, "total": total, "currency": CURRENCY},
        }
        return _refund(number, self._call("POST", "/v3/refund/domestic/refunds", body))

    def fetch_refund(self, gateway_refund_id: str) -> GatewayRefund:
        """Ask what is true of a refund."""
        found = self._query_refund(gateway_refund_id)
        if found is None:
            raise GatewayAmbiguous("WeChat does not know the refund that it has taken")
        return found

    def find_refund(self, intent_id: str, refund_id: UUID) -> GatewayRefund | None:
        """Ask by our refund number; None when WeChat has no such refund."""
        del intent_id
        return self._query_refund(order_number(refund_id))

    def next_action(self, intent: Intent, method: Method) -> Mapping[str, Any] | None:
        """Return the code to scan."""
        del method
        code = (intent.next_action or {}).get("code_url")
        if intent.status != "requires_action" or not code:
            return None
        return {"type": "qr_code", "intent": intent.id, "data": code, "image_url": None}

    def list_statement(self, day: date) -> Iterator[StatementLine]:
        """Return every movement of one city day: trades and refunds, then what else moved.

        Raise `StatementUnavailable` at once while a bill is not written, before the first line of
        one whose hash is not what WeChat has signed, and at whatever line it is not as agreed.
        """
        trades = self._bill_url("tradebill", day)
        flow = self._bill_url("fundflowbill", day)
        return chain(self._read_bill(trades, read_trades), self._read_bill(flow, read_fund_flow))

    def _read_bill(
        self,
        bill: tuple[str, str] | None,
        read: Callable[[BinaryIO], Iterator[StatementLine]],
    ) -> Iterator[StatementLine]:
        if bill is None:
            return
        url, digest = bill
        with bill_file(self._egress, url, self._wire.authorization(url)) as file:
            check_hash(file, digest)
            yield from read(file)

    def _bill_url(self, kind: str, day: date) -> tuple[str, str] | None:
        """Return where the bill of a day lies and its SHA-1; None for a day without movements."""
        try:
            answer = self._call("GET", f"/v3/bill/{kind}?bill_date={day.isoformat()}")
        except GatewayAmbiguous as error:
            raise StatementUnavailable(str(error)) from error
        except GatewayRefused as error:
            # There is none for a day without movements either, however long one waits.
            if error.code == _NO_BILL and are_books_closed(day):
                return None
            raise StatementUnavailable(error.code) from error
        url, digest = str(answer.get("download_url")), str(answer.get("hash_value"))
        if answer.get("hash_type") != "SHA1" or not self._wire.is_ours(url):
            raise StatementUnavailable("the bill lies elsewhere, or has no hash")
        return url, digest

    def _query(self, number: str) -> Intent | None:
        path = f"{_order(number)}?mchid={self._account.merchant_id}"
        answer = self._ask(path, absent=_NO_ORDER)
        if answer is None:
            return None
        if (answer.get("out_trade_no"), answer.get("mchid")) != (number, self._account.merchant_id):
            raise GatewayAmbiguous("the answer is about another order")
        state = answer.get("trade_state")
        status = _STATUS.get(state, str(state))
        amount = answer.get("amount") or {}
        total = amount.get("total")
        received = total if status == "succeeded" else 0
        if not isinstance(received, int):
            raise GatewayAmbiguous("the answer has no amount")
        return _intent(
            number,
            status,
            total,
            received,
            currency=amount.get("currency", CURRENCY),
            decline_code=state if state == "PAYERROR" else None,
        )

    def _query_refund(self, number: str) -> GatewayRefund | None:
        answer = self._ask(f"/v3/refund/domestic/refunds/{number}", absent=_NO_REFUND)
        return None if answer is None else _refund(number, answer)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        forbid_open_transaction(NAME)
        return self._wire.call(method, path, body)

    def _ask(self, path: str, *, absent: frozenset[str]) -> Any:  # noqa: ANN401 - JSON
        forbid_open_transaction(NAME)
        return self._wire.ask(path, absent=absent)


def _order(number: str) -> str:
    return f"/v3/pay/transactions/out-trade-no/{number}"


def _refund(number: str, answer: Mapping[str, Any]) -> GatewayRefund:
    amount = (answer.get("amount") or {}).get("refund")
    if answer.get("out_refund_no") != number or not isinstance(amount, int):
        raise GatewayAmbiguous("the answer is about another refund")
    status = _REFUND_STATUS.get(str(answer.get("status")), "pending")
    return GatewayRefund(number, status, amount)


def _intent(
    number: str,
    status: str,
    amount: int | None,
    received: int,
    *,
    currency: str = CURRENCY,
    action: Mapping[str, Any] | None = None,
    decline_code: str | None = None,
) -> Intent:
    return Intent(
        id=number,
        status=status,
        amount=amount,
        amount_received=received,
        currency=currency,
        attempt_id=record_of(number),
        client_secret=None,
        next_action=action,
        decline_code=decline_code,
    )
