"""Encryption of personal data at rest, blind indexes, masks and pairwise references.

A sealed field is `version ‖ suite ‖ nonce ‖ ciphertext ‖ tag`. The data key of its owner is wrapped
by the key-encryption key, so destroying one row of `data_keys` erases everything sealed for that
owner. The additional data names table, column and row: a value moved to another row does not open.
"""

import base64
import hmac
import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE = 32
_NONCE_SIZE = 12
_VERSION = 1
_AES_256_GCM = 1
_HEADER = bytes([_VERSION, _AES_256_GCM])


def seal(key: bytes, plain: bytes, *, context: str) -> bytes:
    """Encrypt with AES-256-GCM, bound to `context` (table|column|row)."""
    nonce = os.urandom(_NONCE_SIZE)
    return _HEADER + nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def unseal(key: bytes, sealed: bytes, *, context: str) -> bytes:
    """Decrypt what `seal` made; raise `cryptography.exceptions.InvalidTag` if anything differs."""
    if sealed[:2] != _HEADER:
        raise ValueError("unknown version or suite of a sealed field")
    nonce, body = sealed[2 : 2 + _NONCE_SIZE], sealed[2 + _NONCE_SIZE :]
    return AESGCM(key).decrypt(nonce, body, context.encode())


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that never enter the database, and everything derived from them."""

    encryption: bytes = field(repr=False)
    blind_index: bytes = field(repr=False)
    pepper: bytes = field(repr=False)

    def new_data_key(self, owner: str) -> tuple[bytes, bytes]:
        """Return a fresh data key and the same key wrapped for storage beside its owner."""
        key = os.urandom(KEY_SIZE)
        return key, seal(self.encryption, key, context=f"data_keys|{owner}")

    def open_data_key(self, owner: str, wrapped: bytes) -> bytes:
        """Unwrap the data key of an owner."""
        return unseal(self.encryption, wrapped, context=f"data_keys|{owner}")

    def class_key(self, table: str) -> bytes:
        """Return the data key of a table whose rows belong to no person."""
        return self._derive(self.encryption, f"class|{table}")

    def index(self, kind: Literal["phone", "resident_id", "uscc"], value: str) -> bytes:
        """Return the blind index (HMAC-SHA-256) of a canonical value: equality and no more."""
        return hmac.digest(self.blind_index, f"{kind}|{value}".encode(), "sha256")

    def code_digest(self, purpose: str, code: str) -> bytes:
        """Return the peppered digest under which a short secret is kept."""
        key = self._derive(self.pepper, "code")
        return hmac.digest(key, f"{purpose}|{code}".encode(), "sha256")

    def pairwise(self, sector: str, subject: str) -> str:
        """Return the name under which one sector knows a subject; sectors cannot join theirs."""
        key = self._derive(self.pepper, "pairwise")
        digest = hmac.digest(key, f"{sector}|{subject}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:20]).decode().rstrip("=")

    @staticmethod
    def _derive(key: bytes, info: str) -> bytes:
        return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=info.encode()).derive(key)


def digest(secret: str) -> bytes:
    """Return the SHA-256 under which an unguessable secret (256 bits) is kept."""
    return sha256(secret.encode()).digest()


def mask_phone(phone: str) -> str:
    """Return a mainland number as it may be shown: +8613807190001 -> 138****0001."""
    local = phone.removeprefix("+86")
    return f"{local[:3]}****{local[-4:]}"


def mask_name(name: str) -> str:
    """Return a name as it may be shown: the first character, then one star for each other."""
    return name[:1] + "*" * (len(name) - 1)


def mask_number(number: str) -> str:
    """Return a document or account number with its middle hidden; short ones keep two digits."""
    if len(number) <= 7:  # noqa: PLR2004 - three in front and four behind are shown
        return "*" * max(len(number) - 2, 0) + number[-2:]
    return number[:3] + "*" * (len(number) - 7) + number[-4:]
