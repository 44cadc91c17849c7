"""The prepared lists agree with the slow and obvious way of looking."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.service.index import (
    Fit,
    Neighbours,
    Posting,
    Starts,
    Texts,
    gather,
    is_one_edit,
    reason_of,
    score,
    with_reason,
)
from app.catalog.values import MatchedBy

WORDS = st.lists(st.text("abc水费", min_size=1, max_size=6), min_size=1, max_size=20, unique=True)
TYPED = st.text("abc水费", min_size=1, max_size=6)


def postings(words: list[str]) -> dict[str, list[Posting]]:
    return gather((word, Posting(number, 0, 1, 2)) for number, word in enumerate(words))


def edits(word: str) -> set[str]:
    """Return every word one edit away, over a small alphabet."""
    letters = "abc水费"
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    dropped = {left + right[1:] for left, right in cuts if right}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    replaced = {a + c + b[1:] for a, b in cuts if b for c in letters}
    added = {a + c + b for a, b in cuts for c in letters}
    return (dropped | swapped | replaced | added) - {word}


@settings(deadline=None)
@given(WORDS, TYPED)
def test_texts_are_found_by_any_part(words: list[str], typed: str) -> None:
    def points(word: str) -> int:
        return 0 if word == typed else 1 if word.startswith(typed) else 2

    expected = {n: points(word) for n, word in enumerate(words) if typed in word}
    assert Texts(postings(words)).find(typed) == expected


@settings(deadline=None)
@given(WORDS, TYPED)
def test_texts_are_found_within_a_sentence(words: list[str], typed: str) -> None:
    expected = {n: 0 for n, word in enumerate(words) if len(word) > 1 and word in typed}
    assert Texts(postings(words)).find_within(typed) == expected


@settings(deadline=None)
@given(WORDS, TYPED)
def test_words_are_found_by_their_start(words: list[str], typed: str) -> None:
    expected = {
        n: 0 if word == typed else 1 for n, word in enumerate(words) if word.startswith(typed)
    }
    assert Starts(postings(words)).find(typed) == expected


@settings(deadline=None)
@given(WORDS, TYPED)
def test_neighbours_are_the_words_one_edit_away(words: list[str], typed: str) -> None:
    near = edits(typed)
    expected = {n: 0 for n, word in enumerate(words) if word in near}
    assert Neighbours(postings(words)).find(typed) == expected


@settings(deadline=None)
@given(TYPED, TYPED)
def test_one_edit_is_what_it_says(one: str, other: str) -> None:
    assert is_one_edit(one, other) == (other in edits(one))
    assert is_one_edit(one, other) == is_one_edit(other, one)


def test_empty_lists_find_nothing() -> None:
    assert Texts({}).find("水") == {}
    assert Texts({}).find_within("水费") == {}
    assert Starts({}).find("s") == {}
    assert Neighbours({}).find("shuifei") == {}


def test_a_score_orders_by_reason_and_then_by_fit() -> None:
    scores = [score(reason, fit) for reason in MatchedBy for fit in Fit]
    assert scores == sorted(set(scores))
    assert [reason_of(points) for points in scores[:: len(Fit)]] == list(MatchedBy)
    exact = score(MatchedBy.EXACT, Fit.WHOLE_TITLE)
    assert with_reason(MatchedBy.TYPO, exact) == score(MatchedBy.TYPO, Fit.WHOLE_TITLE)
