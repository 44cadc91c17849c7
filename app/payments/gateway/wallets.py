"""What Alipay and WeChat Pay have in common: order numbers, amounts, signatures, bill files."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from tempfile import TemporaryFile
from typing import BinaryIO, cast
from uuid import UUID

from app.core.clock import CITY_TIME, now
from app.core.egress import Egress, NoAnswer
from app.payments.errors import SignatureInvalid
from app.payments.gateway.contract import StatementUnavailable

CURRENCY = "CNY"
CONNECT_SECONDS = 2.0
BILL_SECONDS = 300.0
MAX_BILL = 512 * 1024 * 1024
SUBJECT = "i武当缴费"
"""What the wallet shows of a payment: whose it is, and nothing about the payer or the bill."""

PAST, FUTURE = timedelta(seconds=300), timedelta(seconds=60)
"""How old a signed message may be, and how far ahead of us its sender's clock."""

_NUMBER = re.compile(r"[0-9a-f]{32}")
_YUAN = re.compile(r"(-?)([0-9]{1,11})(?:\.([0-9]{1,2})0*)?")
_FINE_YUAN = re.compile(r"-?[0-9]{1,11}(?:\.[0-9]{1,8})?")
_BOOKS_CLOSE = time(12)


def order_number(record_id: UUID) -> str:
    """Return the number under which a wallet knows an attempt or refund of ours, for good."""
    return record_id.hex


def record_of(number: object) -> str | None:
    """Return the id of ours that an order number stands for; None when it is none of ours."""
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        return None
    return str(UUID(number))


def to_yuan(amount: int) -> str:
    """Return fen as yuan with two decimals, exactly: 4250 -> 42.50."""
    sign = "-" if amount < 0 else ""
    whole, fen = divmod(abs(amount), 100)
    return f"{sign}{whole}.{fen:02d}"


def to_fen(text: str) -> int:
    """Return yuan as fen, exactly; raise ValueError for what is not a whole number of fen."""
    match = _YUAN.fullmatch(text)
    if match is None:
        raise ValueError(f"not an amount in yuan: {text[:20]!r}")
    sign, whole, fraction = match.groups(default="")
    fen = int(whole) * 100 + int((fraction + "00")[:2])
    return -fen if sign else fen


def fee_to_fen(text: str) -> int:
    """Return a fee in yuan as whole fen; wallets write more decimals than they take money for."""
    if not _FINE_YUAN.fullmatch(text):
        raise ValueError(f"not a fee in yuan: {text[:20]!r}")
    return int((Decimal(text) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def is_canonical(signature: str) -> bool:
    """Say whether base64 is written in its one way, so that no signature has two spellings."""
    try:
        plain = base64.b64decode(signature.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return False
    return base64.b64encode(plain).decode() == signature


def check_recent(sent_at: datetime, moment: datetime) -> None:
    """Refuse a message older than five minutes, or from further ahead than one."""
    if not -FUTURE <= moment - sent_at <= PAST:
        raise SignatureInvalid("The signature is too old, or from the future.")


def city_moment(text: str) -> datetime:
    """Return a time of the city that is written without a zone; raise ValueError otherwise."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CITY_TIME)


def are_books_closed(day: date) -> bool:
    """Say whether a wallet must have written its bill of a city day: by noon of the next."""
    closing = datetime.combine(day + timedelta(days=1), _BOOKS_CLOSE, tzinfo=CITY_TIME)
    return now() >= closing


@contextmanager
def bill_file(
    egress: Egress, url: str, headers: Mapping[str, str] | None = None
) -> Iterator[BinaryIO]:
    """Fetch a bill into a file that is gone afterwards; raise `StatementUnavailable` if it fails.

    A day of a city is too large for memory, and is believed only when it is there to its end.
    """
    with TemporaryFile() as opened:
        file = cast("BinaryIO", opened)
        try:
            egress.download(
                url,
                file,
                connect_seconds=CONNECT_SECONDS,
                total_seconds=BILL_SECONDS,
                max_bytes=MAX_BILL,
                headers=headers,
            )
        except NoAnswer as error:
            raise StatementUnavailable(f"the bill cannot be fetched: {error}") from error
        file.seek(0)
        yield file
