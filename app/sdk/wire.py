"""How the SDK's values look as JSON, both ways and strictly: "provider contract 1"."""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from typing import Any, TypeVar, get_type_hints

from app.sdk.provider import Fulfilment, Payable, PaymentNotice

CONTRACT = 1

T = TypeVar("T", Payable, PaymentNotice, Fulfilment)

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class NotOfTheContract(ValueError):
    """A value is not what the contract says; the message names the member, never its content."""


def dump(thing: Payable | PaymentNotice | Fulfilment) -> dict[str, object]:
    """Return a value as a JSON object: the members are its fields, moments are RFC 3339."""
    return {own.name: _plain(getattr(thing, own.name)) for own in fields(thing)}


def load(kind: type[T], value: object) -> T:
    """Return what a JSON value says, or raise `NotOfTheContract`.

    No member may stand there that has no meaning, and none be missing that has no default. Whether
    an amount or a payee makes sense is for the house to say (`app.host.answers`).
    """
    form = _FORMS[kind]
    if not isinstance(value, dict):
        raise NotOfTheContract("an object was promised")
    if value.keys() - form.readers.keys():
        raise NotOfTheContract("a member that the contract does not have")
    missing = form.required - value.keys()
    if missing:
        raise NotOfTheContract(f"without {', '.join(sorted(missing))}")
    members: dict[str, Any] = {
        name: _read(form.readers[name], name, given) for name, given in value.items()
    }
    return kind(**members)


def _plain(value: object) -> object:
    if isinstance(value, date):  # a moment is one, too
        return value.isoformat()
    return dict(value) if isinstance(value, Mapping) else value


_Reader = Callable[[object], object]


def _read(reader: _Reader, name: str, given: object) -> object:
    try:
        return reader(given)
    except (TypeError, ValueError) as error:
        raise NotOfTheContract(name) from error


def _of(kind: type) -> _Reader:
    def exactly(given: object) -> object:
        if type(given) is not kind:
            raise TypeError
        return given

    return exactly


def _texts(given: object) -> object:
    if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
        raise TypeError
    return given


def _moment(given: object) -> object:
    if not (isinstance(given, str) and _MOMENT.fullmatch(given)):
        raise ValueError
    return datetime.fromisoformat(given)


def _day(given: object) -> object:
    if given is None:
        return None
    if not (isinstance(given, str) and _DAY.fullmatch(given)):
        raise ValueError
    return date.fromisoformat(given)


_READERS: Mapping[object, _Reader] = {
    str: _of(str),
    int: _of(int),
    bool: _of(bool),
    datetime: _moment,
    date | None: _day,
    Mapping[str, str]: _texts,
}


@dataclass(frozen=True, slots=True)
class _Form:
    """How each member of a kind is read, and which may not be missing."""

    readers: Mapping[str, _Reader]
    required: frozenset[str]


def _form(kind: type[Payable | PaymentNotice | Fulfilment]) -> _Form:
    readers = {name: _READERS[hint] for name, hint in get_type_hints(kind).items()}
    return _Form(readers, frozenset(f.name for f in fields(kind) if f.default is MISSING))


_FORMS = {kind: _form(kind) for kind in (Payable, PaymentNotice, Fulfilment)}
