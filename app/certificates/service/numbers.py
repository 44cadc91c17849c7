"""Numbers of certificates, in the manner of GB/T 36904, with a check character."""

import re

from stdnum.iso7064 import mod_37_36

_FORM = re.compile(r"[0-9A-Z]{21}[.][0-9A-Z]{18}[.][0-9]{9}[.][0-9]{3}[.][0-9A-Z]")
ROOT = "1.2.156.3005.2"
"""The object identifier under which GB/T 36904 puts electronic certificates."""


def make_number(type_code: str, issuer_code: str, serial: int, edition: int) -> str:
    """Return a number: type, issuer, serial, edition, and the check character, joined by dots.

    The character is that of ISO 7064 MOD 37,36 (GB/T 17710) over all that stands before it, without
    the dots: one wrong character, or two neighbours that changed places, is noticed.
    """
    parts = [type_code, issuer_code, f"{serial:09d}", f"{edition:03d}"]
    return ".".join([*parts, mod_37_36.calc_check_digit("".join(parts))])


def is_number(text: str) -> bool:
    """Say whether a text could be the number of a certificate: its form and check character."""
    return bool(_FORM.fullmatch(text)) and bool(mod_37_36.is_valid(text.replace(".", "")))


def identifier_of(number: str) -> str:
    """Return the whole identifier (电子证照标识) of a certificate."""
    return f"{ROOT}.{number}"
