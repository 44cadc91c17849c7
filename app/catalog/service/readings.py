"""How a text is read: one written form for comparing, its pinyin and its initials."""

import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from pypinyin import Style, lazy_pinyin, pinyin

MAX_LENGTH = 64
_MARK = "Mn"
_APOSTROPHES = re.compile("['\u2019\u02bc]")
_SEPARATORS = re.compile(r"[\W_]+")
# Rare readings make words nobody means; the first few are the ones people type.
_READINGS_PER_CHARACTER = 3
_REMEMBERED = 8192


def normalise(text: str) -> str:
    """Return a text in the form that is compared: half width, lower case, plain letters, words.

    Accents and tone marks are dropped, punctuation becomes space, at most 64 characters remain.
    """
    if text.isascii():
        plain = text.lower()
    else:
        folded = unicodedata.normalize("NFKC", text).casefold()
        parts = unicodedata.normalize("NFD", folded)
        bare = "".join(c for c in parts if unicodedata.category(c) != _MARK)
        plain = unicodedata.normalize("NFC", bare)
    return _SEPARATORS.sub(" ", _APOSTROPHES.sub("", plain)).strip()[:MAX_LENGTH].rstrip()


def squash(text: str) -> str:
    """Return a normalised text without its spaces."""
    return text.replace(" ", "")


def syllables(text: str) -> list[str]:
    """Return the pinyin of a normalised text, a part for each Chinese character or other run."""
    parts: list[str] = lazy_pinyin(text)
    return parts


@dataclass(frozen=True, slots=True)
class Reading:
    """How a Chinese text is said: its parts, its initials, and what else it could be read as."""

    parts: tuple[str, ...]
    initials: str
    others: tuple[str, ...]

    @property
    def whole(self) -> str:
        """Return the pinyin as one word."""
        return "".join(self.parts)


@functools.lru_cache(_REMEMBERED)
def read(text: str) -> Reading:
    """Return the reading of a text of the catalogue, in which few texts are new at a time."""
    parts = syllables(text)
    return Reading(tuple(parts), _initials(text, parts), tuple(_other_readings(text, parts)))


def _other_readings(text: str, usual: list[str]) -> Iterator[str]:
    """Yield the pinyin of a text with one of its characters read another way, each in turn."""
    possible = pinyin(text, style=Style.NORMAL, heteronym=True)
    if len(usual) != len(possible):
        return
    for place, readings in enumerate(possible):
        others = set(readings[:_READINGS_PER_CHARACTER])
        if usual[place] in {"lv", "nv"}:
            others.add(usual[place][0] + "u")
        for other in sorted(others - {usual[place]}):
            yield "".join((*usual[:place], other, *usual[place + 1 :]))


def _initials(text: str, parts: list[str]) -> str:
    """Return the first letter of each Chinese character's syllable; other runs stay whole."""
    letters, place = "", 0
    for part in parts:
        is_run = text.startswith(part, place)
        letters += part if is_run else part[:1]
        place += len(part) if is_run else 1
    return letters
