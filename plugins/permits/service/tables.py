"""Strict reading of TOML: each key is taken once, as what it must be, and none is left over."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from plugins.permits.values.bundles import Answer, FieldKind, Limit, Starts, Title

E = TypeVar("E", bound=StrEnum)

_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_KINDS: Mapping[FieldKind, type | tuple[type, ...]] = {
    FieldKind.TEXT: str,
    FieldKind.NUMBER: (int, float),
    FieldKind.DATE: str,
    FieldKind.CHOICE: str,
    FieldKind.BOOLEAN: bool,
}


class BundleBroken(ValueError):
    """A bundle's file says something that cannot be; names file, key and cure."""

    def __init__(self, where: str, key: str, fault: str) -> None:
        super().__init__(f"{where}: {key}: {fault}")


class Table:
    """One table of a file, from which each key is taken once; what is left over is unknown."""

    def __init__(self, where: str, path: str, said: Mapping[str, object]) -> None:
        self.where = where
        self.path = path
        self._said = said
        self._left = dict(said)

    def __contains__(self, key: str) -> bool:
        return key in self._said

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def broken(self, key: str, fault: str) -> BundleBroken:
        """Return a refusal of a key of this table."""
        return BundleBroken(self.where, f"{self.path}{key}", fault)

    def done(self) -> None:
        """Refuse what nobody has taken."""
        if self._left:
            raise self.broken(min(self._left), "is no key that is known here; take it away")

    def text(self, key: str, default: str | None = None) -> str:
        """Take a text that is not blank."""
        if key not in self and default is not None:
            return default
        value: str = self._take(key, str, "a text")
        if not value.strip():
            raise self.broken(key, "is blank; write a text")
        return value

    def name(self, key: str) -> str:
        """Take an id."""
        return self._kebab(key, self.text(key))

    def names(
        self, key: str, known: Collection[str] | None = None, what: str = ""
    ) -> tuple[str, ...]:
        """Take a list of ids, none of them twice, each known."""
        if key not in self:
            return ()
        values = [str(each) for each in self.list(key)]
        self.check_distinct(key, values)
        for value in values:
            if known is not None:
                self.check_known(key, value, known, what)
        return tuple(values)

    def known(self, key: str, known: Collection[str], what: str) -> str:
        """Take an id that must be known."""
        value = self.text(key)
        self.check_known(key, value, known, what)
        return value

    def check_known(self, key: str, value: object, known: Collection[str], what: str) -> None:
        """Refuse what is not known."""
        if value not in known:
            raise self.broken(
                key, f"no {what} is named {value!r}; name one of: {', '.join(sorted(known))}"
            )

    def check_distinct(self, key: str, values: Sequence[str]) -> None:
        """Refuse a value that stands there twice."""
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise self.broken(key, f"{twice!r} stands there twice; name each once")

    def title(self, key: str) -> Title:
        """Take a text in both languages."""
        inner = self.table(key)
        if inner is None:
            raise self.broken(key, "is missing; write { zh = …, en = … }")
        title = {"zh": inner.text("zh"), "en": inner.text("en")}
        inner.done()
        return title

    def whole(self, key: str) -> int:
        """Take a whole number from 1 on."""
        value: int = self._take(key, int, "a whole number")
        if value < 1:
            raise self.broken(key, "must be 1 or more")
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """Take true or false."""
        if key not in self and default is not None:
            return default
        value: bool = self._take(key, bool, "true or false")
        return value

    def enum(self, key: str, kind: type[E], default: E | None = None) -> E:
        """Take one of a few words."""
        if key not in self and default is not None:
            return default
        return self.to_enum(key, self.text(key), kind)

    def to_enum(self, key: str, value: str, kind: type[E]) -> E:
        """Return the word as what it means."""
        self.check_known(key, value, [str(each) for each in kind], "choice")
        return kind(value)

    def limit(self, key: str) -> Limit:
        """Take a time limit."""
        inner = self.table(key)
        if inner is None:
            raise self.broken(key, "is missing; write { working_days = … }")
        limit = Limit(inner.whole("working_days"), inner.enum("starts", Starts, Starts.NEXT_DAY))
        inner.done()
        return limit

    def answer(self, key: str, kind: FieldKind) -> Answer:
        """Take a value of a field's kind."""
        return self.to_answer(key, self._take(key, object, "a value"), kind)

    def to_answer(self, key: str, value: object, kind: FieldKind) -> Answer:
        """Return a value of a field's kind."""
        fits = isinstance(value, _KINDS[kind]) and (
            kind is FieldKind.BOOLEAN or not isinstance(value, bool)
        )
        if not fits or not isinstance(value, str | int | float):
            raise self.broken(key, f"{value!r} is no value of a field of kind {kind}")
        if kind is FieldKind.DATE and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)):
            raise self.broken(key, f"{value!r} is no date; write YYYY-MM-DD in quotation marks")
        return value

    def list(self, key: str) -> Sequence[object]:
        """Take a list."""
        values: Sequence[object] = self._take(key, list, "a list")
        return values

    def table(self, key: str) -> "Table | None":
        """Take a table, or None when there is none."""
        if key not in self:
            return None
        said: Mapping[str, object] = self._take(key, dict, "a table")
        return Table(self.where, f"{self.path}{key}.", said)

    def tables(self, key: str) -> "Iterator[Table]":
        """Take a list of tables, each named by its id where it has one."""
        for number, said in enumerate(self.list(key) if key in self else ()):
            if not isinstance(said, dict):
                raise self.broken(key, "is a list of tables")
            name = said.get("id")
            named = f".{name}" if isinstance(name, str) else f"[{number}]"
            yield Table(self.where, f"{self.path}{key}{named}.", said)

    def _take(self, key: str, kind: type, wanted: str) -> Any:  # noqa: ANN401 - of that kind
        if key not in self._said:
            raise self.broken(key, f"is missing; write {wanted}")
        value = self._left.pop(key, self._said[key])
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.broken(key, f"must be {wanted}")
        return value

    def _kebab(self, key: str, value: str) -> str:
        if not _KEBAB.fullmatch(value):
            raise self.broken(key, f"{value!r} is no id; write lower-case words joined by hyphens")
        return value
