"""Ids are unique and sort by the time they were made; secrets cannot be guessed."""

import threading
import time
import uuid

from app.core.ids import new_id, new_secret


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id()
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_an_id_says_when_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    milliseconds = new_id().int >> 80
    assert before <= milliseconds <= time.time_ns() // 1_000_000


def test_ids_of_different_milliseconds_sort() -> None:
    made = []
    for _ in range(20):
        made.append(new_id())
        at = made[-1].int >> 80
        while time.time_ns() // 1_000_000 == at:
            pass
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_ids_are_unique_in_all_threads() -> None:
    made: list[uuid.UUID] = []

    def work() -> None:
        made.extend([new_id() for _ in range(5000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 20_000


def test_a_secret_has_the_wanted_strength() -> None:
    assert len({new_secret() for _ in range(1000)}) == 1000
    assert len(new_secret()) == 43
    assert len(new_secret(16)) == 22
