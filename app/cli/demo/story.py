"""How the demonstration is told: one line a step, and an end at the first broken promise."""

import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from app.cli.demo.wire import Answer
from app.core.clock import monotonic

T = TypeVar("T")

WAIT_SECONDS = 60.0
_PAUSE_SECONDS = 0.1
_NUMBER_WIDTH = 4
_TITLE_WIDTH = 38
_SHOWN = 400


class Broken(Exception):
    """Something is not as promised; the message says what was expected and what was seen."""


class Step:
    """One step while it is performed; what is said of it stands on its line."""

    def __init__(self) -> None:
        self.outcome = ""

    def say(self, outcome: str) -> None:
        """Set what the line says of the outcome."""
        self.outcome = outcome


class Story:
    """Prints the steps as they are done."""

    def __init__(self) -> None:
        self.steps = 0
        self._started = monotonic()

    @contextmanager
    def step(self, number: str, title: str) -> Iterator[Step]:
        """Perform one step and print its line; a broken promise is printed and raised on."""
        step = Step()
        started = monotonic()
        head = _pad(number, _NUMBER_WIDTH) + _pad(title, _TITLE_WIDTH)
        try:
            yield step
        except Broken as broken:
            click.echo(f"✗ {head} {broken}")
            raise
        self.steps += 1
        click.echo(f"✓ {head} {step.outcome}  [{(monotonic() - started) * 1000:.0f} ms]")

    def skip(self, number: str, title: str, reason: str) -> None:
        """Say that a step cannot be shown here, and why."""
        click.echo(f"- {_pad(number, _NUMBER_WIDTH)}{_pad(title, _TITLE_WIDTH)} {reason}")

    @property
    def seconds(self) -> float:
        """Return how long the story has taken so far."""
        return monotonic() - self._started


def expect(answer: Answer, status: int) -> Any:  # noqa: ANN401 - JSON
    """Return the body of an answer that has this status."""
    if answer.status != status:
        raise Broken(f"expected {status}, saw {_shown(answer)}")
    return answer.body


def expect_refusal(answer: Answer, status: int, code: str) -> Any:  # noqa: ANN401 - JSON
    """Return the problem document of an answer that refuses like this."""
    body = expect(answer, status)
    kind = answer.headers.get("content-type", "")
    if body.get("code") != code or not kind.startswith("application/problem+json"):
        raise Broken(f"expected {status} {code}, saw {_shown(answer)}")
    return body


def check(what: str, expected: object, seen: object) -> None:
    """Raise `Broken` unless the two are equal."""
    if expected != seen:
        raise Broken(f"{what}: expected {expected!r}, saw {seen!r}")


def wait_for(what: str, look: Callable[[], T], done: Callable[[T], bool]) -> T:
    """Look until it is done and return what was seen; at most a minute."""
    deadline = monotonic() + WAIT_SECONDS
    while not done(seen := look()):
        if monotonic() > deadline:
            raise Broken(f"{what}: not within {WAIT_SECONDS:.0f} s, last seen {str(seen)[:_SHOWN]}")
        time.sleep(_PAUSE_SECONDS)
    return seen


def yuan(fen: int) -> str:
    """Return an amount as citizens read it."""
    return f"¥{fen // 100}.{fen % 100:02d}"


def _shown(answer: Answer) -> str:
    return f"{answer.status} {answer.raw[:_SHOWN].decode(errors='replace')}"


def _pad(text: str, width: int) -> str:
    """Fill up with spaces: a Chinese character takes two columns of a terminal."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return text + " " * max(0, width - len(text) - wide)
