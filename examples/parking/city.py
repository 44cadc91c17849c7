"""What we know of the city: its keys, its word about a citizen, and what we tell it.

Nothing here knows of parking. The city's keys are fetched from the city itself and asked for again
when a signature names one that we do not know; so a change of keys needs nothing from us.
"""

import base64
import json
import secrets
import threading
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from .signing import OwnKey, sign_call

ASK_AGAIN_SECONDS = 10
CONTEXT_TYPE = "citizen-context+jwt"


class NoSuchCitizen(Exception):
    """What was said about the citizen is not the city's word to us, now."""


@dataclass(frozen=True)
class Citizen:
    """A citizen as we see them: a reference that means nothing to anybody else."""

    reference: str
    assurance: str
    claims: Mapping[str, str]


@dataclass
class City:
    """The city at an address, as the provider of this name sees it."""

    url: str
    name: str
    keys: dict[str, Ed25519PublicKey] = field(default_factory=dict)
    _asked_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def key_of(self, key_id: str) -> Ed25519PublicKey | None:
        """Return one of the city's keys; one that is new is fetched."""
        with self._lock:
            is_due = time.monotonic() - self._asked_at >= ASK_AGAIN_SECONDS
            if key_id not in self.keys and is_due:
                self._asked_at = time.monotonic()
                with suppress(OSError):  # the keys that we know go on being good
                    self.keys = self._fetch_keys()
            return self.keys.get(key_id)

    def _fetch_keys(self) -> dict[str, Ed25519PublicKey]:
        with urllib.request.urlopen(f"{self.url}/v1/providers/keys", timeout=2) as answer:
            keys = json.load(answer)["keys"]
        return {
            key["kid"]: Ed25519PublicKey.from_public_bytes(_decoded(key["x"]))
            for key in keys
            if (key.get("kty"), key.get("crv")) == ("OKP", "Ed25519")
        }

    def read_citizen(self, token: str, now: int) -> Citizen:
        """Return the citizen of a `Citizen-Context`, or raise `NoSuchCitizen`."""
        try:
            head, body, signature = token.split(".")
            header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
            key = self.key_of(header["kid"])
            if (header["alg"], header["typ"]) != ("EdDSA", CONTEXT_TYPE) or key is None:
                raise NoSuchCitizen
            key.verify(_decoded(signature), f"{head}.{body}".encode())
            for_us = claims["iss"] == self.url and claims["aud"] == f"provider:{self.name}"
            if not for_us or not claims["iat"] - 10 <= now <= claims["exp"]:
                raise NoSuchCitizen
            return Citizen(claims["sub"], claims["assurance"], claims.get("claims", {}))
        except (InvalidSignature, ValueError, KeyError, TypeError):
            raise NoSuchCitizen from None

    def tell(self, key: OwnKey, event: str, data: Mapping[str, Any]) -> None:
        """Send an event to the city (Standard Webhooks); the same one again does no harm."""
        body = json.dumps(
            {"type": event, "timestamp": _moment(), "data": data}, ensure_ascii=False
        ).encode()
        event_id, at = f"evt_{secrets.token_hex(16)}", str(int(time.time()))
        signature = key.private.sign(f"{event_id}.{at}.".encode() + body)
        headers = {
            "content-type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": at,
            "webhook-signature": f"v1a,{base64.b64encode(signature).decode()}",
        }
        self._post("events", headers, body)

    def return_payment(
        self, key: OwnKey, reference: str, amount: int | None, reason: str
    ) -> Mapping[str, Any]:
        """Have money sent back to whoever paid; None means all that is left of it.

        The same reference and reason again is the same return.
        """
        wanted: dict[str, Any] = {"reference": reference, "reason": reason}
        if amount is not None:
            wanted["amount"] = amount
        body = json.dumps(wanted, ensure_ascii=False).encode()
        url = f"{self.url}/v1/providers/{self.name}/returns"
        headers = {"content-type": "application/json", "request-id": secrets.token_hex(16)}
        signed = sign_call(key, "POST", url, headers, body, int(time.time()))
        return self._post("returns", signed, body)

    def _post(self, what: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
        url = f"{self.url}/v1/providers/{self.name}/{what}"
        request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        found: Mapping[str, Any] = json.loads(text) if text else {}
        return found


def own_key(file: Path) -> OwnKey:
    """Return our key, made at the first call; only we may read the file.

    Its name is a part of its public half, so that a new key has a new name.
    """
    if not file.exists():
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.touch(mode=0o600)
        file.write_bytes(pem)
    private = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise TypeError(f"{file} does not hold an Ed25519 key")
    return OwnKey(private, f"parking-{_public(private)[:8]}")


def public_jwk(key: OwnKey) -> dict[str, str]:
    """Return our public key as the manifest shows it (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "kid": key.id, "x": _public(key.private)}


def _public(key: Ed25519PrivateKey) -> str:
    return base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _moment() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
