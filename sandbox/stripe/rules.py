"""What a parameter may be: each rule reads the raw text or refuses it as Stripe does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe.errors import ApiError, invalid, missing_param
from sandbox.stripe.params import Raw

Params = dict[str, Any]
"""Parameters that passed their rules."""
Rule = Callable[[Raw, str], object]
"""Reads one raw value under its full name; refuses it by raising."""

_LONGEST = 5000
_METADATA_KEYS, _METADATA_NAME, _METADATA_VALUE = 50, 40, 500


@dataclass(frozen=True, slots=True)
class Schema:
    """The parameters that one call takes."""

    fields: Mapping[str, Rule] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    def read(self, raw: Mapping[str, Raw]) -> Params:
        """Return the typed parameters; unknown ones are refused before missing ones."""
        return _read_group(self.fields, self.required, raw, "")


def text(*, longest: int = _LONGEST, choices: Iterable[str] = (), unset: bool = False) -> Rule:
    """Take a text; with `unset` an empty one means that the value is to go."""
    allowed = tuple(choices)

    def read(raw: Raw, name: str) -> object:
        if not isinstance(raw, str):
            raise invalid(f"Invalid string for {name}.", param=name)
        if not raw:
            if unset:
                return None
            raise invalid(
                f"{name} is empty, and it cannot be unset.",
                code="parameter_invalid_empty",
                param=name,
            )
        if len(raw) > longest:
            raise invalid(f"Invalid {name}: at most {longest} characters.", param=name)
        if allowed and raw not in allowed:
            raise invalid(f"Invalid {name}: must be one of {', '.join(allowed)}.", param=name)
        return raw

    return read


def integer(*, least: int | None = None, most: int | None = None) -> Rule:
    """Take a whole number written in plain digits."""

    def read(raw: Raw, name: str) -> object:
        digits = raw.removeprefix("-") if isinstance(raw, str) else ""
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= len("9" * 18)):
            raise _bad_integer(name, f"Invalid integer: {raw}")
        number = int(str(raw))
        if least is not None and number < least:
            raise _bad_integer(name, f"{name} must be at least {least}.")
        if most is not None and number > most:
            raise _bad_integer(name, f"{name} must be at most {most}.")
        return number

    return read


def _bad_integer(name: str, message: str) -> ApiError:
    return invalid(message, code="parameter_invalid_integer", param=name)


def flag() -> Rule:
    """Take `true` or `false`."""

    def read(raw: Raw, name: str) -> object:
        if raw not in ("true", "false"):
            raise invalid(f"Invalid boolean for {name}.", param=name)
        return raw == "true"

    return read


def many(rule: Rule, *, most: int = 100) -> Rule:
    """Take a list whose members obey the rule."""

    def read(raw: Raw, name: str) -> object:
        if raw == "":
            return []
        numbered = isinstance(raw, dict) and all(index.isdecimal() for index in raw)
        if not isinstance(raw, dict) or not numbered or len(raw) > most:
            raise invalid(f"Invalid array for {name}.", param=name)
        return [rule(raw[index], f"{name}[{index}]") for index in sorted(raw, key=int)]

    return read


def group(fields: Mapping[str, Rule], *, required: tuple[str, ...] = ()) -> Rule:
    """Take a nested object with these parameters and no others."""

    def read(raw: Raw, name: str) -> object:
        if raw == "":
            return {}
        if not isinstance(raw, dict):
            raise invalid(f"Invalid object for {name}.", param=name)
        return _read_group(fields, required, raw, name)

    return read


def metadata() -> Rule:
    """Take key-value pairs; an empty value, or an empty text for all, means to unset."""

    def read(raw: Raw, name: str) -> object:
        if raw == "":
            return None
        if not isinstance(raw, dict) or len(raw) > _METADATA_KEYS:
            raise invalid(f"Invalid {name}: an object of at most 50 keys.", param=name)
        for key, value in raw.items():
            if not isinstance(value, str) or len(value) > _METADATA_VALUE:
                raise invalid("A metadata value is a text of up to 500 characters.", param=name)
            if len(key) > _METADATA_NAME:
                raise invalid("A metadata key has up to 40 characters.", param=name)
        return dict(raw)

    return read


def instants() -> Rule:
    """Take a moment, or bounds of moments, as the lists' `created` does."""
    bounds = group({name: integer(least=0) for name in ("gt", "gte", "lt", "lte")})
    exact = integer(least=0)

    def read(raw: Raw, name: str) -> object:
        if isinstance(raw, str):
            moment = exact(raw, name)
            return {"gte": moment, "lte": moment}
        return bounds(raw, name)

    return read


def not_offered() -> Rule:
    """Refuse a parameter that Stripe knows and this sandbox does not play."""

    def read(_raw: Raw, name: str) -> object:
        raise invalid(f"This sandbox does not offer {name}.", param=name)

    return read


def merge_metadata(present: Mapping[str, str], change: Mapping[str, str] | None) -> dict[str, str]:
    """Return the metadata after a change: nothing clears it, an empty value unsets its key."""
    if change is None:
        return {}
    merged = {**present, **change}
    return {key: value for key, value in merged.items() if value}


EXPAND = many(text(), most=20)
LIST = {
    "limit": integer(least=1, most=100),
    "starting_after": text(),
    "ending_before": text(),
    "expand": EXPAND,
}
"""The parameters that every list takes."""


def _read_group(
    fields: Mapping[str, Rule], required: tuple[str, ...], raw: Mapping[str, Raw], outer: str
) -> Params:
    unknown = [_nested(outer, name) for name in raw if name not in fields]
    if unknown:
        several = "s" if len(unknown) > 1 else ""
        raise invalid(
            f"Received unknown parameter{several}: {', '.join(unknown)}",
            code="parameter_unknown",
            param=unknown[0],
        )
    for name in required:
        if name not in raw:
            raise missing_param(_nested(outer, name))
    return {name: fields[name](value, _nested(outer, name)) for name, value in raw.items()}


def _nested(outer: str, name: str) -> str:
    return f"{outer}[{name}]" if outer else name
