"""The status list (Token Status List): two bits for each certificate, signed, for everybody.

Whoever has a credential looks its state up in a list of a hundred thousand, so that nobody learns
which certificate was looked at.
"""

import base64
import re
import zlib
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.certificates.models import LISTED, Certificate
from app.certificates.service.common import CertificatesDeps
from app.certificates.values import CertificateStatus
from app.core.clock import now
from app.core.errors import NotFound
from app.core.unit_of_work import UnitOfWork, forbid_open_transaction

BITS = 2
SIZE = 1 << 17
"""How many certificates one list is about: 32 KiB, some hundred bytes when compressed."""
TTL = timedelta(minutes=1)
LIFETIME = timedelta(days=1)
STATUS_SECONDS = int(TTL.total_seconds())
TYPE = "statuslist+jwt"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")

_VALUES = {
    CertificateStatus.REVOKED: 1,
    CertificateStatus.REPLACED: 1,
    CertificateStatus.SUSPENDED: 2,
}
"""Draft-ietf-oauth-status-list, 7.1: 1 is invalid for good, 2 is suspended; 0 is neither."""


def status_claim(deps: CertificatesDeps, place: int) -> dict[str, Any]:
    """Return the `status` claim of a credential: which list, and where in it."""
    number, index = divmod(place, SIZE)
    return {"status_list": {"idx": index, "uri": list_url(deps, number)}}


def list_url(deps: CertificatesDeps, number: int) -> str:
    """Return the address of a list, which is its `sub`, too."""
    return f"{deps.public_url}/v1/certificates/status-lists/{number}"


def sign_status_list(uow: UnitOfWork, deps: CertificatesDeps, named: str) -> str:
    """Return a list as a signed token, as things stand now; raise `NotFound` for one not begun.

    What has run out by itself is not in it: a credential says until when it is good.
    """
    number = int(named) if _NUMBER.fullmatch(named) else -1
    with uow.phase():
        bits = _read_bits(uow, number)
    forbid_open_transaction("the signature of a status list")
    moment = now()
    claims = {
        "sub": list_url(deps, number),
        "iss": deps.public_url,
        "iat": int(moment.timestamp()),
        "exp": int((moment + LIFETIME).timestamp()),
        "ttl": STATUS_SECONDS,
        "status_list": {"bits": BITS, "lst": _compressed(bits)},
    }
    return deps.seal.sign_json(claims, moment, typ=TYPE)


def _read_bits(uow: UnitOfWork, number: int) -> bytes:
    """Return the places of a list, two bits for each, the first in the lowest bits."""
    last = uow.scalar(select(func.max(Certificate.place))) or 0
    if not 0 <= number <= last // SIZE:
        raise NotFound
    first = number * SIZE
    rows = uow.execute(
        select(Certificate.place, Certificate.status).where(
            Certificate.status.in_(LISTED), Certificate.place.between(first, first + SIZE - 1)
        )
    )
    bits = bytearray(SIZE * BITS // 8)
    for place, status in rows:
        byte, shift = divmod((place - first) * BITS, 8)
        bits[byte] |= _VALUES[CertificateStatus(status)] << shift
    return bytes(bits)


def _compressed(bits: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(bits, 9)).decode().rstrip("=")
