"""Merkle trees: the known vectors of RFC 6962's reference, and what holds for every tree."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.service.merkle import leaf_hash, path_to, root_by_path, root_of

# The inputs and roots of the test data of Certificate Transparency (RFC 6962).
INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = st.lists(st.binary(max_size=8), min_size=1, max_size=70).map(
    lambda contents: [leaf_hash(content) for content in contents]
)


def test_the_tree_of_nothing() -> None:
    assert root_of([]) == sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots(size: int) -> None:
    leaves = [leaf_hash(bytes.fromhex(text)) for text in INPUTS[:size]]
    assert root_of(leaves).hex() == ROOTS[size - 1]


@given(LEAVES, st.data())
def test_every_leaf_has_a_proof_and_no_other_place_takes_it(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = path_to(index, leaves)
    root = root_of(leaves)
    assert root_by_path(leaves[index], index, len(leaves), path) == root
    assert len(path) <= max(1, (len(leaves) - 1).bit_length())
    for other in {*range(len(leaves))} - {index}:
        found = root_by_path(leaves[index], other, len(leaves), path)
        assert found != root or leaves[other] == leaves[index]


@given(LEAVES, st.data())
def test_a_bent_proof_leads_elsewhere(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = path_to(index, leaves), root_of(leaves)
    assert root_by_path(leaf_hash(b"forged" * 9), index, len(leaves), path) != root
    assert root_by_path(leaves[index], index, len(leaves), [*path, root]) is None
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        bent = [*path]
        bent[place] = bytes([bent[place][0] ^ 1, *bent[place][1:]])
        assert root_by_path(leaves[index], index, len(leaves), bent) != root
        assert root_by_path(leaves[index], index, len(leaves), path[:-1]) != root


@given(LEAVES, st.data())
def test_no_change_of_the_leaves_keeps_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    root = root_of(leaves)
    assert root_of([*leaves[:place], leaf_hash(b"x" * 20), *leaves[place + 1 :]]) != root
    assert root_of([*leaves[:place], *leaves[place + 1 :]]) != root
    assert root_of([*leaves[:place], leaves[place], *leaves[place:]]) != root
    # A node does not pass for a leaf: the tree over the two halves' roots is another one.
    if len(leaves) > 2:
        half = 1 << (len(leaves) - 1).bit_length() - 1
        assert root_of([leaf_hash(root_of(leaves[:half]) + root_of(leaves[half:]))]) != root


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (7, 3)])
def test_there_is_no_proof_for_a_place_outside(index: int, size: int) -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    with pytest.raises(IndexError):
        path_to(index, leaves)
    assert root_by_path(leaf_hash(b"0"), index, size, []) is None
