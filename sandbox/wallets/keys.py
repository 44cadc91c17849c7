"""The keys of one merchant and of the two wallets it deals with: both sides, for one machine."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

_BITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletKeys:
    """Numbers and keys (PEM): what is called `alipay_*` and `wechat_*` is the wallets' own."""

    app_id: str
    seller_id: str
    merchant_key: str
    merchant_public_key: str
    alipay_key: str
    alipay_public_key: str
    wechat_app_id: str
    merchant_id: str
    merchant_serial: str
    wechat_key: str
    wechat_public_key: str
    wechat_public_key_id: str
    api_v3_key: str

    @classmethod
    def fresh(cls) -> Self:
        """Make new random ones."""
        merchant, alipay, wechat = (_pair() for _ in range(3))
        return cls(
            app_id=f"2021{secrets.randbelow(10**12):012d}",
            seller_id=f"2088{secrets.randbelow(10**12):012d}",
            merchant_key=merchant[0],
            merchant_public_key=merchant[1],
            alipay_key=alipay[0],
            alipay_public_key=alipay[1],
            wechat_app_id=f"wx{secrets.token_hex(8)}",
            merchant_id=f"19{secrets.randbelow(10**8):08d}",
            merchant_serial=secrets.token_hex(20).upper(),
            wechat_key=wechat[0],
            wechat_public_key=wechat[1],
            wechat_public_key_id=f"PUB_KEY_ID_{secrets.randbelow(10**30):030d}",
            api_v3_key=secrets.token_hex(16),
        )

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """Return the keys in a file that its owner alone may read, made at the first call."""
        if path.exists():
            return cls(**json.loads(path.read_text()))
        made = cls.fresh()
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(made), indent=1))
        return made

    def merchant_environment(self, url: str) -> dict[str, str]:
        """Return the merchant's side as variables, for a server of wallets at this address."""
        return {
            "ALIPAY_APP_ID": self.app_id,
            "ALIPAY_PRIVATE_KEY": _one_line(self.merchant_key),
            "ALIPAY_PUBLIC_KEY": _one_line(self.alipay_public_key),
            "ALIPAY_API_BASE": f"{url}/alipay/gateway.do",
            "WECHAT_PAY_APP_ID": self.wechat_app_id,
            "WECHAT_PAY_MERCHANT_ID": self.merchant_id,
            "WECHAT_PAY_MERCHANT_SERIAL": self.merchant_serial,
            "WECHAT_PAY_PRIVATE_KEY": _one_line(self.merchant_key),
            "WECHAT_PAY_PUBLIC_KEY": _one_line(self.wechat_public_key),
            "WECHAT_PAY_PUBLIC_KEY_ID": self.wechat_public_key_id,
            "WECHAT_PAY_API_V3_KEY": self.api_v3_key,
            "WECHAT_PAY_API_BASE": f"{url}/wechat",
        }


def _pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def _one_line(pem: str) -> str:
    return pem.replace("\n", "\\n")
