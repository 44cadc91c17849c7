"""`/wechat/v3`: every call of a merchant, with its signature, and the signed answer."""

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Blueprint, Response, request

from sandbox.alipay.gateway import somebodys_key
from sandbox.wallets.books import Books, Refused, Row, at
from sandbox.wallets.desk import Desk
from sandbox.wallets.notices import Letter, Sender
from sandbox.wallets.signing import is_signed, sign
from sandbox.wechat.bills import write_fund_flow, write_trades

Body: TypeAlias = dict[str, Any]

_PATIENCE = 300
_SCHEME = "WECHATPAY2-SHA256-RSA2048"
_FIELD = re.compile(r'(mchid|nonce_str|signature|timestamp|serial_no)="([^"]*)"')
_NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}\Z")
_REFUND_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}\Z")
_STATES = {"open": "NOTPAY", "paying": "USERPAYING", "failed": "PAYERROR", "closed": "CLOSED"}
_STATES |= {"paid": "SUCCESS", "finished": "SUCCESS"}
_REFUND_STATES = {"processing": "PROCESSING", "done": "SUCCESS"}
_REFUND_STATES |= {"closed": "CLOSED", "abnormal": "ABNORMAL"}
_BILLS = {"tradebill": write_trades, "fundflowbill": write_fund_flow}


