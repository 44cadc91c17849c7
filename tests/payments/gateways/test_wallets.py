"""What is Alipay's own and WeChat Pay's own: their states, their signatures, their silences."""

import base64
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.clock import CITY_TIME, now
from app.core.egress import Egress
from app.core.ids import new_id
from app.payments.errors import SignatureInvalid
from app.payments.gateway import (
    AlipayAccount,
    AlipayGateway,
    Gateway,
    GatewayAmbiguous,
    GatewayRefused,
    Movement,
    StatementUnavailable,
    WechatAccount,
    WechatGateway,
)
from app.payments.gateway.alipay import secure
from app.payments.gateway.wallets import order_number
from app.payments.values import Method
from sandbox.wallets import WalletKeys, serve_wallets
from sandbox.wallets.signing import sign
from tests.factories import later, today_for
from tests.payments.gateways.tills import WECHAT_CALLS, WalletTill, open_paid, refund_of, request_of

WALLETS = ("alipay", "wechat")
NOTICES = "https://api.example.org/v1/payments/webhooks"


@dataclass(frozen=True)
class Own:
    """Two wallets of this file's own, whose keys it has, and gateways that speak to them."""

    url: str
    keys: WalletKeys
    egress: Egress

    def alipay(self, **more: str) -> AlipayGateway:
        """Return Alipay, with an account that differs as told."""
        account = AlipayAccount(
            app_id=self.keys.app_id,
            private_key=self.keys.merchant_key,
            public_key=self.keys.alipay_public_key,
            api_base=f"{self.url}/alipay/gateway.do",
        )
        return AlipayGateway(
            replace(account, **more), notify_url=NOTICES, egress=self.egress, total_seconds=8
        )

    def wechat(self, **more: str) -> WechatGateway:
        """Return WeChat Pay, with an account that differs as told."""
        account = WechatAccount(
            app_id=self.keys.wechat_app_id,
            merchant_id=self.keys.merchant_id,
            merchant_serial=self.keys.merchant_serial,
            private_key=self.keys.merchant_key,
            public_key=self.keys.wechat_public_key,
            public_key_id=self.keys.wechat_public_key_id,
            api_v3_key=self.keys.api_v3_key,
            api_base=f"{self.url}/wechat",
        )
        return WechatGateway(
            replace(account, **more), notify_url=NOTICES, egress=self.egress, total_seconds=8
        )

    def alipay_notice(self, **fields: str) -> bytes:
        """Return a notice that Alipay's key has signed, whatever it says."""
        moment = now().astimezone(CITY_TIME)
        content = {
            "notify_id": secrets.token_hex(8),
            "notify_time": f"{moment:%Y-%m-%d %H:%M:%S}",
            "notify_type": "trade_status_sync",
            "app_id": self.keys.app_id,
            "out_trade_no": order_number(new_id()),
            **fields,
        }
        text = "&".join(f"{name}={value}" for name, value in sorted(content.items()))
        signature = sign(text, self.keys.alipay_key)
        return urlencode({**content, "sign_type": "RSA2", "sign": signature}).encode()

    def wechat_notice(
        self, content: object, *, key: str = "", **resource: str
    ) -> tuple[bytes, dict[str, str]]:
        """Return a notice that WeChat's key has signed, whatever it says."""
        nonce = secrets.token_hex(6)
        plain = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        sealed = AESGCM((key or self.keys.api_v3_key).encode()).encrypt(nonce.encode(), plain, b"t")
        body = {
            "id": secrets.token_hex(8),
            "event_type": "TRANSACTION.SUCCESS",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": "t",
                "nonce": nonce,
                **resource,
            },
        }
        return self.signed(json.dumps(body))

    def signed(self, text: str) -> tuple[bytes, dict[str, str]]:
        """Return a text with the headers of WeChat's signature."""
        stamp, nonce = str(int(time.time())), secrets.token_hex(8)
        return text.encode(), {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": self.keys.wechat_public_key_id,
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
            "Wechatpay-Signature": sign(f"{stamp}\n{nonce}\n{text}\n", self.keys.wechat_key),
        }


@pytest.fixture(scope="module")
def own() -> Iterator[Own]:
    """Serve two wallets whose keys are known here."""
    with serve_wallets(WalletKeys.fresh(), refund_seconds=0) as wallets:
        egress = Egress(frozenset({urlsplit(wallets.url).netloc}))
        yield Own(wallets.url, wallets.keys, egress)
        egress.close()


@pytest.fixture(params=WALLETS)
def wallet(request: pytest.FixtureRequest) -> WalletTill:
    """Return each wallet in turn."""
    found: WalletTill = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("kind", ["unsigned", "forged", "garbage"])
