"""Resident identity numbers as GB 11643 describes them.

The residence permits of people from Hong Kong, Macau and Taiwan (areas 81, 82, 83) and the
permanent-residence cards of foreigners of the present form (first digit 9) carry numbers of the
same make and are accepted; the register knows them. Permits of the older form, three letters and
twelve digits, have no such number and are refused by name.
"""

import re
from datetime import date

from app.core.clock import city_date
from app.identity.errors import DocumentNotSupported, ResidentIdInvalid

_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]")
_OLD_PERMIT = re.compile(r"[A-Z]{3}[0-9]{12}")
_REMAINDERS = "10X98765432"
_EARLIEST = date(1850, 1, 1)


def canonical_resident_id(text: str) -> str:
    """Return the number with an upper-case X, or raise `ResidentIdInvalid`.

    Raise `DocumentNotSupported` for the number of a foreigner's permit of the older form. The
    birthday must be a day that has come, the last character must fit. The area is not looked up:
    districts were renamed and dissolved, and their people's numbers stayed.
    """
    number = text.strip().upper()
    if _OLD_PERMIT.fullmatch(number):
        raise DocumentNotSupported
    if not _SHAPE.fullmatch(number) or number[-1] != _check_character(number):
        raise ResidentIdInvalid
    if not _EARLIEST <= born_on(number) <= date.fromisoformat(city_date()):
        raise ResidentIdInvalid
    return number


def born_on(number: str) -> date:
    """Return the birthday that a number carries, or raise `ResidentIdInvalid` if there is none."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as error:
        raise ResidentIdInvalid from error


def _check_character(number: str) -> str:
    """Return the last character that the 17 digits before it ask for (ISO 7064, MOD 11-2)."""
    total = 0
    for digit in number[:17]:
        total = (total + int(digit)) * 2 % 11
    return _REMAINDERS[total]