class _No(Exception):
    """A refusal in WeChat's own words."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class Wechat:
    """The wallet: what a merchant may ask, and what it is told."""

    name = "wechat"

    def __init__(self, desk: Desk, books: Books) -> None:
        self.desk = desk
        self.books = books
        self._nonces: set[str] = set()
        self.blueprint = Blueprint("wechat", __name__, url_prefix="/wechat/v3")
        routes: tuple[tuple[str, str, Callable[..., tuple[int, Body | None]]], ...] = (
            ("POST", "/pay/transactions/native", self._open),
            ("GET", "/pay/transactions/out-trade-no/<number>", self._query),
            ("POST", "/pay/transactions/out-trade-no/<number>/close", self._close),
            ("POST", "/refund/domestic/refunds", self._refund),
            ("GET", "/refund/domestic/refunds/<number>", self._query_refund),
            ("GET", "/bill/<any(tradebill, fundflowbill):kind>", self._find_bill),
        )
        for method, path, work in routes:
            self.blueprint.add_url_rule(
                path,
                endpoint=work.__name__.strip("_"),
                view_func=self._view(work),
                methods=[method],
            )
        self.blueprint.add_url_rule("/billdownload/file", view_func=self._download)
        desk.notices.connect(
            self.name,
            Sender(self._write, lambda status, _: 200 <= status < 300),  # noqa: PLR2004
        )

    def tell_paid(self, order: Row) -> None:
        """Queue the notice that an order was paid."""
        content = {**self._show(order), "payer": {"openid": "oSandbox"}}
        self.desk.notices.put(
            self.name, "TRANSACTION.SUCCESS", order["number"], order["notify_url"], content
        )

    def tell_refund(self, refund: Row) -> None:
        """Queue the notice of how a refund ended."""
        state = _REFUND_STATES[refund["state"]]
        order = self.books.get(refund["trade"])
        shown = self._show_refund(refund)
        content = {
            "mchid": self.desk.keys.merchant_id,
            **{name: shown[name] for name in ("out_trade_no", "transaction_id", "out_refund_no")},
            "refund_id": shown["refund_id"],
            "refund_status": state,
            "user_received_account": "零钱",
            "amount": {"total": order["amount"], "refund": refund["amount"]},
        }
        url = refund["notify_url"] or order["notify_url"]
        self.desk.notices.put(self.name, f"REFUND.{state}", refund["trade"], url, content)

    def _write(self, row: Row) -> Letter:
        keys = self.desk.keys
        nonce, plain = secrets.token_hex(6), row["content"].encode()
        kind = "refund" if row["kind"].startswith("REFUND") else "transaction"
        sealed = AESGCM(keys.api_v3_key.encode()).encrypt(nonce.encode(), plain, kind.encode())
        body = {
            "id": row["event"],
            "create_time": at(time.time()).isoformat(timespec="seconds"),
            "resource_type": "encrypt-resource",
            "event_type": row["kind"],
            "summary": "通知",
            "resource": {
                "original_type": kind,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": kind,
                "nonce": nonce,
            },
        }
        text = json.dumps(body, ensure_ascii=False)
        return Letter(text.encode(), {**self._signature(text), "Content-Type": "application/json"})

    def _signature(self, text: str, key: str | None = None) -> dict[str, str]:
        stamp, nonce = str(int(time.time())), secrets.token_hex(16)
        return {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": sign(
                f"{stamp}\n{nonce}\n{text}\n", key or self.desk.keys.wechat_key
            ),
            "Wechatpay-Serial": self.desk.keys.wechat_public_key_id,
            "Wechatpay-Signature-Type": _SCHEME,
        }

    def _view(self, work: Callable[..., tuple[int, Body | None]]) -> Callable[..., Response]:
        operation = work.__name__.strip("_")

        def view(**path: str) -> Response:
            return self.desk.carry_out(
                self.name,
                operation,
                lambda: self._work(work, path),
                lambda: self._answer(500, {"code": "SYSTEM_ERROR", "message": "系统错误"}),
                self._forge,
            )

        return view

    def _work(self, work: Callable[..., tuple[int, Body | None]], path: dict[str, str]) -> Response:
        words = {
            "absent": (404, "ORDER_NOT_EXIST"),
            "closed": (400, "ORDER_CLOSED"),
            "paid": (400, "ORDERPAID"),
            "inconsistent": (403, "OUT_TRADE_NO_USED"),
            "past": (400, "PARAM_ERROR"),
        }
        try:
            self._authenticate()
            with self.desk.store.change():
                return self._answer(*work(**path))
        except _No as no:
            return self._answer(no.status, {"code": no.code, "message": "拒绝"})
        except Refused as refused:
            status, code = words.get(refused.reason, (400, "INVALID_REQUEST"))
            return self._answer(status, {"code": code, "message": "拒绝"})

    def _authenticate(self) -> None:
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        given = dict(_FIELD.findall(rest))
        keys = self.desk.keys
        if scheme != _SCHEME or len(given) != 5:  # noqa: PLR2004 - the five of the scheme
            raise _No(401, "SIGN_ERROR")
        if (given["mchid"], given["serial_no"]) != (keys.merchant_id, keys.merchant_serial):
            raise _No(401, "SIGN_ERROR")
        target = request.full_path if request.query_string else request.path
        text = "\n".join(
            [request.method, target, given["timestamp"], given["nonce_str"], _body_text(), ""]
        )
        if not is_signed(text, given["signature"], keys.merchant_public_key):
            raise _No(401, "SIGN_ERROR")
        is_old = abs(int(given["timestamp"]) - time.time()) > _PATIENCE
        if is_old or given["nonce_str"] in self._nonces:
            raise _No(401, "SIGN_ERROR")
        self._nonces.add(given["nonce_str"])

    def _answer(self, status: int, body: Body | None, key: str | None = None) -> Response:
        text = "" if body is None else json.dumps(body, ensure_ascii=False)
        answer = Response(text, status, self._signature(text, key))
        answer.content_type = "application/json; charset=utf-8"
        return answer

    def _forge(self, answer: Response, kind: str) -> Response:
        if kind == "unsigned":
            for name in [n for n, _ in answer.headers if n.startswith("Wechatpay-")]:
                del answer.headers[name]
            return answer
        text = answer.get_data(as_text=True)
        return self._answer(answer.status_code, json.loads(text) if text else None, somebodys_key())

    def _open(self) -> tuple[int, Body]:
        body = _read(
            {"appid", "mchid", "description", "out_trade_no", "notify_url", "amount"},
            {"time_expire"},
        )
        self._is_ours(body)
        if body["appid"] != self.desk.keys.wechat_app_id:
            raise _No(400, "APPID_MCHID_NOT_MATCH")
        total = _amount(body["amount"], "total", {"currency"})
        if not _NUMBER.match(body["out_trade_no"]):
            raise _No(400, "PARAM_ERROR")
        ends = body.get("time_expire")
        order = self.books.open(
            body["out_trade_no"],
            total,
            body,
            notify_url=body["notify_url"],
            expires_at=_moment(ends) if ends else None,
        )
        return 200, {"code_url": f"weixin://wxpay/bizpayurl?pr={order['code']}"}

    def _query(self, number: str) -> tuple[int, Body]:
        self._is_ours(request.args.to_dict())
        return 200, self._show(self.books.get(number))

    def _show(self, order: Row) -> Body:
        state = _STATES[order["state"]]
        body = {
            "appid": self.desk.keys.wechat_app_id,
            "mchid": self.desk.keys.merchant_id,
            "out_trade_no": order["number"],
            "trade_state": state,
            "trade_state_desc": state,
            "amount": {"total": order["amount"], "currency": "CNY"},
        }
        if order["paid_at"] is None:
            return body
        return {
            **body,
            "trade_state": "REFUND" if order["refunded"] else state,
            "transaction_id": order["theirs"],
            "trade_type": "NATIVE",
            "success_time": at(order["paid_at"]).isoformat(timespec="seconds"),
        }

    def _close(self, number: str) -> tuple[int, None]:
        self._is_ours(_read({"mchid"}, set()))
        self.books.close(number)
        return 204, None

    def _refund(self) -> tuple[int, Body]:
        body = _read({"out_trade_no", "out_refund_no", "amount"}, {"reason", "notify_url"})
        number = body["out_refund_no"]
        refund, total = (
            _amount(body["amount"], n, {"currency", "refund", "total"}) for n in ("refund", "total")
        )
        order = self.books.find(body["out_trade_no"])
        if order is None:
            raise _No(404, "RESOURCE_NOT_EXISTS")
        if total != order["amount"] or not _REFUND_NUMBER.match(number):
            raise _No(400, "PARAM_ERROR")
        made, _ = self.books.refund(
            number, order["number"], refund, notify_url=body.get("notify_url")
        )
        return 200, self._show_refund(made)

    def _query_refund(self, number: str) -> tuple[int, Body]:
        found = self.books.find_refund(number)
        if found is None:
            raise _No(404, "RESOURCE_NOT_EXISTS")
        return 200, self._show_refund(found)

    def _show_refund(self, refund: Row) -> Body:
        order = self.books.get(refund["trade"])
        return {
            "refund_id": refund["theirs"],
            "out_refund_no": refund["number"],
            "transaction_id": order["theirs"],
            "out_trade_no": order["number"],
            "channel": "ORIGINAL",
            "status": _REFUND_STATES[refund["state"]],
            "amount": {"total": order["amount"], "refund": refund["amount"], "currency": "CNY"},
        }

    def _find_bill(self, kind: str) -> tuple[int, Body]:
        day = _day(request.args.get("bill_date", ""))
        if not self.desk.are_closed(self.name, day):
            raise _No(400, "STATEMENT_CREATING")
        file = _BILLS[kind](self.books, self.desk.keys, day)
        if file is None:
            raise _No(400, "NO_STATEMENT_EXIST")
        return 200, {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(file, usedforsecurity=False).hexdigest(),
            "download_url": f"{request.host_url}wechat/v3/billdownload/file?token={kind}.{day}",
        }

    def _download(self) -> Response:
        try:
            self._authenticate()
        except _No as no:
            return self._answer(no.status, {"code": no.code, "message": "拒绝"})
        kind, _, day = request.args.get("token", "").partition(".")
        file = _BILLS[kind](self.books, self.desk.keys, _day(day))
        return Response(file, content_type="text/plain")

    def _is_ours(self, body: Body) -> None:
        if body.get("mchid") != self.desk.keys.merchant_id:
            raise _No(400, "APPID_MCHID_NOT_MATCH")


def _body_text() -> str:
    return request.get_data(as_text=True)


def _read(wanted: set[str], maybe: set[str]) -> Body:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict) or not wanted <= body.keys() <= wanted | maybe:
        raise _No(400, "PARAM_ERROR")
    if not all(isinstance(value, str) for name, value in body.items() if name != "amount"):
        raise _No(400, "PARAM_ERROR")
    return body


def _amount(amount: object, name: str, names: set[str]) -> int:
    """Return one whole number of fen of an amount in CNY."""
    if not isinstance(amount, dict) or not amount.keys() <= names | {name}:
        raise _No(400, "PARAM_ERROR")
    value = amount.get(name)
    if type(value) is not int or value < 1 or amount.get("currency") != "CNY":
        raise _No(400, "PARAM_ERROR")
    return value


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _No(400, "PARAM_ERROR") from None
    if moment.tzinfo is None:
        raise _No(400, "PARAM_ERROR")
    return moment.timestamp()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _No(400, "PARAM_ERROR") from None
