"""Password hashes: what is kept, what it costs, and what happens when too many come at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core import passwords as module
from app.core.passwords import Cost, Passwords, PasswordsBusy, Verdict

CHEAP = Cost(memory=64, passes=1)
PEPPER, OTHER = b"p" * 32, b"q" * 32


def test_a_hash_is_argon2id_under_a_salt_and_a_pepper() -> None:
    made = Passwords(lambda: [PEPPER]).make("correct horse")
    _, name, version, cost, pepper, salt, digest = made.split("$")
    assert (name, version, cost) == ("argon2id+hmac", "v=19", "m=19456,t=2,p=1")
    assert (len(pepper), len(salt), len(digest)) == (8, 22, 43)
    assert made != Passwords(lambda: [PEPPER]).make("correct horse")


@pytest.mark.parametrize(
    ("given", "is_right"),
    [
        ("correct horse", True),
        ("correct horse ", False),
        ("Correct horse", False),
        ("", False),
        ("correct", False),
    ],
)
def test_the_whole_password_counts(given: str, is_right: bool) -> None:  # noqa: FBT001
    hashes = Passwords(lambda: [PEPPER], CHEAP)
    assert hashes.check(hashes.make("correct horse"), given) == Verdict(is_right)


def test_a_long_password_is_not_cut() -> None:
    hashes = Passwords(lambda: [PEPPER], CHEAP)
    kept = hashes.make("x" * 127 + "a")
    assert hashes.check(kept, "x" * 127 + "a").is_right
    assert not hashes.check(kept, "x" * 127 + "b").is_right


def test_one_character_is_one_however_a_keyboard_writes_it() -> None:
    hashes = Passwords(lambda: [PEPPER], CHEAP)
    assert hashes.check(hashes.make("caf\u00e9 au lait"), "cafe\u0301 au lait").is_right


def test_without_the_pepper_a_hash_is_worth_nothing() -> None:
    kept = Passwords(lambda: [PEPPER], CHEAP).make("correct horse")
    assert Passwords(lambda: [OTHER], CHEAP).check(kept, "correct horse") == Verdict(is_right=False)


def test_a_new_pepper_and_a_higher_cost_ask_for_a_new_hash() -> None:
    kept = Passwords(lambda: [PEPPER], CHEAP).make("correct horse")
    stale = Verdict(is_right=True, is_stale=True)
    assert Passwords(lambda: [PEPPER, OTHER], CHEAP).check(kept, "correct horse") == stale
    dearer = Passwords(lambda: [PEPPER], Cost(memory=128, passes=1))
    assert dearer.check(kept, "correct horse") == stale
    assert dearer.check(kept, "wrong") == Verdict(is_right=False)


def test_a_pepper_is_laid_over_a_hash_without_its_password() -> None:
    peppers = [PEPPER]
    hashes = Passwords(lambda: peppers, CHEAP)
    kept = hashes.make("correct horse")
    assert hashes.lay_newest(kept) == kept
    peppers += [OTHER, b"r" * 32]
    moved = hashes.lay_newest(kept)
    assert moved.split("$")[4] == hashes.names()[-1] == hashes.make("x").split("$")[4]
    assert hashes.check(moved, "correct horse") == Verdict(is_right=True)
    assert hashes.check(moved, "wrong") == Verdict(is_right=False)
    assert hashes.lay_newest(moved) == moved
    # Whoever has the old peppers alone can check nothing.
    assert not Passwords(lambda: [PEPPER, OTHER], CHEAP).check(moved, "correct horse").is_right
    for renamed in (hashes.names()[0], hashes.names()[1]):
        forged = moved.replace(hashes.names()[-1], renamed)
        assert not hashes.check(forged, "correct horse").is_right


def test_a_pepper_that_another_process_has_added_is_looked_for() -> None:
    late = [PEPPER]
    kept = Passwords(lambda: [PEPPER, OTHER], CHEAP).make("correct horse")
    behind = Passwords(lambda: late, CHEAP, look_again=lambda: late.append(OTHER))
    assert behind.check(kept, "correct horse") == Verdict(is_right=True)


def test_for_nobody_the_same_work_is_done_and_the_answer_is_no() -> None:
    counted = 0

    class Counting(Passwords):
        def _hash(self, password: str, cost: Cost, salt: bytes) -> bytes:
            nonlocal counted
            counted += 1
            assert (cost, len(salt)) == (CHEAP, module.SALT_SIZE)
            return super()._hash(password, cost, salt)

    hashes = Counting(lambda: [PEPPER], CHEAP)
    counted = 0
    assert hashes.check(None, "anything") == Verdict(is_right=False)
    assert counted == 1


def test_what_is_not_a_hash_of_ours_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a password hash"):
        Passwords(lambda: [PEPPER], CHEAP).check("$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA", "x")


def test_two_are_computed_eight_wait_and_the_next_is_refused() -> None:
    gate, running, most = threading.Event(), 0, 0
    lock = threading.Lock()

    class Slow(Passwords):
        def check(self, kept: str | None, password: str) -> Verdict:
            nonlocal running, most
            with self._slot():
                with lock:
                    running += 1
                    most = max(most, running)
                gate.wait(60)
                with lock:
                    running -= 1
            return Verdict(is_right=False)

    hashes = Slow(lambda: [PEPPER], CHEAP)
    with ThreadPoolExecutor(16) as pool:
        first = [pool.submit(hashes.check, None, "x") for _ in range(10)]
        while hashes._places._value:  # noqa: SLF001 - until all ten have a place
            time.sleep(0.01)
        for _ in range(3):
            with pytest.raises(PasswordsBusy):
                hashes.check(None, "x")
        gate.set()
        assert [future.result().is_right for future in first] == [False] * 10
    assert most == 2
    assert hashes.check(None, "x") == Verdict(is_right=False)
