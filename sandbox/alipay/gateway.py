"""`/alipay/gateway.do`: every call of a merchant, with its signature, and the signed answer."""

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Blueprint, Response, request

from sandbox.alipay.bills import write_bill
from sandbox.wallets.books import Books, Refused, Row, at
from sandbox.wallets.desk import Desk
from sandbox.wallets.notices import Letter, Sender
from sandbox.wallets.signing import is_signed, sign

Body: TypeAlias = dict[str, Any]

_YUAN = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?\Z")
_NUMBER = re.compile(r"[0-9A-Za-z_]{1,64}\Z")
_COMMON = {"app_id", "method", "format", "charset", "sign_type", "timestamp", "version"}
_STATES = {"open": "WAIT_BUYER_PAY", "paying": "WAIT_BUYER_PAY", "failed": "WAIT_BUYER_PAY"}
_STATES |= {"closed": "TRADE_CLOSED", "paid": "TRADE_SUCCESS", "finished": "TRADE_FINISHED"}
_WORDS = {
    "absent": "ACQ.TRADE_NOT_EXIST",
    "closed": "ACQ.TRADE_HAS_CLOSE",
    "paid": "ACQ.TRADE_HAS_SUCCESS",
    "inconsistent": "ACQ.CONTEXT_INCONSISTENT",
    "past": "ACQ.INVALID_PARAMETER",
}


class _No(Exception):
    """A refusal in Alipay's own words."""

    def __init__(self, sub_code: str, code: str = "40004") -> None:
        super().__init__(sub_code)
        self.body = {
            "code": code,
            "msg": "Business Failed",
            "sub_code": sub_code,
            "sub_msg": "拒绝",
        }


