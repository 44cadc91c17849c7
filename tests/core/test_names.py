"""Names are looked up beside the caller, once at a time, and never longer than it wants to wait."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.core.names import THREADS, Names, ask_system


class Servers:
    """Name servers that are silent until they are told to speak."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_speak = threading.Event()
        self.heard = threading.Semaphore(0)

    def __call__(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        self.heard.release()
        if name.startswith("silent"):
            assert self.may_speak.wait(60)
        return ("192.0.2.1",)


@pytest.fixture
def servers() -> Iterator[Servers]:
    made = Servers()
    yield made
    made.may_speak.set()


@pytest.fixture
def names(servers: Servers) -> Iterator[Names]:
    made = Names(servers)
    yield made
    servers.may_speak.set()
    made.close()


def test_each_asker_asks_anew(names: Names, servers: Servers) -> None:
    assert names.find("a.example", 20) == names.find("a.example", 20) == ("192.0.2.1",)
    assert servers.asked == ["a.example"] * 2


def test_whoever_comes_before_an_answer_is_forgotten_asks_anew(
    names: Names, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_forget, forget = threading.Event(), names._forget  # noqa: SLF001 - what its thread does last

    def answer_then(name: str) -> tuple[str, ...]:
        # Whoever is answered before it has said who is to forget does so itself, and at once.
        with names._lock:  # noqa: SLF001 - held while it asks
            return servers(name)

    def forget_late(*asked: Any) -> None:  # noqa: ANN401 - whatever it is given
        may_forget.wait(20)
        forget(*asked)

    monkeypatch.setattr(names, "_ask", answer_then)
    monkeypatch.setattr(names, "_forget", forget_late)
    assert names.find("a.example", 20) == names.find("a.example", 20)
    may_forget.set()
    assert servers.asked == ["a.example"] * 2


def test_silent_servers_hold_nobody(names: Names, servers: Servers) -> None:
    with pytest.raises(TimeoutError):
        names.find("silent.example", 0.01)
    assert names.find("a.example", 20) == ("192.0.2.1",)
    servers.may_speak.set()
    assert names.find("silent.example", 20) == ("192.0.2.1",)


def test_one_name_takes_one_thread_however_many_ask(names: Names, servers: Servers) -> None:
    def ask(_: int) -> str:
        try:
            return names.find("silent.example", 0.01)[0]
        except TimeoutError:
            return "none"

    with ThreadPoolExecutor(THREADS * 2) as pool:
        assert set(pool.map(ask, range(THREADS * 2))) == {"none"}
    assert servers.heard.acquire(timeout=20)  # the asking thread may be the last to get its turn
    assert servers.asked == ["silent.example"]


def test_a_name_that_does_not_exist_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError):
        ask_system("no-such-name.invalid")
    assert ask_system("127.0.0.1") == ("127.0.0.1",)
