"""Unified social credit codes (统一社会信用代码) as GB 32100 describes them."""

import re

from stdnum.cn.uscc import calc_check_digit

from app.delegation.errors import UsccInvalid

# The registering authority and the kind of body may be letters (N for village collectives, Y for
# others), which stdnum's own check refuses; the six characters of the place are digits.
_SHAPE = re.compile(r"[1-9A-HJ-NP-RT-UW-Y][1-9A-HJ-NP-RT-UW-Y][0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")


def canonical_uscc(text: str) -> str:
    """Return a code in upper case without blanks, or raise `UsccInvalid`."""
    code = re.sub(r"[ -]", "", text).upper()
    if not code.isascii() or not _SHAPE.fullmatch(code) or code[-1] != calc_check_digit(code[:17]):
        raise UsccInvalid
    return code
