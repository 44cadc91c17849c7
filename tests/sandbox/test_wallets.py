"""The sandbox's wallets are as strict as the real ones: unsigned, repeated, unknown: refused."""

import base64
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from sandbox.wallets import WalletKeys, Wallets, serve_wallets
from sandbox.wallets.signing import is_signed, sign

CITY = 8 * 3600


@pytest.fixture(scope="module")
def keys() -> WalletKeys:
    """Return one merchant's keys for the whole file."""
    return WalletKeys.fresh()


@pytest.fixture(scope="module")
def wallets(keys: WalletKeys) -> Iterator[Wallets]:
    """Serve both wallets in memory."""
    with serve_wallets(keys, refund_seconds=0) as served:
        yield served


def number() -> str:
    return secrets.token_hex(16)


def alipay(wallets: Wallets, method: str, content: object, **more: str) -> dict[str, Any]:
    """Call Alipay as a merchant does, or nearly so, and return its signed answer."""
    keys = wallets.keys
    fields = {
        "app_id": keys.app_id,
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + CITY)),
        "version": "1.0",
        "biz_content": json.dumps(content),
        **more,
    }
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
    fields["sign"] = more.get("sign") or sign(text, keys.merchant_key)
    url = f"{wallets.url}/alipay/gateway.do?{urlencode(fields)}"
    body = urllib3.request("POST", url).data.decode()
    name = f"{method.replace('.', '_')}_response"
    answer: dict[str, Any] = json.loads(body)
    signed = body[body.index(":") + 1 : body.rindex(',"sign"')]
    assert is_signed(signed, answer["sign"], keys.alipay_public_key)
    found: dict[str, Any] = answer[name]
    return found


def precreate(wallets: Wallets, order: str, amount: str = "42.50", **more: str) -> dict[str, Any]:
    content = {"out_trade_no": order, "total_amount": amount, "subject": "缴费", **more}
    return alipay(wallets, "alipay.trade.precreate", content)


def wechat(
    wallets: Wallets, method: str, path: str, body: object = None, **more: str
) -> tuple[int, Any]:
    """Call WeChat Pay as a merchant does, or nearly so, and check the answer's signature."""
    keys, text = wallets.keys, "" if body is None else json.dumps(body)
    stamp, nonce = more.get("stamp") or str(int(time.time())), more.get("nonce") or number()
    target = f"/wechat/v3{path}"
    signed = more.get("signed") or f"{method}\n{target}\n{stamp}\n{nonce}\n{text}\n"
    value = (
        f'WECHATPAY2-SHA256-RSA2048 mchid="{keys.merchant_id}",nonce_str="{nonce}",'
        f'signature="{sign(signed, keys.merchant_key)}",timestamp="{stamp}",'
        f'serial_no="{more.get("serial") or keys.merchant_serial}"'
    )
    answer = urllib3.request(
        method, wallets.url + target, body=text.encode(), headers={"Authorization": value}
    )
    content, sent = answer.data.decode(), answer.headers
    told = f"{sent['Wechatpay-Timestamp']}\n{sent['Wechatpay-Nonce']}\n{content}\n"
    assert is_signed(told, sent["Wechatpay-Signature"], keys.wechat_public_key)
    assert sent["Wechatpay-Serial"] == keys.wechat_public_key_id
    return answer.status, json.loads(content) if content else None


def native(wallets: Wallets, order: str, **more: object) -> tuple[int, Any]:
    body = {
        "appid": wallets.keys.wechat_app_id,
        "mchid": wallets.keys.merchant_id,
        "description": "缴费",
        "out_trade_no": order,
        "notify_url": "http://127.0.0.1:9/",
        "amount": {"total": 4250, "currency": "CNY"},
        **more,
    }
    return wechat(wallets, "POST", "/pay/transactions/native", body)


def test_alipay_takes_what_is_signed_and_known(wallets: Wallets) -> None:
    order = number()
    assert precreate(wallets, order)["qr_code"].startswith("https://qr.alipay.com/")
    assert precreate(wallets, order)["code"] == "10000"
    assert precreate(wallets, order, "42.51")["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"sign": base64.b64encode(b"0" * 256).decode()}, "isv.invalid-signature"),
        ({"sign": "%%%"}, "isv.invalid-signature"),
        ({"app_id": "2021"}, "isv.invalid-app-id"),
        ({"timestamp": "2026-11-28T00:00:00Z"}, "ACQ.INVALID_PARAMETER"),
        ({"biz_content": "{"}, "isv.invalid-parameter"),
        ({"sign_type": "RSA"}, "isv.missing-parameter"),
    ],
)
def test_alipay_refuses_what_is_not(wallets: Wallets, more: dict[str, str], code: str) -> None:
    assert alipay(wallets, "alipay.trade.query", {"out_trade_no": "T"}, **more)["sub_code"] == code


