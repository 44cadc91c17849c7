"""How WeChat Pay (APIv3) is spoken to: signed requests, and answers that count only when signed.

The library signs, verifies and decrypts; requests go through our own client, because the library's
has no limits on an answer, no address but WeChat's, and checks no signature of a refusal.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from wechatpayv3.utils import (
    aes_decrypt,
    build_authorization,
    load_private_key,
    load_public_key,
    rsa_verify,
)

from app.core.egress import Egress, NoAnswer, Reply
from app.http.json_input import JsonInvalid, parse_json
from app.payments.errors import SignatureInvalid
from app.payments.gateway.contract import GatewayAmbiguous, GatewayRefused
from app.payments.gateway.wallets import CONNECT_SECONDS, check_recent, is_canonical

_SIGNATURE, _SERIAL = "wechatpay-signature", "wechatpay-serial"
_TIMESTAMP, _NONCE = "wechatpay-timestamp", "wechatpay-nonce"
_KIND, _SCHEME = "wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048"
_ALGORITHM = "AEAD_AES_256_GCM"
_OK, _TOO_MANY, _BROKEN = range(200, 300), 429, 500
_SILENCE = frozenset({"SYSTEM_ERROR", "SYSTEMERROR", "BANK_ERROR", "BANKERROR", "ACCEPTED"})
"""Codes that leave open what WeChat did, whatever the status beside them."""


@dataclass(frozen=True, slots=True)
class WechatAccount:
    """One merchant of WeChat Pay: its key, and WeChat's public one by its id (RSA, PEM)."""

    app_id: str
    merchant_id: str
    merchant_serial: str
    private_key: str = field(repr=False)
    public_key: str = field(repr=False)
    public_key_id: str
    api_v3_key: str = field(repr=False)
    api_base: str


class WechatWire:
    """One merchant's line to WeChat Pay; safe to share between threads."""

    def __init__(self, account: WechatAccount, *, egress: Egress, total_seconds: float) -> None:
        self._account = account
        self._private_key = load_private_key(account.private_key)
        self._public_key = load_public_key(account.public_key)
        self._base = account.api_base.rstrip("/")
        self._egress = egress
        self._total_seconds = total_seconds

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Return the signed answer to one call, None when it is empty.

        Raise `GatewayRefused` with WeChat's own code for a signed refusal, `GatewayAmbiguous` for
        everything else: silence, a fault of theirs, too many calls, an answer that is not theirs.
        """
        content = "" if body is None else json.dumps(body, ensure_ascii=False)
        try:
            reply = self._egress.request(
                method,
                self._base + path,
                connect_seconds=CONNECT_SECONDS,
                total_seconds=self._total_seconds,
                content=content.encode() if body is not None else None,
                headers={
                    **self.authorization(self._base + path, method, content),
                    "Content-Type": "application/json",
                    "Wechatpay-Serial": self._account.public_key_id,
                },
            )
        except NoAnswer as error:
            raise GatewayAmbiguous(str(error)) from error
        answer = self._believe(reply)
        if reply.status in _OK:
            return answer
        code = str(answer.get("code"))[:100] if isinstance(answer, dict) else str(reply.status)
        if reply.status >= _BROKEN or reply.status == _TOO_MANY or code in _SILENCE:
            raise GatewayAmbiguous(code)
        raise GatewayRefused(code)

    def ask(self, path: str, *, absent: frozenset[str]) -> Any:  # noqa: ANN401 - JSON
        """Return the answer to a question, or None for a code that says that there is nothing.

        No other refusal of a question says anything about what was asked for: `GatewayAmbiguous`.
        """
        try:
            return self.call("GET", path)
        except GatewayRefused as error:
            if error.code in absent:
                return None
            raise GatewayAmbiguous(error.code) from error

    def authorization(self, url: str, method: str = "GET", content: str = "") -> dict[str, str]:
        """Return the header that signs one request to WeChat."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        value = build_authorization(
            target,
            method,
            self._account.merchant_id,
            self._account.merchant_serial,
            self._private_key,
            data=content,
        )
        return {"Authorization": value}

    def is_ours(self, url: str) -> bool:
        """Say whether an address is WeChat's interface itself: nobody else is shown a signature."""
        return urlsplit(url)[:2] == urlsplit(self._base)[:2]

    def _believe(self, reply: Reply) -> Any:  # noqa: ANN401 - any JSON value
        if not self._is_signed(reply.headers, reply.body):
            raise GatewayAmbiguous(f"status {reply.status} without WeChat's signature")
        try:
            return json.loads(reply.body) if reply.body else None
        except (ValueError, RecursionError) as error:
            raise GatewayAmbiguous("the answer is not JSON") from error

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        signature = headers.get(_SIGNATURE, "")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return False
        return (
            headers.get(_SERIAL) == self._account.public_key_id
            and headers.get(_KIND) == _SCHEME
            and is_canonical(signature)
            and bool(
                rsa_verify(
                    headers.get(_TIMESTAMP, ""),
                    headers.get(_NONCE, ""),
                    text,
                    signature,
                    self._public_key,
                )
            )
        )

    def read_notice(
        self, raw: bytes, headers: Mapping[str, str], moment: datetime
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return a genuine, recent notice to this merchant, and the resource in it, decrypted.

        Raise `SignatureInvalid` for anything else, whatever the bytes are.
        """
        sent = {name.lower(): value for name, value in headers.items()}
        stamp = sent.get(_TIMESTAMP, "")
        if not re.fullmatch(r"[0-9]{1,11}", stamp, re.ASCII) or not self._is_signed(sent, raw):
            raise SignatureInvalid
        check_recent(datetime.fromtimestamp(int(stamp), UTC), moment)
        try:
            notice = parse_json(raw)
            content = parse_json(self._open(notice["resource"]))
            merchant = content["mchid"]
        except (JsonInvalid, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SignatureInvalid("The notice has not the form of one.") from error
        if merchant != self._account.merchant_id:
            raise SignatureInvalid("The notice is for another merchant.")
        return notice, content

    def _open(self, resource: Mapping[str, Any]) -> bytes:
        """Return what is encrypted in a notice; raise ValueError or KeyError if nothing is."""
        if resource["algorithm"] != _ALGORITHM:
            raise ValueError("another algorithm")
        plain: str | None = aes_decrypt(
            resource["nonce"],
            resource["ciphertext"],
            resource.get("associated_data") or "",
            self._account.api_v3_key,
        )
        if plain is None:
            raise ValueError("another key")
        return plain.encode()
