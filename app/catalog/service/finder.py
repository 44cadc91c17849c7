"""Search: what a citizen typed, to the services they may have meant, in a stable order."""

import functools
from collections.abc import Callable, Iterable
from itertools import islice

from app.catalog.service.index import Hits, keep_best, with_reason
from app.catalog.service.readings import normalise, squash, syllables
from app.catalog.service.words import FEWEST_CHARACTERS, FEWEST_LETTERS, Synonyms, Words
from app.catalog.values import MatchedBy

RULES = 1
"""Raised whenever the order of hits or the form of an answer changes, so that no cache lies."""

_FEWEST_PINYIN = 2
_FEWEST_PINYIN_INSIDE = 4
_MOST_WORDS = 8
_MOST_SYNONYMS = 48
_REMEMBERED = 512

Found = tuple[tuple[int, int], ...]
"""(score, service), best first."""


class Finder:
    """Finds services by Chinese, pinyin, initials, synonyms and English, and forgives one typo.

    Several words must all be found. When nothing is, one typo is forgiven (and for Chinese any
    characters that sound the same), and titles and keywords inside a longer sentence are found.
    """

    def __init__(self, words: Words, synonyms: Synonyms) -> None:
        self._words = words
        self._synonyms = synonyms
        self._remembered = functools.lru_cache(_REMEMBERED)(self._find)

    def find(self, q: str) -> Found:
        """Return every service that fits what was typed; nothing for punctuation alone."""
        return self._remembered(normalise(q))

    def _find(self, q: str) -> Found:
        if not q:
            return ()
        hits = self._by(self._exactly, q) or self._by(self._loosely, q)
        return tuple(sorted((points, service) for service, points in hits.items()))

    def _by(self, look: Callable[[str], Hits], q: str) -> Hits:
        """Look for the whole text, and for services that every one of its words finds."""
        hits = look(q)
        words = list(dict.fromkeys(q.split()))[:_MOST_WORDS]
        if len(words) > 1:
            for service, points in _in_all([look(word) for word in words]).items():
                keep_best(hits, service, points)
        return hits

    def _exactly(self, text: str) -> Hits:
        squashed = squash(text)
        hits = self._own(text, squashed)
        for other, reason in islice(self._synonyms.of(_form(text)), _MOST_SYNONYMS):
            _merge(hits, self._own(other, squash(other)), reason)
        _merge(hits, self._words.department_texts.find(squashed))
        _merge(hits, self._words.department_english.find(text))
        if squashed.isascii() and len(squashed) >= _FEWEST_PINYIN:
            _merge(hits, self._read(squashed))
            _merge(hits, self._words.initials.find(squashed))
        return hits

    def _own(self, text: str, squashed: str) -> Hits:
        """Look through titles and keywords."""
        hits = self._words.texts.find(squashed)
        _merge(hits, self._words.english.find(text))
        if squashed != text:
            _merge(hits, self._words.english.find(squashed))
        return hits

    def _read(self, reading: str) -> Hits:
        hits = self._words.pinyin.find(reading)
        if len(reading) >= _FEWEST_PINYIN_INSIDE:
            _merge(hits, self._words.pinyin_inside.find(reading))
        return hits

    def _loosely(self, text: str) -> Hits:
        """Look for a word as it is, and if that finds nothing for what it was meant to be."""
        return self._exactly(text) or self._nearly(squash(text))

    def _nearly(self, squashed: str) -> Hits:
        if squashed.isascii():
            return self._words.typos.find(squashed) if len(squashed) >= FEWEST_LETTERS else {}
        hits = self._words.typos.find(squashed) if len(squashed) >= FEWEST_CHARACTERS else {}
        _merge(hits, self._read("".join(syllables(squashed))), MatchedBy.TYPO)
        _merge(hits, self._words.texts.find_within(squashed), MatchedBy.WITHIN)
        return hits


def _form(text: str) -> str:
    return text if text.isascii() else squash(text)


def _merge(hits: Hits, more: Hits, reason: MatchedBy | None = None) -> None:
    """Add hits, for another reason when one is given."""
    for service, points in more.items():
        keep_best(hits, service, with_reason(reason, points) if reason else points)


def _in_all(lists: Iterable[Hits]) -> Hits:
    """Return what every list has; a service is as good as its worst word."""
    first, *others = lists
    return {
        service: max(points, *(other[service] for other in others))
        for service, points in first.items()
        if all(service in other for other in others)
    }