class Alipay:
    """The wallet: what a merchant may ask, and what it is told."""

    name = "alipay"

    def __init__(self, desk: Desk, books: Books) -> None:
        self.desk = desk
        self.books = books
        self._methods: Mapping[str, Callable[[Body], Body]] = {
            "alipay.trade.precreate": self._precreate,
            "alipay.trade.query": self._query,
            "alipay.trade.close": self._close,
            "alipay.trade.refund": self._refund,
            "alipay.trade.fastpay.refund.query": self._query_refund,
            "alipay.data.dataservice.bill.downloadurl.query": self._find_bill,
        }
        self.blueprint = Blueprint("alipay", __name__, url_prefix="/alipay")
        self.blueprint.add_url_rule("/gateway.do", view_func=self._answer, methods=["POST", "GET"])
        self.blueprint.add_url_rule("/bills/<token>.zip", view_func=self._download)
        desk.notices.connect(self.name, Sender(self._write, lambda _, body: body == b"success"))

    def tell_paid(self, order: Row) -> None:
        """Queue the notice that a trade was paid."""
        self._tell(order, "TRADE_SUCCESS", {})

    def tell_refund(self, refund: Row) -> None:
        """Queue the notice that money went back: Alipay tells it of the trade."""
        order = self.books.get(refund["trade"])
        whole = order["refunded"] == order["amount"]
        more = {
            "refund_fee": _yuan(order["refunded"]),
            "out_biz_no": refund["number"],
            "gmt_refund": _written(refund["done_at"]),
        }
        self._tell(order, "TRADE_CLOSED" if whole else "TRADE_SUCCESS", more)

    def _tell(self, order: Row, state: str, more: Body) -> None:
        content = {
            "notify_type": "trade_status_sync",
            "trade_status": state,
            "trade_no": order["theirs"],
            "out_trade_no": order["number"],
            "total_amount": _yuan(order["amount"]),
            "receipt_amount": _yuan(order["amount"]),
            "gmt_payment": _written(order["paid_at"]),
            "subject": json.loads(order["asked"])["subject"],
            "buyer_logon_id": "138****0000",
            **more,
        }
        self.desk.notices.put(self.name, state, order["number"], order["notify_url"], content)

    def _write(self, row: Row) -> Letter:
        keys = self.desk.keys
        fields = {
            **json.loads(row["content"]),
            "notify_id": row["event"],
            "notify_time": _written(time.time()),
            "app_id": keys.app_id,
            "seller_id": keys.seller_id,
            "charset": "utf-8",
            "version": "1.0",
        }
        content = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
        signed = {**fields, "sign_type": "RSA2", "sign": sign(content, keys.alipay_key)}
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        return Letter(urlencode(signed).encode(), {"Content-Type": kind})

    def _answer(self) -> Response:
        method = request.values.get("method", "")
        return self.desk.carry_out(
            self.name,
            method,
            lambda: self._signed(method, self._work(method)),
            lambda: self._signed(
                method,
                {
                    "code": "20000",
                    "msg": "Service Currently Unavailable",
                    "sub_code": "isp.unknow-error",
                },
            ),
            lambda answer, kind: self._forge(method, answer, kind),
        )

    def _work(self, method: str) -> Body:
        try:
            content = self._authentic(method)
            with self.desk.store.change():
                return {"code": "10000", "msg": "Success", **self._methods[method](content)}
        except _No as no:
            return no.body
        except Refused as refused:
            return _No(_WORDS.get(refused.reason, "ACQ.TRADE_STATUS_ERROR")).body

    def _authentic(self, method: str) -> Body:
        fields = request.values.to_dict()
        signature = fields.pop("sign", "")
        text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value)
        if fields.get("app_id") != self.desk.keys.app_id:
            raise _No("isv.invalid-app-id", "40002")
        if not is_signed(text, signature, self.desk.keys.merchant_public_key):
            raise _No("isv.invalid-signature", "40002")
        if method not in self._methods:
            raise _No("isv.invalid-method", "40002")
        if not fields.keys() >= _COMMON or fields["sign_type"] != "RSA2":
            raise _No("isv.missing-parameter", "40001")
        try:
            _moment(fields["timestamp"])
            content = json.loads(fields.get("biz_content", ""))
        except ValueError:
            raise _No("isv.invalid-parameter", "40002") from None
        body: Body = {**content, "notify_url": fields.get("notify_url")}
        return body

    def _signed(self, method: str, body: Body, key: str | None = None) -> Response:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        name = f"{method.replace('.', '_')}_response"
        signature = sign(text, key or self.desk.keys.alipay_key)
        whole = f'{{"{name}":{text},"sign":"{signature}"}}'
        return Response(whole, content_type="text/html;charset=utf-8")

    def _forge(self, method: str, answer: Response, kind: str) -> Response:
        body = json.loads(answer.get_data())[f"{method.replace('.', '_')}_response"]
        if kind == "unsigned":
            return Response(json.dumps({f"{method.replace('.', '_')}_response": body}))
        return self._signed(method, body, somebodys_key())

    def _precreate(self, content: Body) -> Body:
        _check(content, {"out_trade_no", "total_amount", "subject"}, {"time_expire"})
        amount = _fen(content["total_amount"])
        ends = content.get("time_expire")
        asked = {name: content.get(name) for name in ("total_amount", "subject")}
        order = self.books.open(
            content["out_trade_no"],
            amount,
            asked,
            notify_url=content["notify_url"],
            expires_at=_moment(ends) if ends else None,
        )
        code = f"https://qr.alipay.com/{order['code']}"
        return {"out_trade_no": order["number"], "qr_code": code}

    def _seen(self, number: str) -> Row:
        """Return a trade; an order that nobody has scanned is none yet."""
        order = self.books.get(number)
        if not order["is_seen"]:
            raise Refused("absent")
        return order

    def _query(self, content: Body) -> Body:
        _check(content, {"out_trade_no"})
        order = self._seen(content["out_trade_no"])
        state = _STATES[order["state"]]
        body = {
            "trade_no": order["theirs"],
            "out_trade_no": order["number"],
            "buyer_logon_id": "138****0000",
            "total_amount": _yuan(order["amount"]),
        }
        if order["paid_at"] is not None:
            if order["refunded"] == order["amount"]:
                state = "TRADE_CLOSED"
            body["send_pay_date"] = _written(order["paid_at"])
            body["receipt_amount"] = _yuan(order["amount"])
        return {**body, "trade_status": state}

    def _close(self, content: Body) -> Body:
        _check(content, {"out_trade_no"})
        order = self._seen(content["out_trade_no"])
        try:
            closed = self.books.close(order["number"])
        except Refused:
            raise _No("ACQ.TRADE_STATUS_ERROR") from None
        return {"trade_no": closed["theirs"], "out_trade_no": closed["number"]}

    def _refund(self, content: Body) -> Body:
        _check(content, {"out_trade_no", "refund_amount", "out_request_no"}, {"refund_reason"})
        order = self._seen(content["out_trade_no"])
        words = {
            "inconsistent": "ACQ.DISCORDANT_REPEAT_REQUEST",
            "excess": "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
            "finished": "ACQ.TRADE_HAS_FINISHED",
            "unpaid": "ACQ.TRADE_STATUS_ERROR",
        }
        try:
            refund, is_first = self.books.refund(
                content["out_request_no"],
                order["number"],
                _fen(content["refund_amount"]),
                notify_url=order["notify_url"],
            )
        except Refused as refused:
            raise _No(words.get(refused.reason, "ACQ.TRADE_STATUS_ERROR")) from None
        if is_first:
            done = self.books.settle_refund(refund["number"], "done")
            assert done is not None
            self.tell_refund(done)
        order = self.books.get(order["number"])
        return {
            "trade_no": order["theirs"],
            "out_trade_no": order["number"],
            "fund_change": "Y" if is_first else "N",
            "refund_fee": _yuan(order["refunded"]),
        }

    def _query_refund(self, content: Body) -> Body:
        _check(content, {"out_trade_no", "out_request_no"})
        order = self._seen(content["out_trade_no"])
        refund = self.books.find_refund(content["out_request_no"])
        if refund is None or refund["trade"] != order["number"]:
            return {}
        body = {
            "trade_no": order["theirs"],
            "out_trade_no": order["number"],
            "out_request_no": refund["number"],
            "total_amount": _yuan(order["amount"]),
            "refund_amount": _yuan(refund["amount"]),
        }
        return body | ({"refund_status": "REFUND_SUCCESS"} if refund["state"] == "done" else {})

    def _find_bill(self, content: Body) -> Body:
        _check(content, {"bill_type", "bill_date"})
        if content["bill_type"] != "trade":
            raise _No("isv.invalid-parameter", "40002")
        day = date.fromisoformat(content["bill_date"])
        moved = self.books.paid_on(day) or self.books.refunded_on(day)
        if not moved or not self.desk.are_closed(self.name, day):
            raise _No("isp.bill_not_exist")
        # Whoever has the address has the bill, so the address is signed.
        token = f"{day.isoformat()}.{sign(day.isoformat(), self.desk.keys.alipay_key)[:32]}"
        url = f"{request.host_url}alipay/bills/{token.replace('/', '_').replace('+', '-')}.zip"
        return {"bill_download_url": url}

    def _download(self, token: str) -> Response:
        day, _, mark = token.partition(".")
        own = sign(day, self.desk.keys.alipay_key)[:32].replace("/", "_").replace("+", "-")
        if mark != own:
            return Response(status=403)
        file = write_bill(self.books, self.desk.keys.seller_id, date.fromisoformat(day))
        return Response(file, content_type="application/zip")


