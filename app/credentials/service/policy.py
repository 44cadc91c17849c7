"""What makes a password acceptable: NIST SP 800-63B for citizens, MLPS level 3 for operators.

No rule about characters for citizens, and no change by the calendar: a password that is long and
that nobody else would think of. The list of common ones is zxcvbn's, thirty thousand by frequency.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app.credentials.errors import PasswordTooWeak
from app.credentials.values import Context, Policy

SHORTEST = {Policy.CITIZEN: 8, Policy.OPERATOR: 12}
LONGEST = 128
ALONE = 15
"""Characters from which on a citizen's password may be the only factor of a log-in."""
CLASSES = 3
LIFETIMES: dict[Policy, timedelta | None] = {
    Policy.CITIZEN: None,
    Policy.OPERATOR: timedelta(days=90),
}
REMEMBERED = {Policy.CITIZEN: 0, Policy.OPERATOR: 5}
"""How many passwords before a new one it may not repeat, the present one included."""

COMMON = frozenset(FREQUENCY_LISTS["passwords"])
_CITY_WORDS = ("wudang", "i武当", "武当山", "shiyan")
_SHORTEST_WORD = 2
_FEWEST_CHARACTERS = 5
_CLASSES = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]")


def check_password_policy(password: str, policy: Policy, context: Context) -> None:
    """Raise `PasswordTooWeak` with every rule that a password breaks."""
    reasons = list(_faults(unicodedata.normalize("NFC", password), policy, context))
    if reasons:
        raise PasswordTooWeak(reasons=reasons)


def may_stand_alone(password: str) -> bool:
    """Say whether a password is long enough to be the only factor."""
    return len(unicodedata.normalize("NFC", password)) >= ALONE


def _faults(password: str, policy: Policy, context: Context) -> Iterator[str]:
    plain = password.casefold()
    if len(password) < SHORTEST[policy]:
        yield "too-short"
    if len(password) > LONGEST:
        yield "too-long"
    if plain in COMMON or plain.strip("0123456789!@#$%^&*.?_- ") in _words_alone(plain):
        yield "common"
    if len(set(plain)) < _FEWEST_CHARACTERS or _is_a_run(plain):
        yield "too-regular"
    if any(word in plain for word in _words(context)):
        yield "personal"
    if policy is Policy.OPERATOR:
        found = sum(bool(re.search(pattern, password)) for pattern in _CLASSES)
        if found < CLASSES:
            yield "too-few-kinds-of-characters"


def _words_alone(plain: str) -> frozenset[str]:
    """Return the common words that a little decoration does not make a password of."""
    return COMMON if len(plain) < ALONE else frozenset()


def _words(context: Context) -> Iterator[str]:
    for word in (*_CITY_WORDS, *context):
        if len(word) >= _SHORTEST_WORD:
            yield word.casefold()


def _is_a_run(plain: str) -> bool:
    """Say whether each character follows the one before, as in 123456789 or zyxwvuts."""
    steps = {ord(after) - ord(before) for before, after in pairwise(plain)}
    return steps in ({1}, {-1})
