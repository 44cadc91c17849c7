"""How Alipay is spoken to: signed requests, and answers that count only with its signature.

The library signs and checks; requests go through our own client, because the library's has no
limits on an answer, no address but Alipay's, and believes an error that nobody has signed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from alipay import AliPay

from app.core.clock import CITY_TIME, now
from app.core.egress import Egress, NoAnswer, Reply
from app.payments.errors import SignatureInvalid
from app.payments.gateway.contract import GatewayAmbiguous, GatewayRefused
from app.payments.gateway.wallets import CONNECT_SECONDS, check_recent, city_moment, is_canonical

SIGN_TYPE = "RSA2"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_MAX_FIELDS = 100
_DONE = "10000"
_REFUSALS = frozenset({"20001", "40001", "40002", "40003", "40004", "40006"})
"""The codes that say that Alipay did nothing; 20000 and whatever is new may mean anything."""


@dataclass(frozen=True, slots=True)
class AlipayAccount:
    """One application of a merchant's at Alipay: its key, and Alipay's public one (RSA, PEM)."""

    app_id: str
    private_key: str = field(repr=False)
    public_key: str = field(repr=False)
    api_base: str


class _Signer(AliPay):  # type: ignore[misc] # the library carries no types
    def is_genuine(self, content: str, signature: str) -> bool:
        return is_canonical(signature) and bool(self._verify(content, signature))


class AlipayWire:
    """One merchant's line to Alipay; safe to share between threads."""

    def __init__(
        self, account: AlipayAccount, *, notify_url: str, egress: Egress, total_seconds: float
    ) -> None:
        self._app_id = account.app_id
        self._base = account.api_base
        self._egress = egress
        self._total_seconds = total_seconds
        self._signer = _Signer(
            appid=account.app_id,
            app_notify_url=notify_url,
            app_private_key_string=account.private_key,
            alipay_public_key_string=account.public_key,
            sign_type=SIGN_TYPE,
        )

    def call(self, method: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the signed answer to one call.

        Raise `GatewayRefused` with Alipay's own code for a signed refusal, `GatewayAmbiguous` for
        everything else: silence, a fault of theirs, an answer that is not theirs.
        """
        # The library would write the time of the machine's zone; Alipay reads the city's.
        moment = now().astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M:%S")
        data = self._signer.build_body(method, dict(content), timestamp=moment, format="JSON")
        fields = self._signer.sign_data(data).split("&")
        query = "&".join(field for field in fields if not field.startswith("biz_content="))
        body = "".join(field for field in fields if field.startswith("biz_content="))
        try:
            reply = self._egress.request(
                "POST",
                f"{self._base}?{query}",
                connect_seconds=CONNECT_SECONDS,
                total_seconds=self._total_seconds,
                content=body.encode(),
                headers={"Content-Type": _FORM},
            )
        except NoAnswer as error:
            raise GatewayAmbiguous(str(error)) from error
        answer = self._believe(method, reply)
        code, reason = str(answer.get("code")), str(answer.get("sub_code") or answer.get("code"))
        if code == _DONE:
            return answer
        if code not in _REFUSALS or "SYSTEM_ERROR" in reason or "unknow-error" in reason:
            raise GatewayAmbiguous(reason[:100])
        raise GatewayRefused(reason[:100])

    def ask(self, method: str, content: Mapping[str, Any], *, absent: str) -> Any:  # noqa: ANN401
        """Return the answer to a question, or None for the code that says that there is nothing.

        No other refusal of a question says anything about what was asked for: `GatewayAmbiguous`.
        """
        try:
            return self.call(method, content)
        except GatewayRefused as error:
            if error.code == absent:
                return None
            raise GatewayAmbiguous(error.code) from error

    def _believe(self, method: str, reply: Reply) -> Mapping[str, Any]:
        """Return the part of an answer that Alipay has signed."""
        name = f"{method.replace('.', '_')}_response"
        try:
            text = reply.body.decode()
            signature = json.loads(text)["sign"]
            start = text.index("{", text.index(f'"{name}"'))
            answer, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise GatewayAmbiguous(f"status {reply.status} and no signed answer") from error
        if not self._signer.is_genuine(text[start:end], str(signature)):
            raise GatewayAmbiguous("the answer's signature is not Alipay's")
        found: Mapping[str, Any] = answer
        return found

    def read_notice(self, raw: bytes, moment: datetime) -> Mapping[str, str]:
        """Return the fields of a genuine, recent notice to this merchant's application.

        Raise `SignatureInvalid` for anything else, whatever the bytes are.
        """
        try:
            pairs = parse_qsl(
                raw.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=_MAX_FIELDS,
            )
        except ValueError as error:
            raise SignatureInvalid from error
        fields = dict(pairs)
        signature = fields.pop("sign", "")
        if len(fields) + 1 != len(pairs) or fields.pop("sign_type", None) != SIGN_TYPE:
            raise SignatureInvalid
        content = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
        if not self._signer.is_genuine(content, signature):
            raise SignatureInvalid
        try:
            sent_at = city_moment(fields["notify_time"])
        except (KeyError, ValueError) as error:
            raise SignatureInvalid from error
        check_recent(sent_at, moment)
        if fields.get("app_id") != self._app_id:
            raise SignatureInvalid("The notice is for another application.")
        return fields
