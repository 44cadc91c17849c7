"""Selective disclosure (RFC 9901): claims as digests, and those that are shown beside them."""

import base64
import json
import os
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import Any

ALGORITHM = "sha-256"
_SALT_BYTES = 16

Sign = Callable[[Mapping[str, Any]], str]
"""Returns claims as a compact JWS."""


def make_sd_jwt(
    plain: Mapping[str, Any],
    selective: Mapping[str, str],
    disclosed: Collection[str],
    sign: Sign,
) -> str:
    """Return an SD-JWT: `plain` for everybody, of `selective` only what is `disclosed`.

    Each selective claim has a digest with a salt of its own, in the order of the digests, so that
    neither names nor values nor their places say what is not shown; who is given no disclosure
    cannot be shown one later by anybody else.
    """
    disclosures = {name: _disclosure(name, value) for name, value in selective.items()}
    claims = dict(plain)
    if disclosures:
        claims["_sd"] = sorted(_digest(one) for one in disclosures.values())
        claims["_sd_alg"] = ALGORITHM
    shown = [text for name, text in disclosures.items() if name in disclosed]
    return "~".join([sign(claims), *shown, ""])


def _disclosure(name: str, value: str) -> str:
    salt = _base64(os.urandom(_SALT_BYTES))
    return _base64(json.dumps([salt, name, value], ensure_ascii=False).encode())


def _digest(disclosure: str) -> str:
    return _base64(sha256(disclosure.encode()).digest())


def _base64(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")
