"""A passkey in software: does what a phone does, and can be told to do it wrongly.

`Authenticator` answers the options that the house gives, as a browser's `toJSON()` would write it.
Each keyword of `register` and `prove` bends one thing, so that a test can show what is refused.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ES256 = -7
Json = dict[str, Any]


def encode(raw: bytes) -> str:
    """Return bytes as browsers write them: base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Key:
    """One passkey: its id, whose it is, and how often it was used."""

    id: bytes
    user_handle: bytes
    private: ec.EllipticCurvePrivateKey = field(repr=False)
    count: int = 0


@dataclass(frozen=True)
class Maker:
    """A maker of keys: its root certificate (PEM), and what signs for a batch (DER)."""

    root: bytes
    leaf: bytes
    private: ec.EllipticCurvePrivateKey = field(repr=False)


@dataclass
class Authenticator:
    """A phone with a fingerprint reader in front of one origin.

    `counts` says whether it counts its signatures (synced passkeys do not).
    """

    origin: str = "http://localhost:8000"
    counts: bool = True
    keys: list[Key] = field(default_factory=list)

    def register(  # noqa: PLR0913 - each bends one thing
        self,
        options: Mapping[str, Any],
        *,
        origin: str | None = None,
        rp_id: str | None = None,
        challenge: bytes | None = None,
        kind: str = "webauthn.create",
        flags: int = USER_PRESENT | USER_VERIFIED | ATTESTED,
        alg: int = ES256,
        credential_id: bytes | None = None,
        client: Mapping[str, Any] | None = None,
        fmt: str = "none",
        maker: Maker | None = None,
    ) -> Json:
        """Make a passkey as `options` ask, and return what a browser would send."""
        own = credential_id or secrets.token_bytes(32)
        key = Key(own, decode(options["user"]["id"]), ec.generate_private_key(ec.SECP256R1()))
        numbers = key.private.public_key().public_numbers()
        cose = {
            1: 2,
            3: alg,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        data = self._head(rp_id or options["rp"]["id"], flags, key)
        if flags & ATTESTED:
            data += bytes(16) + len(own).to_bytes(2, "big") + own + cbor2.dumps(cose)
        said = self._client(options, kind, challenge, origin, client)
        statement: Json = {}
        if maker is not None:
            fmt, signed = "packed", data + sha256(decode(said)).digest()
            signature = maker.private.sign(signed, ec.ECDSA(SHA256()))
            statement = {"alg": ES256, "sig": signature, "x5c": [maker.leaf]}
        self.keys.append(key)
        response = {
            "clientDataJSON": said,
            "attestationObject": encode(
                cbor2.dumps({"fmt": fmt, "attStmt": statement, "authData": data})
            ),
            "transports": ["internal"],
        }
        return self._credential(own, response)

    def prove(  # noqa: PLR0913 - the same
        self,
        options: Mapping[str, Any],
        *,
        key: Key | None = None,
        origin: str | None = None,
        rp_id: str | None = None,
        challenge: bytes | None = None,
        kind: str = "webauthn.get",
        flags: int = USER_PRESENT | USER_VERIFIED,
        count: int | None = None,
        client: Mapping[str, Any] | None = None,
        user_handle: bytes | None = None,
        bend: Callable[[bytes], bytes] = bytes,
    ) -> Json:
        """Prove a passkey that `options` allow, and return what a browser would send.

        `bend` changes the signature.
        """
        allowed = {decode(entry["id"]) for entry in options.get("allowCredentials") or []}
        used = key or next(k for k in self.keys if not allowed or k.id in allowed)
        if self.counts:
            used.count += 1
        data = self._head(rp_id or options["rpId"], flags, used, count)
        said = self._client(options, kind, challenge, origin, client)
        signed = used.private.sign(data + sha256(decode(said)).digest(), ec.ECDSA(SHA256()))
        handle = used.user_handle if user_handle is None else user_handle
        response = {
            "clientDataJSON": said,
            "authenticatorData": encode(data),
            "signature": encode(bend(signed)),
            "userHandle": encode(handle),
        }
        return self._credential(used.id, response)

    assert_ = prove

    def _head(self, rp_id: str, flags: int, key: Key, count: int | None = None) -> bytes:
        number = key.count if count is None else count
        return sha256(rp_id.encode()).digest() + bytes([flags]) + number.to_bytes(4, "big")

    def _client(
        self,
        options: Mapping[str, Any],
        kind: str,
        challenge: bytes | None,
        origin: str | None,
        more: Mapping[str, Any] | None,
    ) -> str:
        said = {
            "type": kind,
            "challenge": encode(challenge) if challenge is not None else options["challenge"],
            "origin": origin or self.origin,
            "crossOrigin": False,
            **(more or {}),
        }
        return encode(json.dumps(said).encode())

    @staticmethod
    def _credential(own: bytes, response: Json) -> Json:
        return {
            "id": encode(own),
            "rawId": encode(own),
            "type": "public-key",
            "response": response,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
        }