def test_an_answer_without_the_wallets_signature_is_none(wallet: WalletTill, kind: str) -> None:
    request = request_of(wallet)
    wallet.fail("open", kind)
    with pytest.raises(GatewayAmbiguous):
        wallet.gateway.open_intent(request)
    intent = wallet.gateway.open_intent(request)
    assert wallet.pay(intent)
    wanted = refund_of(intent, 100)
    for call, ask in (
        ("fetch", lambda: wallet.gateway.fetch_intent(intent.id)),
        ("fetch", lambda: wallet.gateway.find_intent(request.attempt_id)),
        ("cancel", lambda: wallet.gateway.cancel_intent(intent.id)),
        ("refund", lambda: wallet.gateway.send_refund(wanted)),
        ("fetch_refund", lambda: wallet.gateway.find_refund(intent.id, wanted.refund_id)),
    ):
        wallet.fail(call, kind)
        with pytest.raises(GatewayAmbiguous):
            ask()


def test_a_refusal_without_the_wallets_signature_is_none(wallet: WalletTill) -> None:
    nobody = new_id()
    assert wallet.gateway.find_intent(nobody) is None
    for kind in ("unsigned", "forged"):
        wallet.fail("fetch", kind)
        with pytest.raises(GatewayAmbiguous):
            wallet.gateway.find_intent(nobody)


def test_a_question_that_is_refused_says_nothing_of_what_was_asked(own: Own) -> None:
    strangers: list[Gateway] = [
        own.alipay(app_id="2021000000000000"),
        own.alipay(private_key=own.keys.alipay_key),
        own.wechat(merchant_serial="0" * 40),
        own.wechat(private_key=own.keys.wechat_key),
        own.wechat(merchant_id="1900000000"),
    ]
    for gateway in strangers:
        with pytest.raises(GatewayAmbiguous):
            gateway.find_intent(new_id())
        with pytest.raises(GatewayAmbiguous):
            gateway.find_refund(order_number(new_id()), new_id())


def test_answers_of_another_key_are_never_believed(own: Own) -> None:
    mistaken: list[Gateway] = [
        own.alipay(public_key=own.keys.wechat_public_key),
        own.wechat(public_key=own.keys.alipay_public_key),
        own.wechat(public_key_id="PUB_KEY_ID_0"),
    ]
    for gateway in mistaken:
        with pytest.raises(GatewayAmbiguous):
            gateway.find_intent(new_id())


def test_nobody_there_is_ambiguous(own: Own) -> None:
    nowhere = Egress(frozenset({"127.0.0.1:9"}))
    away: list[Gateway] = [
        replace(own, egress=nowhere).alipay(api_base="http://127.0.0.1:9/gateway.do"),
        replace(own, egress=nowhere).wechat(api_base="http://127.0.0.1:9"),
    ]
    for gateway in away:
        with pytest.raises(GatewayAmbiguous):
            gateway.find_intent(new_id())
    nowhere.close()


def test_only_the_currency_of_the_wallets_is_taken(wallet: WalletTill) -> None:
    before = wallet.count("open")
    with pytest.raises(GatewayRefused):
        wallet.gateway.open_intent(replace(request_of(wallet), currency="EUR"))
    assert wallet.count("open") == before


def test_what_is_past_its_end_is_not_opened(wallet: WalletTill) -> None:
    late = replace(request_of(wallet), expires_at=now() - timedelta(seconds=1))
    with pytest.raises(GatewayRefused):
        wallet.gateway.open_intent(late)
    assert wallet.gateway.find_intent(late.attempt_id) is None


def test_an_order_ends_with_its_payment(wallet: WalletTill) -> None:
    soon = replace(request_of(wallet), expires_at=now() + timedelta(seconds=6))
    intent = wallet.gateway.open_intent(soon)
    wallet.scan(intent)
    deadline = time.monotonic() + 60
    while wallet.gateway.fetch_intent(intent.id).status != "canceled":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not wallet.pay(intent)