@pytest.mark.parametrize(
    "content",
    [
        {"out_trade_no": "T1", "total_amount": "42.505", "subject": "a"},
        {"out_trade_no": "T1", "total_amount": "0.00", "subject": "a"},
        {"out_trade_no": "T1", "total_amount": 42, "subject": "a"},
        {"out_trade_no": "T-1", "total_amount": "1.00", "subject": "a"},
        {"out_trade_no": "T1", "total_amount": "1.00"},
        {"out_trade_no": "T1", "total_amount": "1.00", "subject": "a", "colour": "red"},
        {"out_trade_no": "T1", "total_amount": "1.00", "subject": "a", "time_expire": "soon"},
    ],
)
def test_alipay_refuses_an_order_that_is_not_as_documented(
    wallets: Wallets, content: dict[str, object]
) -> None:
    assert alipay(wallets, "alipay.trade.precreate", content)["code"] in {"40002", "40004"}
    asked = alipay(wallets, "alipay.trade.query", {"out_trade_no": "T1"})
    assert asked["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_wechat_takes_what_is_signed_and_known(wallets: Wallets) -> None:
    order = number()
    status, answer = native(wallets, order)
    assert (status, answer["code_url"][:25]) == (200, "weixin://wxpay/bizpayurl?")
    assert native(wallets, order) == (200, answer)
    changed = native(wallets, order, amount={"total": 1, "currency": "CNY"})
    assert (changed[0], changed[1]["code"]) == (403, "OUT_TRADE_NO_USED")


@pytest.mark.parametrize("more", [{"signed": "x"}, {"serial": "0"}, {"stamp": "1700000000"}])
def test_wechat_refuses_what_is_not_signed_now(wallets: Wallets, more: dict[str, str]) -> None:
    path = f"/pay/transactions/out-trade-no/{number()}?mchid={wallets.keys.merchant_id}"
    status, answer = wechat(wallets, "GET", path, **more)
    assert (status, answer["code"]) == (401, "SIGN_ERROR")


def test_wechat_refuses_a_call_that_it_has_heard(wallets: Wallets) -> None:
    path = f"/pay/transactions/out-trade-no/{number()}?mchid={wallets.keys.merchant_id}"
    nonce = number()
    answers = [wechat(wallets, "GET", path, nonce=nonce)[1]["code"] for _ in range(2)]
    assert answers == ["ORDER_NOT_EXIST", "SIGN_ERROR"]


@pytest.mark.parametrize(
    "more",
    [
        {"amount": {"total": "4250", "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"amount": {"total": 0, "currency": "CNY"}},
        {"amount": {"total": 1, "currency": "USD"}},
        {"amount": {"total": 1, "currency": "CNY", "tip": 1}},
        {"mchid": "1900000000"},
        {"appid": "wx0"},
        {"time_expire": "2026-11-28 10:00:00"},
        {"time_expire": "2026-11-28T10:00:00+08:00", "colour": "red"},
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
    ],
)
def test_wechat_refuses_an_order_that_is_not_as_documented(
    wallets: Wallets, more: dict[str, object]
) -> None:
    assert native(wallets, number(), **more)[0] == 400


def test_what_was_answered_survives_the_end_of_the_server(keys: WalletKeys, tmp_path: Path) -> None:
    order = number()
    with serve_wallets(keys, data_dir=tmp_path / "wallets") as first:
        native(first, order)
        url = f"{first.url}/sandbox/wechat/orders/{order}/approve"
        assert urllib3.request("POST", url, json={}).status == 200
    with serve_wallets(keys, data_dir=tmp_path / "wallets") as second:
        assert native(second, order)[1]["code"] == "ORDERPAID"


def test_keys_are_made_once(tmp_path: Path) -> None:
    file = tmp_path / "wallets.json"
    made = WalletKeys.kept_in(file)
    assert WalletKeys.kept_in(file) == made
    assert file.stat().st_mode & 0o777 == 0o600
