"""Which words find which service: titles, keywords, departments, their pinyin and initials."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.catalog.service.index import Fit, Neighbours, Posting, Starts, Texts, gather, score
from app.catalog.service.readings import normalise, read, squash
from app.catalog.values import MatchedBy, Table

FEWEST_LETTERS = 4
"""A Latin word shorter than this is not looked for with a typo in it."""
FEWEST_CHARACTERS = 3
"""The same for Chinese characters."""

_Pair = tuple[str, Posting]


@dataclass(frozen=True, slots=True)
class Words:
    """The prepared lists of one snapshot; each finds services by their position."""

    texts: Texts
    english: Starts
    department_texts: Texts
    department_english: Starts
    pinyin: Starts
    pinyin_inside: Starts
    initials: Starts
    typos: Neighbours


@dataclass(slots=True)
class _Pairs:
    """The words of every service before they are sorted."""

    texts: list[_Pair] = field(default_factory=list)
    english: list[_Pair] = field(default_factory=list)
    department_texts: list[_Pair] = field(default_factory=list)
    department_english: list[_Pair] = field(default_factory=list)
    pinyin: list[_Pair] = field(default_factory=list)
    pinyin_inside: list[_Pair] = field(default_factory=list)
    initials: list[_Pair] = field(default_factory=list)
    typos: list[_Pair] = field(default_factory=list)


def prepare_words(services: Sequence[Table], departments: Mapping[str, Table]) -> Words:
    """Return the words of services, which stand in the order in which hits are to be shown."""
    pairs = _Pairs()
    for number, service in enumerate(services):
        _add_service(pairs, number, service)
        _add_department(pairs, number, departments[service["department"]])
    return Words(
        texts=Texts(gather(pairs.texts)),
        english=Starts(gather(pairs.english)),
        department_texts=Texts(gather(pairs.department_texts)),
        department_english=Starts(gather(pairs.department_english)),
        pinyin=Starts(gather(pairs.pinyin)),
        pinyin_inside=Starts(gather(pairs.pinyin_inside)),
        initials=Starts(gather(pairs.initials)),
        typos=Neighbours(gather(pairs.typos)),
    )


def _add_service(pairs: _Pairs, number: int, service: Table) -> None:
    titles = MatchedBy.EXACT, MatchedBy.PREFIX, MatchedBy.TITLE
    keyword = MatchedBy.KEYWORD
    for text in service["title"].values():
        _add_text(pairs, text, _posting(number, *titles, is_title=True), is_title=True)
    for text in service["keywords"]:
        posting = _posting(number, keyword, keyword, keyword, is_title=False)
        _add_text(pairs, text, posting, is_title=False)


def _add_text(pairs: _Pairs, text: str, posting: Posting, *, is_title: bool) -> None:
    plain = normalise(text)
    if plain.isascii():
        pairs.english.extend(_english(plain, posting))
        points = score(MatchedBy.TYPO, Fit.PART_OF_TITLE if is_title else Fit.PART_OF_KEYWORD)
        typo = Posting(posting.service, points, points, points)
        long = (word for word in plain.split() if len(word) >= FEWEST_LETTERS)
        pairs.typos.extend((word, typo) for word in long)
        return
    _add_chinese(pairs, squash(plain), posting, is_title=is_title)


def _add_chinese(pairs: _Pairs, text: str, posting: Posting, *, is_title: bool) -> None:
    number = posting.service
    pairs.texts.append((text, posting))
    reading, whole = read(text), read(text).whole
    said = _same(number, MatchedBy.PINYIN, is_title=is_title)
    pairs.pinyin.extend((word, said) for word in (whole, *reading.others))
    inside = Posting(number, said.inside, said.inside, said.inside)
    parts = reading.parts
    pairs.pinyin_inside.extend(("".join(parts[i:]), inside) for i in range(1, len(parts)))
    first = _same(number, MatchedBy.INITIALS, is_title=is_title)
    pairs.initials.append((reading.initials, first))
    typo = _same(number, MatchedBy.TYPO, is_title=is_title)
    if len(text) >= FEWEST_CHARACTERS:
        pairs.typos.append((text, typo))
    if len(whole) >= FEWEST_LETTERS:
        pairs.typos.append((whole, typo))


def _add_department(pairs: _Pairs, number: int, department: Table) -> None:
    posting = _same(number, MatchedBy.DEPARTMENT, is_title=True)
    for text in (department["title"]["zh"], department["short"]["zh"]):
        pairs.department_texts.append((squash(normalise(text)), posting))
    pairs.department_english.extend(_english(normalise(department["title"]["en"]), posting))


def _english(plain: str, posting: Posting) -> Iterator[_Pair]:
    """Yield a text from each of its words on, and without its spaces."""
    words = plain.split()
    yield plain, posting
    inside = posting.inside
    for place in range(1, len(words)):
        rest = " ".join(words[place:])
        yield rest, Posting(posting.service, inside, inside, inside)
    if len(words) > 1:
        yield "".join(words), posting


def _posting(
    number: int, whole: MatchedBy, start: MatchedBy, inside: MatchedBy, *, is_title: bool
) -> Posting:
    all_of = Fit.WHOLE_TITLE if is_title else Fit.WHOLE_KEYWORD
    part_of = Fit.PART_OF_TITLE if is_title else Fit.PART_OF_KEYWORD
    return Posting(number, score(whole, all_of), score(start, part_of), score(inside, part_of))


def _same(number: int, reason: MatchedBy, *, is_title: bool) -> Posting:
    return _posting(number, reason, reason, reason, is_title=is_title)


class Synonyms:
    """Groups of words for one thing; a word is known by its pinyin too."""

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        self._others: dict[str, tuple[str, ...]] = {}
        self._by_reading: dict[str, list[str]] = defaultdict(list)
        for group in groups:
            words = [_key(word) for word in group]
            for word in words:
                self._others[word] = tuple(other for other in words if other != word)
                if not word.isascii():
                    self._by_reading[read(word).whole].append(word)
        self._longest = max((len(word) for word in self._others), default=0)

    def of(self, text: str) -> Iterator[tuple[str, MatchedBy]]:
        """Yield other ways to say a normalised text, as a whole and then part by part.

        What is only known by its pinyin counts as found by pinyin.
        """
        for other in self._others.get(text, ()):
            yield other, MatchedBy.SYNONYM
        for word in self._by_reading.get(text, ()):
            for other in self._others[word]:
                yield other, MatchedBy.PINYIN
        if not text.isascii():
            yield from (
                (other, MatchedBy.SYNONYM) for other in self._with_parts_said_otherwise(text)
            )

    def _with_parts_said_otherwise(self, text: str) -> Iterator[str]:
        for start in range(len(text)):
            for end in range(start + 2, min(start + self._longest, len(text)) + 1):
                for other in self._others.get(text[start:end], ()):
                    if end - start < len(text) and not other.isascii():
                        yield text[:start] + other + text[end:]


def _key(word: str) -> str:
    plain = normalise(word)
    return plain if plain.isascii() else squash(plain)