class TestAlipay:
    """Alipay has no trade before its code is scanned, and one word for two ends."""

    def test_a_code_that_nobody_scanned_is_no_trade_yet(self, alipay: WalletTill) -> None:
        request = request_of(alipay)
        intent = alipay.gateway.open_intent(request)
        asked = alipay.gateway.fetch_intent(intent.id)
        assert (asked.status, asked.amount, asked.attempt_id) == (
            "requires_action",
            None,
            str(request.attempt_id),
        )
        assert alipay.gateway.find_intent(request.attempt_id) is None
        assert alipay.gateway.next_action(asked, alipay.method) is None

    def test_a_code_that_nobody_scanned_may_still_be_paid_after_its_end(
        self, alipay: WalletTill
    ) -> None:
        intent = alipay.gateway.open_intent(request_of(alipay))
        ended = alipay.gateway.cancel_intent(intent.id)
        assert (ended.status, ended.amount, ended.amount_received) == ("canceled", None, 0)
        assert alipay.pay(intent)
        late = alipay.gateway.fetch_intent(intent.id)
        assert (late.status, late.amount_received) == ("succeeded", 4250)

    def test_a_trade_that_is_finished_has_its_money_and_returns_none(
        self, alipay: WalletTill
    ) -> None:
        intent = open_paid(alipay)
        alipay.control("POST", f"/orders/{intent.id}/finished", {})
        assert alipay.gateway.fetch_intent(intent.id).status == "succeeded"
        with pytest.raises(GatewayRefused, match="TRADE_HAS_FINISHED"):
            alipay.gateway.send_refund(refund_of(intent, 1))

    def test_the_same_refund_number_never_means_another_amount(self, alipay: WalletTill) -> None:
        intent = open_paid(alipay)
        wanted = refund_of(intent, 1000)
        alipay.gateway.send_refund(wanted)
        with pytest.raises(GatewayRefused, match="DISCORDANT"):
            alipay.gateway.send_refund(replace(wanted, amount=2000))
        assert alipay.refunded(intent) == 1000

    def test_a_refund_that_alipay_does_not_tell_of_is_not_done(self, alipay: WalletTill) -> None:
        intent = open_paid(alipay)
        with pytest.raises(GatewayAmbiguous):
            alipay.gateway.fetch_refund(f"{intent.id}:{order_number(new_id())}")
        assert alipay.gateway.find_refund(intent.id, new_id()) is None

    def test_a_notice_for_another_application_is_refused(self, own: Own) -> None:
        gateway = own.alipay()
        assert gateway.read_notification(own.alipay_notice(), {}, now()).attempt_id
        for fields in ({"app_id": "2021000000000000"}, {"notify_id": ""}, {"notify_time": "now"}):
            with pytest.raises(SignatureInvalid):
                gateway.read_notification(own.alipay_notice(**fields), {}, now())

    def test_a_notice_of_a_refund_names_the_refund(self, own: Own) -> None:
        refund_id = new_id()
        raw = own.alipay_notice(out_biz_no=order_number(refund_id), trade_status="TRADE_CLOSED")
        hint = own.alipay().read_notification(raw, {}, now())
        assert (hint.refund_id, hint.kind) == (str(refund_id), "trade_status_sync.TRADE_CLOSED")

    def test_a_signature_with_another_spelling_is_refused(self, own: Own) -> None:
        raw = own.alipay_notice()
        for changed in (raw.replace(b"%3D%3D", b"%3D%3D%0A"), raw.replace(b"RSA2", b"RSA")):
            with pytest.raises(SignatureInvalid):
                own.alipay().read_notification(changed, {}, now())


