"""Merkle trees as RFC 6962 (2.1) and RFC 9162 (2.1.3) define them, over SHA-256.

A leaf and a node are hashed under different first bytes, so that neither passes for the other.
"""

from collections.abc import Sequence
from hashlib import sha256

_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of one leaf's content."""
    return sha256(_LEAF + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(_NODE + left + right).digest()


def _split(size: int) -> int:
    """Return the largest power of two below `size`: how many leaves the left half has."""
    return 1 << (size - 1).bit_length() - 1


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; of none, the hash of nothing."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    left = _split(len(leaves))
    return _node(root_of(leaves[:left]), root_of(leaves[left:]))


def path_to(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the inclusion proof of a leaf: its sisters from the bottom up."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    if len(leaves) == 1:
        return []
    left = _split(len(leaves))
    if index < left:
        return [*path_to(index, leaves[:left]), root_of(leaves[left:])]
    return [*path_to(index - left, leaves[left:]), root_of(leaves[:left])]


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a proof leads to, or None when it is not one for this place."""
    if not 0 <= index < size:
        return None
    place, last, found = index, size - 1, leaf
    for sister in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            found = _node(sister, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = _node(found, sister)
        place, last = place >> 1, last >> 1
    return found if last == 0 else None
