"""Sealed fields, blind indexes and references open for nobody they are not for."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from app.core.crypto import (
    KEY_SIZE,
    KeyRetired,
    Keyring,
    Suite,
    choose_suite,
    digest,
    layers,
    mask_name,
    mask_number,
    mask_phone,
    seal,
    suite_of,
    unseal,
    wrapped_by,
)

SUITES = list(Suite)
KEY = os.urandom(KEY_SIZE)
CONTEXT = "citizens|phone|0197c2b4"


def ring() -> Keyring:
    return Keyring(os.urandom(KEY_SIZE), os.urandom(KEY_SIZE), os.urandom(KEY_SIZE))


@pytest.fixture(autouse=True, params=SUITES, scope="module")
def suite(request: pytest.FixtureRequest) -> Iterator[Suite]:
    """Run everything with each suite."""
    choose_suite(request.param)
    yield request.param
    choose_suite(Suite.AES_256_GCM)


class Added:
    """Keys that a rotation has added."""

    def __init__(self, keys: dict[int, bytes], retired: set[int] | None = None) -> None:
        self.keys, self.retired = keys, retired or set()
        self.late: dict[int, bytes] = {}
        self.further: list[bytes] = []

    def encryption_keys(self) -> dict[int, bytes]:
        return self.keys

    def index_keys(self) -> list[bytes]:
        return self.further

    def peppers(self) -> list[bytes]:
        return self.further

    def is_retired(self, number: int) -> bool:
        return number in self.retired

    def look_again(self) -> None:
        self.keys = {**self.keys, **self.late}


@given(st.binary(max_size=500), st.text(max_size=50))
def test_what_is_sealed_is_opened(plain: bytes, context: str) -> None:
    context = context.encode(errors="replace").decode()
    assert unseal(KEY, seal(KEY, plain, context=context), context=context) == plain


@given(st.binary(min_size=1, max_size=40), st.data())
def test_a_single_changed_bit_does_not_open(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, plain, context=CONTEXT))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((InvalidTag, ValueError)):
        unseal(KEY, bytes(sealed), context=CONTEXT)


@pytest.mark.parametrize(
    "context",
    [
        "citizens|phone|0197c2b5",
        "citizens|name|0197c2b4",
        "staff|phone|0197c2b4",
        "",
        CONTEXT + " ",
    ],
)
def test_a_value_moved_to_another_place_does_not_open(context: str) -> None:
    sealed = seal(KEY, b"secret", context=CONTEXT)
    with pytest.raises(InvalidTag):
        unseal(KEY, sealed, context=context)


def test_another_key_does_not_open() -> None:
    with pytest.raises(InvalidTag):
        unseal(os.urandom(KEY_SIZE), seal(KEY, b"secret", context=CONTEXT), context=CONTEXT)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01\x01", b"\x01\x01" + b"x" * 11])
def test_a_shortened_value_does_not_open(sealed: bytes) -> None:
    with pytest.raises((InvalidTag, ValueError)):
        unseal(KEY, sealed, context=CONTEXT)


@pytest.mark.parametrize("header", [b"\x02\x01", b"\x01\x03", b"\x00\x00"])
def test_another_version_is_named_as_one(header: bytes) -> None:
    sealed = header + seal(KEY, b"secret", context=CONTEXT)[2:]
    with pytest.raises(ValueError, match="unknown version"):
        unseal(KEY, sealed, context=CONTEXT)


def test_the_same_value_never_looks_the_same() -> None:
    assert len({seal(KEY, b"secret", context=CONTEXT) for _ in range(100)}) == 100


def test_nothing_of_the_value_can_be_seen() -> None:
    assert b"13807190001" not in seal(KEY, b"13807190001", context=CONTEXT)


class TestDataKeys:
    def test_a_data_key_is_kept_wrapped_for_its_owner(self) -> None:
        keys = ring()
        key, wrapped = keys.new_data_key("citizen-1")
        assert key not in wrapped
        assert keys.open_data_key("citizen-1", wrapped) == key

    def test_it_opens_for_nobody_else(self) -> None:
        keys = ring()
        _, wrapped = keys.new_data_key("citizen-1")
        with pytest.raises(InvalidTag):
            keys.open_data_key("citizen-2", wrapped)
        with pytest.raises(InvalidTag):
            ring().open_data_key("citizen-1", wrapped)

    def test_every_owner_has_a_key_of_its_own(self) -> None:
        keys = ring()
        assert len({keys.new_data_key("citizen-1")[0] for _ in range(20)}) == 20

    def test_tables_have_keys_of_their_own(self) -> None:
        keys = ring()
        assert keys.class_key("a") == keys.class_key("a") != keys.class_key("b")
        assert keys.class_key("a") != ring().class_key("a")


class TestRotation:
    def test_the_newest_key_wraps_and_the_older_one_still_opens(self) -> None:
        first = ring()
        key, wrapped = first.new_data_key("citizen-1")
        both = replace(first, more=Added({2: os.urandom(KEY_SIZE)}))
        assert both.open_data_key("citizen-1", wrapped) == key
        again = both.wrap("citizen-1", key)
        assert (wrapped_by(wrapped), wrapped_by(again)) == (1, 2)
        assert both.open_data_key("citizen-1", again) == key
        with pytest.raises(KeyRetired):
            first.open_data_key("citizen-1", again)

    def test_a_key_that_another_process_has_already_used_is_looked_for(self) -> None:
        first, new = ring(), os.urandom(KEY_SIZE)
        key, wrapped = replace(first, more=Added({2: new})).new_data_key("citizen-1")
        behind = Added({})
        behind.late = {2: new}
        assert replace(first, more=behind).open_data_key("citizen-1", wrapped) == key

    def test_a_retired_key_opens_nothing(self) -> None:
        first = ring()
        _, wrapped = first.new_data_key("citizen-1")
        after = replace(first, more=Added({2: os.urandom(KEY_SIZE)}, {1}))
        with pytest.raises(KeyRetired):
            after.open_data_key("citizen-1", wrapped)

    def test_a_wrapped_key_cannot_pretend_to_be_under_another_key(self) -> None:
        keys = replace(ring(), more=Added({2: os.urandom(KEY_SIZE)}))
        _, wrapped = keys.new_data_key("citizen-1")
        with pytest.raises(InvalidTag):
            keys.open_data_key("citizen-1", wrapped[:1] + b"\x00\x01" + wrapped[3:])

    def test_what_the_first_release_wrapped_still_opens(self) -> None:
        keys, key = ring(), os.urandom(KEY_SIZE)
        old = seal(keys.encryption, key, context="data_keys|citizen-1")
        assert wrapped_by(old) == 1
        assert keys.open_data_key("citizen-1", old) == key

    def test_keys_of_tables_outlive_the_wrapping_key(self) -> None:
        house = os.urandom(KEY_SIZE)
        before, after = replace(ring(), house=lambda: house), replace(ring(), house=lambda: house)
        assert before.class_key("a") == after.class_key("a")


def test_a_value_opens_by_the_suite_that_it_names(suite: Suite) -> None:
    sealed = seal(KEY, b"secret", context=CONTEXT)
    assert suite_of(sealed) is suite
    other = next(s for s in SUITES if s is not suite)
    choose_suite(other)
    try:
        assert unseal(KEY, sealed, context=CONTEXT) == b"secret"
        assert suite_of(seal(KEY, b"secret", context=CONTEXT)) is other
    finally:
        choose_suite(suite)


def test_no_suite_opens_what_another_has_sealed(suite: Suite) -> None:
    sealed = bytearray(seal(KEY, b"secret", context=CONTEXT))
    sealed[1] ^= 3  # 1 <-> 2
    with pytest.raises(InvalidTag):
        unseal(KEY, bytes(sealed), context=CONTEXT)


class TestBlindIndexes:
    def test_equal_values_are_found_and_no_others(self) -> None:
        keys = ring()
        one, same, other = (keys.index_digests("phone", f"+861380719000{n}") for n in (1, 1, 2))
        assert one == same
        assert set(one).isdisjoint(other)

    def test_a_number_of_one_kind_is_not_found_as_another(self) -> None:
        keys = ring()
        assert keys.index_digests("phone", "1") != keys.index_digests("resident_id", "1")

    def test_another_installation_finds_nothing(self) -> None:
        assert ring().index_digests("phone", "1") != ring().index_digests("phone", "1")

    def test_each_key_is_laid_over_the_one_before(self) -> None:
        more = Added({})
        keys = replace(ring(), more=more)
        (first,) = keys.index_digests("phone", "1")
        more.further = [b"2" * 32, b"3" * 32]
        digests = keys.index_digests("phone", "1")
        assert digests[0] == first
        assert digests[1:] == layers(more.further, first)
        assert len(set(digests)) == 3

    def test_without_the_newest_key_nothing_is_found(self) -> None:
        more = Added({})
        keys = replace(ring(), more=more)
        known_before = keys.index_digests("phone", "1")
        more.further = [b"2" * 32]
        newest = keys.index_digests("phone", "1")[-1]
        assert newest not in known_before
        more.further = [b"x" * 32]
        assert keys.index_digests("phone", "1")[-1] != newest


class TestReferences:
    @given(st.uuids(), st.uuids())
    def test_a_citizen_is_called_differently_by_each_sector(self, one: object, two: object) -> None:
        keys = Keyring(KEY, KEY, KEY)
        water, power = keys.pairwise("water", str(one)), keys.pairwise("power", str(one))
        assert water == keys.pairwise("water", str(one))
        assert water != power
        assert (keys.pairwise("water", str(two)) == water) is (one == two)
        assert str(one) not in water

    def test_the_border_between_sector_and_citizen_cannot_be_moved(self) -> None:
        keys = ring()
        assert keys.pairwise("a", "b|c") != keys.pairwise("a", "bc")
        assert keys.pairwise("water", "1") != keys.pairwise("wate", "r1")

    def test_codes_are_kept_under_their_purpose(self) -> None:
        keys = ring()
        assert keys.code_digest("login|1", "482913") != keys.code_digest("login|2", "482913")
        assert keys.code_digest("login|1", "482913") != ring().code_digest("login|1", "482913")

    def test_a_secret_is_kept_as_its_digest(self) -> None:
        assert digest("secret") == digest("secret")
        assert len(digest("secret")) == 32


@pytest.mark.parametrize(
    ("phone", "shown"), [("+8613807190001", "138****0001"), ("13807190001", "138****0001")]
)
def test_a_number_is_shown_masked(phone: str, shown: str) -> None:
    assert mask_phone(phone) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [("张伟", "张*"), ("阿依古丽", "阿***"), ("𬱖㛃", "𬱖*"), ("张", "张"), ("", "")],
)
def test_a_name_is_shown_masked(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("420302198503120017", "420***********0017"),
        ("1002003001", "100***3001"),
        ("12345678", "123*5678"),
        ("1234567", "*****67"),
        ("123", "*23"),
        ("12", "12"),
    ],
)
def test_a_document_is_shown_masked(number: str, shown: str) -> None:
    assert mask_number(number) == shown


def test_a_keyring_is_never_printed() -> None:
    keys = Keyring(b"e" * 32, b"b" * 32, b"p" * 32)
    assert "eeee" not in repr(keys)
    assert "pppp" not in str(keys)
