"""The arithmetic of splits, for any rule, any amount and any sequence of refunds."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ledger.service.shares import allocate, split_amount, take_proportionally
from app.ledger.values import WHOLE, Part, PartKind

AMOUNTS = st.integers(min_value=1, max_value=10**10)
WEIGHTS = st.lists(st.integers(0, 10**10), min_size=1, max_size=20).filter(any)


@st.composite
def rules(draw: st.DrawFn) -> list[Part]:
    """Return the parts of some valid rule."""
    fixed = draw(st.lists(st.integers(1, 10**6), max_size=4))
    left = WHOLE
    percents = []
    for _ in range(draw(st.integers(0, 5))):
        if left <= 1:
            break
        percents.append(draw(st.integers(1, left - 1)))
        left -= percents[-1]
    kinds = [(PartKind.FIXED, size) for size in fixed]
    kinds += [(PartKind.PERCENT, size) for size in percents]
    kinds.append((PartKind.REMAINDER, 0))
    order = draw(st.permutations(kinds))
    return [
        Part(f"payee:p{index}", kind, size, draw(st.integers(0, 9)))
        for index, (kind, size) in enumerate(order)
    ]


@given(total=st.integers(0, 10**12), weights=WEIGHTS)
def test_what_is_divided_is_the_whole_and_within_the_quota(total: int, weights: list[int]) -> None:
    given_out = allocate(total, weights)
    assert sum(given_out) == total
    for part, weight in zip(given_out, weights, strict=True):
        quota = Fraction(total * weight, sum(weights))
        assert quota - 1 < part < quota + 1


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (1, [1, 1], [1, 0]),
        (5, [0, 1], [0, 5]),
        (10, [5, 3, 1], [6, 3, 1]),
        (0, [0, 0], [0, 0]),
    ],
)
def test_the_largest_remainders_get_the_odd_fen(
    total: int, weights: list[int], expected: list[int]
) -> None:
    assert allocate(total, weights) == expected


@pytest.mark.parametrize(("total", "weights"), [(1, [0, 0]), (-1, [1]), (1, [2, -1])])
def test_what_cannot_be_divided_is_refused(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="nothing to divide"):
        allocate(total, weights)


@given(parts=rules(), amount=AMOUNTS)
def test_every_split_is_exactly_the_amount(parts: list[Part], amount: int) -> None:
    shares = split_amount(amount, parts)
    assert sum(shares) == amount
    assert min(shares) >= 0
    fixed = [s for s, p in zip(shares, parts, strict=True) if p.kind == PartKind.FIXED]
    sizes = [p.size for p in parts if p.kind == PartKind.FIXED]
    assert all(share <= size for share, size in zip(fixed, sizes, strict=True))
    base = amount - sum(fixed)
    for share, part in zip(shares, parts, strict=True):
        if part.kind == PartKind.PERCENT:
            assert abs(share - Fraction(base * part.size, WHOLE)) < 1


def test_fixed_parts_come_first_in_their_order_and_may_find_nothing_left() -> None:
    parts = [
        Part("payee:late", PartKind.FIXED, 60, 2),
        Part("payee:early", PartKind.FIXED, 70, 1),
        Part("payee:rest", PartKind.REMAINDER, 0, 3),
    ]
    assert split_amount(100, parts) == [30, 70, 0]
    assert split_amount(50, parts) == [0, 50, 0]
    assert split_amount(200, parts) == [60, 70, 70]


@settings(max_examples=400)
@given(parts=rules(), amount=AMOUNTS, cuts=st.lists(st.floats(0.0001, 1), max_size=12))
def test_any_sequence_of_refunds_reverses_the_split_to_the_fen(
    parts: list[Part], amount: int, cuts: list[float]
) -> None:
    shares = split_amount(amount, parts)
    taken, left = [0] * len(shares), amount
    for cut in [*cuts, 1.0]:
        step = max(1, int(left * cut)) if cut < 1 else left
        if left == 0:
            break
        more = take_proportionally(shares, taken, step)
        assert sum(more) == step
        assert min(more) >= 0
        taken = [a + b for a, b in zip(taken, more, strict=True)]
        left -= step
        assert all(t <= s for t, s in zip(taken, shares, strict=True))
        for gone, share in zip(taken, shares, strict=True):
            ideal = Fraction(share * (amount - left), amount)
            assert ideal - len(shares) < gone < ideal + 1
    assert taken == shares


@settings(max_examples=200)
@given(
    shares=st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any),
    steps=st.lists(st.tuples(st.floats(0.01, 1), st.booleans()), max_size=20),
)
def test_refunds_that_fail_between_others_never_break_a_share(
    shares: list[int], steps: list[tuple[float, bool]]
) -> None:
    taken, standing = [0] * len(shares), []
    for size, fails in steps:
        left = sum(shares) - sum(taken)
        if fails and standing:
            back = standing.pop(len(standing) // 2)
            taken = [t - b for t, b in zip(taken, back, strict=True)]
        elif left:
            more = take_proportionally(shares, taken, max(1, int(left * size)))
            standing.append(more)
            taken = [t + m for t, m in zip(taken, more, strict=True)]
        assert all(0 <= t <= s for t, s in zip(taken, shares, strict=True))
    left = sum(shares) - sum(taken)
    if left:
        more = take_proportionally(shares, taken, left)
        assert [t + m for t, m in zip(taken, more, strict=True)] == shares


def test_a_fen_at_a_time_stays_in_proportion() -> None:
    shares, taken = [9700, 200, 100], [0, 0, 0]
    for count in range(1, 10_001):
        more = take_proportionally(shares, taken, 1)
        taken = [t + m for t, m in zip(taken, more, strict=True)]
        assert all(abs(t * 10_000 - s * count) < 20_000 for t, s in zip(taken, shares, strict=True))
    assert taken == shares


@pytest.mark.parametrize("amount", [0, -1, 101])
def test_no_more_than_is_left_can_be_taken(amount: int) -> None:
    with pytest.raises(ValueError, match="not so much left"):
        take_proportionally([60, 40], [0, 0], amount)
