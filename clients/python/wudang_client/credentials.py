"""Who a client is, and the two things it signs: that it is that client, and that it holds a key."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECONDS = 55


@dataclass(frozen=True)
class Credentials:
    """A client of the city as it was made: its id, the API's address, its private key (JWK)."""

    client_id: str
    issuer: str
    private_key: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, path: str | Path) -> "Credentials":
        """Return what `integrators new` has printed into a file."""
        kept = json.loads(Path(path).read_text(encoding="utf-8"))
        return cls(kept["client_id"], kept["issuer"], kept["private_key"])

    def assertion(self) -> str:
        """Return a fresh proof that this client speaks (RFC 7523); it is good once."""
        moment = int(time.time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer}
        claims |= {"jti": str(uuid4()), "iat": moment, "exp": moment + SECONDS}
        key = ECAlgorithm.from_jwk(dict(self.private_key))
        return jwt.encode(claims, key, "ES256", headers={"kid": self.private_key["kid"]})


class DpopKey:
    """The key that tokens are bound to (RFC 9449): made here, and never leaving this process."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._public = json.loads(ECAlgorithm.to_jwk(self._private.public_key()))

    def prove(self, method: str, url: str, *, token: str = "", nonce: str = "") -> str:
        """Return a fresh proof for one request; `url` without its query."""
        claims = {"jti": str(uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
        if token:
            digest = sha256(token.encode()).digest()
            claims["ath"] = urlsafe_b64encode(digest).decode().rstrip("=")
        if nonce:
            claims["nonce"] = nonce
        headers = {"typ": "dpop+jwt", "jwk": self._public}
        return jwt.encode(claims, self._private, "ES256", headers=headers)
