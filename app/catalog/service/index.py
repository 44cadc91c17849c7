"""The words of the catalogue, prepared so that a search reads a few short lists.

A posting says which service a word finds, and how good that is. `score` orders hits: first by the
reason (`MatchedBy`, in its order), then a whole title, a whole keyword, part of a title, part of a
keyword; services stand in the order of their titles, so their position breaks the tie.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from app.catalog.values import MatchedBy

REASONS = tuple(MatchedBy)
_RANK = {reason: rank for rank, reason in enumerate(REASONS)}


class Fit(IntEnum):
    """How well a word fits, best first."""

    WHOLE_TITLE = 0
    WHOLE_KEYWORD = 1
    PART_OF_TITLE = 2
    PART_OF_KEYWORD = 3


def score(reason: MatchedBy, fit: Fit) -> int:
    """Return the place of a hit among others: lower is better."""
    return _RANK[reason] * len(Fit) + fit


def reason_of(points: int) -> MatchedBy:
    """Return the reason that a score carries."""
    return REASONS[points // len(Fit)]


def with_reason(reason: MatchedBy, points: int) -> int:
    """Return a score of the same fit for another reason."""
    return _RANK[reason] * len(Fit) + points % len(Fit)


@dataclass(frozen=True, slots=True)
class Posting:
    """A service that a word finds: the score when it is the whole word, its start, or inside."""

    service: int
    whole: int
    start: int
    inside: int


Hits = dict[int, int]
"""Service -> score."""


def keep_best(hits: Hits, service: int, points: int) -> None:
    """Note a hit unless a better one is noted already."""
    if points < hits.get(service, points + 1):
        hits[service] = points


class Texts:
    """Chinese texts, found by any part of them through their single and double characters."""

    def __init__(self, words: Mapping[str, list[Posting]]) -> None:
        self._texts = [(text, tuple(postings)) for text, postings in words.items()]
        self._numbers = {text: number for number, (text, _) in enumerate(self._texts)}
        self._longest = max(map(len, self._numbers), default=0)
        grams: dict[str, list[int]] = defaultdict(list)
        for number, (text, _) in enumerate(self._texts):
            for gram in {*text, *(text[i : i + 2] for i in range(len(text) - 1))}:
                grams[gram].append(number)
        self._grams = {gram: tuple(numbers) for gram, numbers in grams.items()}

    def find(self, part: str) -> Hits:
        """Return the services with a text that contains this part."""
        hits: Hits = {}
        for text, postings in self._candidates(part):
            if part not in text:
                continue
            is_whole, is_start = part == text, text.startswith(part)
            for posting in postings:
                points = posting.start if is_start else posting.inside
                keep_best(hits, posting.service, posting.whole if is_whole else points)
        return hits

    def find_within(self, sentence: str) -> Hits:
        """Return the services whose text, of two characters or more, stands in a sentence."""
        hits: Hits = {}
        for start in range(len(sentence) - 1):
            for end in range(start + 2, min(start + self._longest, len(sentence)) + 1):
                number = self._numbers.get(sentence[start:end])
                for posting in () if number is None else self._texts[number][1]:
                    keep_best(hits, posting.service, posting.whole)
        return hits

    def _candidates(self, part: str) -> Iterator[tuple[str, tuple[Posting, ...]]]:
        grams = [part[i : i + 2] for i in range(len(part) - 1)] or [part]
        lists = [self._grams.get(gram, ()) for gram in grams]
        return (self._texts[number] for number in min(lists, key=len))


class Starts:
    """Words found by how they start: a sorted list."""

    def __init__(self, words: Mapping[str, list[Posting]]) -> None:
        self._words = sorted(words)
        self._postings = [tuple(words[word]) for word in self._words]

    def find(self, start: str) -> Hits:
        """Return the services with a word that starts like this."""
        hits: Hits = {}
        for place in range(bisect_left(self._words, start), len(self._words)):
            word = self._words[place]
            if not word.startswith(start):
                break
            for posting in self._postings[place]:
                points = posting.whole if word == start else posting.start
                keep_best(hits, posting.service, points)
        return hits


class Neighbours:
    """Words found although one letter is wrong, missing, too many, or changed places with the next.

    Two words that near have a form in common when at most one letter of each is dropped; so every
    word stands in a table under each such form, and only those found there are compared.
    """

    def __init__(self, words: Mapping[str, list[Posting]]) -> None:
        self._postings = {word: tuple(postings) for word, postings in words.items()}
        table: dict[str, list[str]] = defaultdict(list)
        for word in self._postings:
            for form in _dropped(word):
                table[form].append(word)
        self._table = {form: tuple(found) for form, found in table.items()}

    def find(self, word: str) -> Hits:
        """Return the services with a word one edit away from this one."""
        hits: Hits = {}
        near = {known for form in _dropped(word) for known in self._table.get(form, ())}
        for known in near:
            if is_one_edit(word, known):
                for posting in self._postings[known]:
                    keep_best(hits, posting.service, posting.whole)
        return hits


def _dropped(word: str) -> set[str]:
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


def is_one_edit(one: str, other: str) -> bool:
    """Say whether one letter put in, left out or replaced, or two swapped, turn one into other."""
    short, long = sorted((one, other), key=len)
    first = next((i for i, letter in enumerate(short) if letter != long[i]), len(short))
    rest, longer_rest = short[first:], long[first:]
    if len(long) - len(short) == 1:
        return rest == longer_rest[1:]
    if len(long) != len(short) or not rest:
        return False
    swapped = longer_rest[1::-1] + longer_rest[2:]
    return rest[1:] == longer_rest[1:] or rest == swapped


def gather(pairs: Iterable[tuple[str, Posting]]) -> dict[str, list[Posting]]:
    """Return the postings of each word."""
    words: dict[str, list[Posting]] = defaultdict(list)
    for word, posting in pairs:
        words[word].append(posting)
    return words
