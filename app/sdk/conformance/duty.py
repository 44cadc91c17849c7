"""What a duty is, and how it is found broken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from app.core.errors import DomainError
from app.sdk.provider import Citizen, OutcomeUnknown, PayableProvider

S = TypeVar("S")


class Broken(AssertionError):
    """A duty is not kept; the message says what was seen."""


class Subject(Protocol):
    """A provider on trial, and what it has declared of the one payable service that is looked at.

    `make_payable` returns the reference of something unpaid and a citizen who may pay it;
    `unknown_reference` is one that nobody has minted.
    """

    @property
    def unknown_reference(self) -> str: ...  # noqa: D102 - as the class says

    @property
    def provider(self) -> PayableProvider: ...  # noqa: D102

    @property
    def manifest(self) -> Mapping[str, Any]: ...  # noqa: D102

    @property
    def declared(self) -> Mapping[str, Any]: ...  # noqa: D102

    def make_payable(self) -> tuple[str, Citizen]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Duty(Generic[S]):
    """One thing that a provider owes the city.

    `keep` returns in a few words what was seen, or raises `Broken`; `cure` tells its engineer what
    to change.
    """

    id: str
    says: str
    cure: str
    keep: Callable[[S], str]


@dataclass(frozen=True, slots=True)
class Finding(Generic[S]):
    """What became of one duty."""

    duty: Duty[S]
    is_kept: bool
    seen: str


def need(holds: bool, seen: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise `Broken`, saying what was seen, unless something holds."""
    if not holds:
        raise Broken(seen)


def refusal_of(call: Callable[[], object], *kinds: type[Exception]) -> str:
    """Return how a call was refused; raise `Broken` when it was not, or otherwise than expected."""
    try:
        answer = call()
    except kinds as refusal:
        return named(refusal)
    except (DomainError, OutcomeUnknown) as other:
        raise Broken(named(other)) from other
    raise Broken(f"the answer was {answer}")


def named(error: Exception) -> str:
    """Return an error in a few words: kind, code, and what was behind it."""
    code = getattr(error, "code", "")
    words = [type(error).__name__, code, str(error), str(error.__cause__ or "")]
    return " ".join(dict.fromkeys(filter(None, words)))