def somebodys_key() -> str:
    """Return a key that nobody trusts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _check(content: Body, wanted: set[str], maybe: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    names = content.keys() - {"notify_url"}
    numbers = [content.get(name, "x") for name in ("out_trade_no", "out_request_no")]
    if not wanted <= names or not names <= wanted | maybe:
        raise _No("isv.invalid-parameter", "40002")
    if not all(isinstance(value, str) for name, value in content.items() if name != "notify_url"):
        raise _No("isv.invalid-parameter", "40002")
    if not all(_NUMBER.match(number) for number in numbers):
        raise _No("ACQ.INVALID_PARAMETER")


def _yuan(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def _fen(text: str) -> int:
    if not _YUAN.match(text):
        raise _No("ACQ.INVALID_PARAMETER")
    whole, _, fraction = text.partition(".")
    amount = int(whole) * 100 + int(f"{fraction}00"[:2])
    if not 1 <= amount <= 10**10:
        raise _No("ACQ.TOTAL_FEE_EXCEED")
    return amount


def _written(moment: float) -> str:
    return f"{at(moment):%Y-%m-%d %H:%M:%S}"


def _moment(text: str) -> float:
    try:
        return datetime.strptime(f"{text} +0800", "%Y-%m-%d %H:%M:%S %z").timestamp()
    except ValueError:
        raise _No("ACQ.INVALID_PARAMETER") from None