class TestWechat:
    """WeChat Pay has more states, and refunds that take their time."""

    @pytest.mark.parametrize(
        ("act", "status", "decline"),
        [
            ("paying", "processing", None),
            ("failed", "requires_payment_method", "PAYERROR"),
            ("scan", "requires_action", None),
        ],
    )
    def test_each_state_has_its_meaning(
        self, wechat: WalletTill, act: str, status: str, decline: str | None
    ) -> None:
        intent = wechat.gateway.open_intent(request_of(wechat))
        wechat.control("POST", f"/orders/{intent.id}/{act}", {})
        asked = wechat.gateway.fetch_intent(intent.id)
        assert (asked.status, asked.decline_code) == (status, decline)
        assert (asked.amount, asked.amount_received) == (4250, 0)

    def test_somebody_who_is_paying_is_not_cut_off(self, wechat: WalletTill) -> None:
        intent = wechat.gateway.open_intent(request_of(wechat))
        wechat.control("POST", f"/orders/{intent.id}/paying", {})
        assert wechat.gateway.cancel_intent(intent.id).status == "processing"
        wechat.control("POST", f"/orders/{intent.id}/open", {})
        assert wechat.gateway.cancel_intent(intent.id).status == "canceled"

    def test_what_was_partly_returned_was_paid(self, wechat: WalletTill) -> None:
        intent = open_paid(wechat)
        wechat.gateway.send_refund(refund_of(intent, 1))
        asked = wechat.gateway.fetch_intent(intent.id)
        assert (asked.status, asked.amount_received) == ("succeeded", 4250)

    @pytest.mark.parametrize(
        ("state", "status", "kept"),
        [("abnormal", "requires_action", 0), ("closed", "failed", 4250)],
    )
    def test_a_refund_that_fails_says_how(
        self, own: Own, state: str, status: str, kept: int
    ) -> None:
        with serve_wallets(own.keys, refund_seconds=3600) as wallets:
            egress = Egress(frozenset({urlsplit(wallets.url).netloc}))
            there = Own(wallets.url, own.keys, egress)
            till = WalletTill(there.wechat(), _Elsewhere(wallets.url), *_WECHAT)  # type: ignore[arg-type]
            intent = open_paid(till)
            sent = till.gateway.send_refund(refund_of(intent, 4250))
            assert (sent.status, sent.amount) == ("pending", 4250)
            till.control("POST", f"/refunds/{sent.id}/{state}", {})
            assert till.gateway.fetch_refund(sent.id).status == status
            assert till.refunded(intent) == 4250 - kept
            egress.close()

    def test_a_notice_that_is_not_for_us_or_not_readable_is_refused(self, own: Own) -> None:
        gateway = own.wechat()
        ours: dict[str, Any] = {"mchid": own.keys.merchant_id, "out_trade_no": "0" * 32}
        assert gateway.read_notification(*own.wechat_notice(ours), now()).intent_id == "0" * 32
        for notice in (
            own.wechat_notice({**ours, "mchid": "1900000000"}),
            own.wechat_notice(ours, key="0" * 32),
            own.wechat_notice(ours, algorithm="AEAD_SM4_GCM"),
            own.wechat_notice(ours, nonce=""),
            own.wechat_notice(ours, ciphertext="%%%"),
            own.wechat_notice("not json"),
            own.wechat_notice([1]),
            own.signed("[]"),
            own.signed("{}"),
            own.signed('{"resource": 7}'),
            own.signed("[" * 1000),
        ):
            with pytest.raises(SignatureInvalid):
                gateway.read_notification(*notice, now())

    def test_a_time_that_is_none_is_refused(self, own: Own) -> None:
        raw, headers = own.wechat_notice({"mchid": own.keys.merchant_id})
        for stamp in ("", "now", "1e9", "-1", "9" * 30, "１７３２７５２０００"):
            sent = {**headers, "Wechatpay-Timestamp": stamp}
            with pytest.raises(SignatureInvalid):
                own.wechat().read_notification(raw, sent, now())


class TestStatements:
    """A day is told when its bill is written, or known to have none."""

    @pytest.mark.parametrize("name", WALLETS)
    def test_a_day_without_a_bill_is_unavailable_until_it_must_be_there(
        self, own: Own, name: str
    ) -> None:
        gateway: Gateway = own.alipay() if name == "alipay" else own.wechat()
        today = now().astimezone(CITY_TIME).date()
        with pytest.raises(StatementUnavailable):
            gateway.list_statement(today)
        assert list(gateway.list_statement(date(2026, 1, 5))) == []

    def test_a_silent_wallet_has_no_statement(self, wallet: WalletTill) -> None:
        wallet.fail("bill", "error_before")
        with pytest.raises(StatementUnavailable):
            wallet.gateway.list_statement(date(2026, 1, 5))

    @pytest.mark.parametrize(
        ("told", "fetched"),
        [
            ("http://dwbillcenter.alipay.com/f?id=1", "https://dwbillcenter.alipay.com/f?id=1"),
            ("https://dwbillcenter.alipay.com/f?id=1", "https://dwbillcenter.alipay.com/f?id=1"),
            ("http://alipay.com.example.org/f", "http://alipay.com.example.org/f"),
        ],
    )
    def test_a_bill_of_alipays_is_fetched_over_tls(self, told: str, fetched: str) -> None:
        assert secure(told) == fetched

    def test_money_that_went_to_our_bank_is_told(self, wechat: WalletTill) -> None:
        day = today_for(60)
        wechat.control("POST", "/payouts", {"amount": 123_456})
        open_paid(wechat)
        wechat.close_books(day)
        with later(86_400):
            lines = list(wechat.gateway.list_statement(day))
        payouts = [line for line in lines if line.kind is Movement.PAYOUT]
        assert [line.amount for line in payouts] == [-123_456]
        assert {line.kind for line in lines} <= {Movement.CHARGE, Movement.REFUND, Movement.PAYOUT}


@dataclass(frozen=True)
class _Elsewhere:
    """Where other wallets are."""

    wallets: str


_WECHAT = (Method.WECHAT_PAY, WECHAT_CALLS)
