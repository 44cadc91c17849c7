"""Keys that rotation adds: seen within a second, changed as a whole, readable by one."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.crypto import KEY_SIZE
from app.core.key_file import LOOK_SECONDS, AddedKeys, KeyFile, SigningEntry


class Watch:
    """A watch that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def add(number: int) -> AddedKeys:
    return AddedKeys(encryption={number: os.urandom(KEY_SIZE)})


def test_without_a_file_there_are_no_more_keys(tmp_path: Path) -> None:
    assert KeyFile(tmp_path / "keys.json").keys() == AddedKeys()


def test_what_is_written_is_read_by_another_process_within_a_second(tmp_path: Path) -> None:
    watch = Watch()
    reader, writer = KeyFile(tmp_path / "k", clock=watch), KeyFile(tmp_path / "k")
    assert reader.keys() == AddedKeys()
    entry = SigningEntry("pem", datetime(2026, 11, 28, tzinfo=UTC))
    made = writer.change(lambda _: AddedKeys({2: b"k" * 32}, frozenset({1}), (entry,)))
    assert reader.keys() == AddedKeys()
    watch.seconds += LOOK_SECONDS
    assert reader.keys() == made
    assert (reader.is_retired(1), reader.is_retired(2)) == (True, False)


def test_many_who_come_first_all_see_the_keys(tmp_path: Path) -> None:
    KeyFile(tmp_path / "k").change(lambda _: add(2))
    for _ in range(50):
        fresh = KeyFile(tmp_path / "k")
        gate = threading.Barrier(8)

        def look(file: KeyFile = fresh, gate: threading.Barrier = gate) -> list[int]:
            gate.wait()
            return list(file.encryption_keys())

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda _, look=look: look(), range(8))) == [[2]] * 8


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    KeyFile(tmp_path / "k").change(lambda _: add(2))
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600


def test_parallel_changes_lose_nothing(tmp_path: Path) -> None:
    def one(number: int) -> None:
        KeyFile(tmp_path / "k").change(
            lambda keys: replace(keys, encryption={**keys.encryption, number: b"k" * 32})
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(2, 42)))
    assert sorted(KeyFile(tmp_path / "k").encryption_keys()) == list(range(2, 42))


def test_a_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "k")
    before = file.change(lambda _: add(2))

    def fail(_: AddedKeys) -> AddedKeys:
        raise LookupError

    with pytest.raises(LookupError):
        file.change(fail)
    assert KeyFile(tmp_path / "k").keys() == before


def test_no_key_is_shown_in_a_traceback(tmp_path: Path) -> None:
    shown = repr(
        AddedKeys({2: b"secretsecret"}, signing=(SigningEntry("SECRET", datetime.now(UTC)),))
    )
    assert "secret" not in shown.lower()
