"""Encryption of personal data at rest, layered keys, masks and pairwise references.

A sealed field is `version ‖ suite ‖ nonce ‖ ciphertext ‖ tag`. The data key of its owner is wrapped
by a key-encryption key, whose number stands before the wrapped key; so destroying one row of
`data_keys` erases everything sealed for that owner, and a new key-encryption key touches those rows
alone. The additional data names table, column and row: a value moved to another row does not open.

What is kept as an HMAC (blind indexes, hashes of passwords) cannot be opened and sealed anew. A new
key is laid over the one before: each HMAC is of the HMAC under the key before. So what is stored
moves on without the value it was made of, and is worth nothing to whoever has old keys alone.
"""

import base64
import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE = 32
FIRST_VERSION = 1
_NONCE_SIZE, _TAG_SIZE, _SM4_KEY_SIZE = 12, 16, 16
_VERSION = 1
_WRAPPED = b"\x02"


class Suite(StrEnum):
    """What new values are sealed with; every value names its own and opens by that."""

    AES_256_GCM = "aes-256-gcm"
    SM4_GCM = "sm4-gcm"


_NUMBERS = {Suite.AES_256_GCM: 1, Suite.SM4_GCM: 2}
_SUITES = {number: suite for suite, number in _NUMBERS.items()}
_suite = Suite.AES_256_GCM


def choose_suite(suite: Suite) -> None:
    """Seal new values of this process with a suite (GB/T 39786 asks for SM4); old ones still open.

    The additional data of SM4-GCM and its key (HKDF with SM3) come from the same inputs.
    """
    global _suite  # noqa: PLW0603 - one suite per process is the point
    _suite = suite


def seal(key: bytes, plain: bytes, *, context: str) -> bytes:
    """Encrypt and authenticate with the chosen suite, bound to `context` (table|column|row)."""
    nonce = os.urandom(_NONCE_SIZE)
    header = bytes([_VERSION, _NUMBERS[_suite]])
    encrypt = _encrypt_sm4 if _suite is Suite.SM4_GCM else _encrypt_aes
    return header + nonce + encrypt(key, nonce, plain, context.encode())


def unseal(key: bytes, sealed: bytes, *, context: str) -> bytes:
    """Decrypt what `seal` made; raise `cryptography.exceptions.InvalidTag` if anything differs."""
    suite = _SUITES.get(sealed[1]) if len(sealed) > 1 and sealed[0] == _VERSION else None
    if suite is None:
        raise ValueError("unknown version or suite of a sealed field")
    nonce, body = sealed[2 : 2 + _NONCE_SIZE], sealed[2 + _NONCE_SIZE :]
    if suite is Suite.SM4_GCM:
        return _decrypt_sm4(key, nonce, body, context.encode())
    return AESGCM(key).decrypt(nonce, body, context.encode())


def suite_of(sealed: bytes) -> Suite | None:
    """Return the suite that a value was sealed with; None for what is no sealed value."""
    return _SUITES.get(sealed[1]) if len(sealed) > 1 and sealed[0] == _VERSION else None


def _encrypt_aes(key: bytes, nonce: bytes, plain: bytes, context: bytes) -> bytes:
    return AESGCM(key).encrypt(nonce, plain, context)


