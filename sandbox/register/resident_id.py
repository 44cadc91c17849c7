"""Resident identity numbers as GB 11643 makes them: area, birthday, sequence, check character."""

import re
from datetime import date

# Shiyan's county-level areas, GB/T 2260.
AREAS = ("420302", "420303", "420304", "420322", "420323", "420324", "420325", "420381")

_LENGTH = 18
_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]\Z")
_CHECK_CHARACTERS = "10X98765432"


def make_resident_id(*, area: str, born: date, sequence: int) -> str:
    """Return the number for the nth registration (1 to 999) of a day in an area."""
    body = f"{area}{born:%Y%m%d}{sequence:03d}"
    return body + check_character(body)


def is_resident_id(text: str) -> bool:
    """Tell whether the text has the shape, a birthday that exists and the right check character."""
    if not _SHAPE.match(text) or text[-1] != check_character(text[:-1]):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return True


def check_character(body: str) -> str:
    """Return the last character for the 17 digits before it (ISO 7064, MOD 11-2)."""
    weighted = (
        int(digit) * (2 ** (_LENGTH - 1 - position) % 11) for position, digit in enumerate(body)
    )
    return _CHECK_CHARACTERS[sum(weighted) % 11]
