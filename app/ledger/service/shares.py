"""The arithmetic of splits: whole fen, nothing lost, nobody below zero."""

from collections.abc import Sequence

from app.ledger.values import WHOLE, Part, PartKind


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Divide `total` by weights, by largest remainders; the sum is exactly `total`.

    Nobody is more than one away from their quota, nobody is above a whole quota. Of equal
    remainders the earlier gets the unit. Weights are zero or more, with one above zero unless
    `total` is zero.
    """
    whole = sum(weights)
    if total == 0:
        return [0] * len(weights)
    if total < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("there is nothing to divide it by")
    given = [total * weight // whole for weight in weights]
    rest = total - sum(given)
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in order[:rest]:
        given[index] += 1
    return given


def split_amount(amount: int, parts: Sequence[Part]) -> list[int]:
    """Return what each part takes of an amount; together exactly the amount.

    Fixed parts take theirs first, in the order of priority, as far as the amount reaches; percent
    parts and the remainder share what is left, by largest remainders.
    """
    order = sorted(range(len(parts)), key=lambda i: parts[i].priority)
    taken = [0] * len(parts)
    left = amount
    for index in order:
        if parts[index].kind == PartKind.FIXED:
            taken[index] = min(parts[index].size, left)
            left -= taken[index]
    sharing = [index for index in order if parts[index].kind != PartKind.FIXED]
    percents = sum(parts[i].size for i in sharing if parts[i].kind == PartKind.PERCENT)
    weights = [
        parts[i].size if parts[i].kind == PartKind.PERCENT else WHOLE - percents for i in sharing
    ]
    for index, given in zip(sharing, allocate(left, weights), strict=True):
        taken[index] = given
    return taken


def take_proportionally(shares: Sequence[int], taken: Sequence[int], amount: int) -> list[int]:
    """Return how much of each share a further amount takes back, when `taken` is back already.

    Whatever the sequence: the sum is exactly `amount`, no share ever goes below zero or above
    itself, and the last fen of the whole takes the last fen of each. Each time the shares are
    brought as near to the proportion of the whole as whole fen allow: nobody is ever more than a
    fen ahead of it. Raise ValueError when there is not so much left.
    """
    whole, back = sum(shares), sum(taken)
    if not 0 < amount <= whole - back:
        raise ValueError("there is not so much left")
    # What each lacks to its proportion after this one, in parts of `whole`; the sum of those who
    # lack something is at least the amount, and nobody lacks more than is left of their share.
    lacking = [
        max(0, share * (back + amount) - gone * whole)
        for share, gone in zip(shares, taken, strict=True)
    ]
    return allocate(amount, lacking)