def _encrypt_sm4(key: bytes, nonce: bytes, plain: bytes, context: bytes) -> bytes:
    encryptor = Cipher(algorithms.SM4(_sm4_key(key)), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(context)
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def _decrypt_sm4(key: bytes, nonce: bytes, body: bytes, context: bytes) -> bytes:
    if len(nonce) != _NONCE_SIZE or len(body) < _TAG_SIZE:
        raise InvalidTag
    text, tag = body[:-_TAG_SIZE], body[-_TAG_SIZE:]
    decryptor = Cipher(algorithms.SM4(_sm4_key(key)), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(context)
    return decryptor.update(text) + decryptor.finalize()


def _sm4_key(key: bytes) -> bytes:
    return HKDF(algorithm=SM3(), length=_SM4_KEY_SIZE, salt=None, info=b"sm4-gcm").derive(key)


class MoreKeys(Protocol):
    """The keys beyond the first of each kind, as rotation has added them (`app.core.key_file`)."""

    def encryption_keys(self) -> Mapping[int, bytes]:
        """Return the added key-encryption keys by number."""

    def index_keys(self) -> Sequence[bytes]:
        """Return the added keys of blind indexes, oldest first."""

    def peppers(self) -> Sequence[bytes]:
        """Return the added peppers, oldest first."""

    def is_retired(self, number: int) -> bool:
        """Say whether a key-encryption key opens nothing any more."""

    def look_again(self) -> None:
        """Take in at once what was added a moment ago."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that never enter the database, and everything derived from them."""

    encryption: bytes = field(repr=False)
    blind_index: bytes = field(repr=False)
    pepper: bytes = field(repr=False)

    more: MoreKeys | None = None
    house: Callable[[], bytes] | None = field(default=None, repr=False)

    @property
    def encryption_keys(self) -> Mapping[int, bytes]:
        """Return the key-encryption keys that may be used, by number; the highest wraps."""
        if self.more is None:
            return {FIRST_VERSION: self.encryption}
        keys = {FIRST_VERSION: self.encryption, **self.more.encryption_keys()}
        return {number: key for number, key in keys.items() if not self.more.is_retired(number)}

    def new_data_key(self, owner: str) -> tuple[bytes, bytes]:
        """Return a fresh data key and the same key wrapped for storage beside its owner."""
        key = os.urandom(KEY_SIZE)
        return key, self.wrap(owner, key)

    def wrap(self, owner: str, key: bytes) -> bytes:
        """Return a data key as it is stored: wrapped by the newest key-encryption key."""
        number, newest = max(self.encryption_keys.items())
        wrapped = seal(newest, key, context=f"data_keys|{owner}|{number}")
        return _WRAPPED + number.to_bytes(2) + wrapped

    def open_data_key(self, owner: str, wrapped: bytes) -> bytes:
        """Unwrap the data key of an owner; raise `KeyRetired` when its wrapping key is no more."""
        number = wrapped_by(wrapped)
        key = self.encryption_keys.get(number)
        if key is None:
            self.look_again()  # another process may be a moment ahead
            key = self.encryption_keys.get(number)
        if key is None:
            raise KeyRetired(f"key-encryption key {number} is not live")
        if not wrapped.startswith(_WRAPPED):  # as the first release wrote it
            return unseal(key, wrapped, context=f"data_keys|{owner}")
        return unseal(key, wrapped[3:], context=f"data_keys|{owner}|{number}")

    def class_key(self, table: str) -> bytes:
        """Return the data key of a table whose rows belong to no person."""
        house = self.encryption if self.house is None else self.house()
        return derive(house, f"class|{table}")

    @property
    def index_keys(self) -> Sequence[bytes]:
        """Return the keys of blind indexes, oldest first; the place of each is its number."""
        return (self.blind_index, *(self.more.index_keys() if self.more else ()))

    @property
    def peppers(self) -> Sequence[bytes]:
        """Return the peppers of password hashes, oldest first."""
        return (self.pepper, *(self.more.peppers() if self.more else ()))

    def look_again(self) -> None:
        """Take in at once what rotation added a moment ago."""
        if self.more is not None:
            self.more.look_again()

    def index_digests(self, kind: str, value: str) -> Sequence[bytes]:
        """Return the HMACs by which a canonical value is found, one under each key, oldest first.

        Only `app.core.blind_indexes` asks: the tables of the rooms keep the name that it gives.
        """
        return layers(self.index_keys, f"{kind}|{value}".encode())

    def code_digest(self, purpose: str, code: str) -> bytes:
        """Return the peppered digest under which a short secret is kept."""
        key = derive(self.pepper, "code")
        return hmac.digest(key, f"{purpose}|{code}".encode(), "sha256")

    def pairwise(self, sector: str, subject: str) -> str:
        """Return the name under which one sector knows a subject; sectors cannot join theirs."""
        key = derive(self.pepper, "pairwise")
        digest = hmac.digest(key, f"{sector}|{subject}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:20]).decode().rstrip("=")

    def seal_letterbox(self, sector: str, subject: UUID) -> str:
        """Return a text by which a sector can have a subject told something, and learn nothing.

        It says nothing to anybody but this keyring, and something else each time.
        """
        sealed = seal(derive(self.pepper, "letterbox"), subject.bytes, context=sector)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open_letterbox(self, sector: str, letterbox: str) -> UUID:
        """Return whose letterbox it is; raise `ValueError` unless it was made for this sector."""
        try:
            sealed = base64.urlsafe_b64decode(letterbox + "=" * (-len(letterbox) % 4))
            plain = unseal(derive(self.pepper, "letterbox"), sealed, context=sector)
            return UUID(bytes=plain)
        except (ValueError, InvalidTag) as error:
            raise ValueError("not a letterbox of this plug-in") from error


class KeyRetired(RuntimeError):
    """A value is wrapped by a key that this installation does not use any more."""


def wrapped_by(wrapped: bytes) -> int:
    """Return the number of the key-encryption key that a stored data key is wrapped by."""
    return int.from_bytes(wrapped[1:3]) if wrapped.startswith(_WRAPPED) else FIRST_VERSION


def layers(keys: Sequence[bytes], message: bytes) -> Sequence[bytes]:
    """Return the HMAC (SHA-256) of a message under the first key, the next one's of that, and on.

    From a stored one, the keys that came after it lead to the newest.
    """
    steps = accumulate(keys, lambda inner, key: hmac.digest(key, inner, "sha256"), initial=message)
    return tuple(steps)[1:]


@lru_cache(maxsize=1024)
def derive(key: bytes, info: str) -> bytes:
    """Return a key for one use, derived (HKDF-SHA-256) from another."""
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=info.encode()).derive(key)


def new_code(size: int) -> str:
    """Return `size` random bytes as people copy them: a to z and 2 to 7 (RFC 4648, 6)."""
    return base64.b32encode(os.urandom(size)).decode().lower()


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
