"""Events that prove whose they are and when they were sent: Standard Webhooks 1.0.

Signed is `id.timestamp.body`: `v1` by HMAC-SHA-256 with a shared secret, `v1a` by Ed25519. A header
may hold several signatures, so that keys can be changed without a gap. (The reference library knows
`v1` only and asks the machine's clock; tests hold this file against it.)
"""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.core.clock import now

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE = timedelta(minutes=5)
SHORTEST_SECRET, LONGEST_SECRET = 24, 64
MOST_SIGNATURES = 10
_SECRET, _PUBLIC = "whsec_", "whpk_"
# A full stop would let the end of an id pass for a timestamp, and a timestamp for a body.
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SECONDS = re.compile(r"[1-9][0-9]{0,10}")


class BadWebhook(Exception):
    """The event is not signed by any of the keys, is too old or too new, or cannot be read."""


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """A secret that sender and receiver share (`v1`); its text form begins with `whsec_`."""

    raw: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not SHORTEST_SECRET <= len(self.raw) <= LONGEST_SECRET:
            raise ValueError("a shared secret has 24 to 64 bytes")

    @classmethod
    def fresh(cls) -> "SharedSecret":
        """Return a new one of 256 bits."""
        return cls(secrets.token_bytes(32))

    @classmethod
    def parse(cls, text: str) -> "SharedSecret":
        """Return the secret of a text form; raise `ValueError`."""
        try:
            raw = base64.b64decode(text.removeprefix(_SECRET), validate=True)
        except binascii.Error as error:
            raise ValueError("not a shared secret") from error
        return cls(raw)

    @property
    def text(self) -> str:
        """Return the form in which it is shown, once."""
        return _SECRET + base64.b64encode(self.raw).decode()


SigningKey = SharedSecret | Ed25519PrivateKey
VerifyingKey = SharedSecret | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Verified:
    """What a genuine event says of itself; `id` is the same however often it is sent."""

    id: str
    at: datetime


def public_text(key: Ed25519PublicKey) -> str:
    """Return the text form of a public key (`v1a`); it begins with `whpk_`."""
    return _PUBLIC + base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def sign_webhook(
    keys: Sequence[SigningKey], message_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """Return the three headers of an event: one signature by each key, in their order."""
    if not keys or len(keys) > MOST_SIGNATURES or not _ID.fullmatch(message_id):
        raise ValueError("an event has one to ten keys and an id of letters, digits, - and _")
    seconds = str(int(at.timestamp()))
    content = _content(message_id, seconds, body)
    signatures = " ".join(_sign(key, content) for key in keys)
    return {ID: message_id, TIMESTAMP: seconds, SIGNATURE: signatures}


def verify_webhook(
    keys: Sequence[VerifyingKey], headers: Mapping[str, str], body: bytes
) -> Verified:
    """Return what an event says of itself once one of the keys has signed it; raise `BadWebhook`.

    It was sent within five minutes of now. That it is new is for the caller to claim, by its id.
    Takes as long for a signature that is wrong in its first byte as for one wrong in its last.
    """
    named = {name.lower(): value for name, value in headers.items()}
    message_id, seconds = named.get(ID, ""), named.get(TIMESTAMP, "")
    if not _ID.fullmatch(message_id) or not _SECONDS.fullmatch(seconds):
        raise BadWebhook("id or timestamp is missing or malformed")
    at = datetime.fromtimestamp(int(seconds), UTC)
    if abs(now() - at) > TOLERANCE:
        raise BadWebhook("it was not sent within five minutes of now")
    shown = named.get(SIGNATURE, "").split(" ")
    if len(shown) > MOST_SIGNATURES:
        raise BadWebhook("too many signatures")
    content = _content(message_id, seconds, body)
    found = [_fits(key, content, signature) for key in keys for signature in shown]
    if not any(found):
        raise BadWebhook("no signature is by a key that is known")
    return Verified(message_id, at)


def _content(message_id: str, seconds: str, body: bytes) -> bytes:
    return f"{message_id}.{seconds}.".encode() + body


def _sign(key: SigningKey, content: bytes) -> str:
    if isinstance(key, SharedSecret):
        return "v1," + base64.b64encode(hmac.digest(key.raw, content, "sha256")).decode()
    return "v1a," + base64.b64encode(key.sign(content)).decode()


def _fits(key: VerifyingKey, content: bytes, shown: str) -> bool:
    version, _, text = shown.partition(",")
    try:
        signature = base64.b64decode(text, validate=True)
    except ValueError:  # no base64, or no ASCII
        return False
    if isinstance(key, SharedSecret):
        right = hmac.digest(key.raw, content, "sha256")
        return version == "v1" and hmac.compare_digest(signature, right)
    if version != "v1a":
        return False
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
