"""From a form body to nested parameters: `a[b]=1&c=2` becomes `{"a": {"b": "1"}, "c": "2"}`."""

import re
from urllib.parse import parse_qsl

from sandbox.stripe.errors import ApiError, invalid

Raw = str | dict[str, "Raw"]
"""A parameter as it came: text, or a nest of texts; a list still has its numbers as names."""

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_DEEPEST = 8
_MOST = 2000


def decode(text: str) -> dict[str, Raw]:
    """Read a form body or a query string; names that make no sense together are refused."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST)
    except (UnicodeDecodeError, ValueError) as error:
        raise invalid("The parameters could not be read as a UTF-8 form.") from error
    tree: dict[str, Raw] = {}
    for name, value in pairs:
        _put(tree, _path(name), value, name)
    return tree


def _path(name: str) -> list[str]:
    match = _NAME.match(name)
    if match is None:
        raise _unreadable(name)
    path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
    if len(path) > _DEEPEST or "" in path[:-1]:
        raise _unreadable(name)
    return path


def _put(tree: dict[str, Raw], path: list[str], value: str, name: str) -> None:
    node = tree
    for step in path[:-1]:
        child = node.setdefault(step, {})
        if not isinstance(child, dict):
            raise _unreadable(name)
        node = child
    # `a[]=` appends: the next free number stands in for the name.
    last = path[-1] or str(len(node))
    if isinstance(node.get(last), dict):
        raise _unreadable(name)
    node[last] = value


def _unreadable(name: str) -> ApiError:
    return invalid(f"The parameter name {name[:80]} could not be read.", param=name[:80])
