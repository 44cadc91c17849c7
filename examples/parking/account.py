"""Our account with the city: a token in our own name (RFC 7523), bound to a key (RFC 9449).

Needed to register, to change the manifest and to change keys; not for a citizen's payment.
"""

import base64
import hashlib
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE = "providers.manage"
_SECONDS = 50
_CURVE_BYTES = 32


@dataclass
class Account:
    """A client of the city's as `integrators new` has made it."""

    client_id: str
    issuer: str
    private: ec.EllipticCurvePrivateKey = field(repr=False)
    key_id: str
    bound: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )
    nonce: str = ""

    @classmethod
    def read(cls, file: Path) -> "Account":
        """Return the account of a file of credentials."""
        kept = json.loads(file.read_text(encoding="utf-8"))
        jwk = kept["private_key"]
        x, y, d = (int.from_bytes(_decoded(jwk[name])) for name in "xyd")
        numbers = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1())
        private = ec.EllipticCurvePrivateNumbers(d, numbers).private_key()
        return cls(kept["client_id"], kept["issuer"], private, jwk["kid"])

    def call(self, method: str, path: str, body: object | None = None) -> Any:  # noqa: ANN401
        """Call the city in our own name and return its answer; raise `HTTPError` for a refusal."""
        token = self._send("POST", "/oauth/token", self._token_form())["access_token"]
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self._send(method, path, content, token)

    def _token_form(self) -> bytes:
        at = int(time.time())
        claims: dict[str, Any] = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer}
        claims |= {"jti": secrets.token_hex(16), "iat": at, "exp": at + _SECONDS}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": _jws(self.private, {"alg": "ES256", "kid": self.key_id}, claims),
            "scope": SCOPE,
        }
        return urlencode(form).encode()

    def _send(self, method: str, path: str, content: bytes | None, token: str = "") -> Any:  # noqa: ANN401
        """Send a request with a fresh proof; once more with the nonce that the city asks for."""
        for is_last in (False, True):
            headers = {"DPoP": self._proof(method, path, token)}
            if token:
                headers |= {"Authorization": f"DPoP {token}", "Content-Type": "application/json"}
            request = urllib.request.Request(
                self.issuer + path, data=content, headers=headers, method=method
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    text = answer.read()
                    return json.loads(text) if text else None
            except urllib.error.HTTPError as refused:
                self.nonce = refused.headers.get("DPoP-Nonce", "")
                if is_last or not self.nonce:
                    raise
        raise AssertionError("unreachable")

    def _proof(self, method: str, path: str, token: str) -> str:
        public = self.bound.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": _number(public.x), "y": _number(public.y)}
        claims: dict[str, Any] = {"htm": method, "htu": self.issuer + path}
        claims |= {"jti": secrets.token_hex(16), "iat": int(time.time())}
        if token:
            claims["ath"] = _encoded(hashlib.sha256(token.encode()).digest())
        if self.nonce:
            claims["nonce"] = self.nonce
        return _jws(self.bound, {"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk}, claims)


def _jws(
    key: ec.EllipticCurvePrivateKey, header: Mapping[str, Any], claims: Mapping[str, Any]
) -> str:
    """Return a compact token (RFC 7515, ES256)."""
    text = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(SHA256())))
    return f"{text}.{_encoded(r.to_bytes(_CURVE_BYTES) + s.to_bytes(_CURVE_BYTES))}"


def _number(value: int) -> str:
    return _encoded(value.to_bytes(_CURVE_BYTES))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
