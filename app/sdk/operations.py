"""What a remote provider offers beyond payables: operations that its manifest declares.

The house is no open proxy: an operation has a method, a path, and a form of all that goes in and
comes out. Nothing else is sent, and nothing else comes back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from app.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unavailable
from app.core.json_schema import Form
from app.sdk.provider import Citizen

SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._:~-]{1,64}"
"""What may stand between two slashes of a path that is called: nothing that must be encoded."""
KINDS: Mapping[int, type[DomainError]] = {
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
}
"""With which statuses a provider may refuse a citizen, and what each means to the house."""
_NAME_IN_PATH = re.compile(r"\{[a-z][a-z0-9_]*\}")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_FLAGS = {"true": True, "false": False}


class OperationNotFound(NotFound):
    """The service has no operation with this method and path."""

    code = "operation-not-found"
    title_zh = "该服务没有此项操作"
    title_en = "The service has no such operation"


class OperationOutcomeUnknown(Unavailable):
    """The provider may have acted or not; look at what it shows before you try again."""

    code = "operation-outcome-unknown"
    title_zh = "暂时无法确认操作结果，请先查询再重试"
    title_en = "It is not known whether the operation was done; look before you try again"


@dataclass(frozen=True, slots=True)
class DeclaredRefusal:
    """One way in which a provider says no: its code, its status, and what citizens read."""

    code: str
    status: int
    title: Mapping[str, str]

    def refusal(self, provider: str) -> DomainError:
        """Return what the caller gets: the words of the manifest, the code after its provider."""
        error = KINDS[self.status]()
        # A class of each code would stand among the house's own codes for ever.
        error.__dict__.update(
            code=f"{provider}:{self.code}", title_zh=self.title["zh"], title_en=self.title["en"]
        )
        return error


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a service, as the manifest of its provider declares it.

    One that is `idempotent` answers the same key alike and acts once; any other is sent only once.
    Sizes are in bytes.
    """

    id: str
    title: Mapping[str, str]
    method: str
    path: str
    assurance: str
    idempotent: bool
    query: Form | None
    body: Form | None
    answer: Form
    refusals: tuple[DeclaredRefusal, ...]
    most_sent: int
    most_answered: int

    @property
    def is_safe(self) -> bool:
        """Say whether it only reads."""
        return self.method == "GET"

    def fits(self, method: str, path: str) -> bool:
        """Say whether this is what a method and a path (from its first slash on) call."""
        return method == self.method and _pattern(self.path).fullmatch(path) is not None

    def read_query(self, given: Mapping[str, str]) -> str:
        """Return a query as it is sent on; raise `Invalid` unless it is of the declared form."""
        if self.query is None:
            if given:
                raise Invalid(errors=[{"parameter": n, "message": "Unknown."} for n in given])
            return ""
        properties = self.query.schema.get("properties", {})
        values = {name: _typed(properties.get(name, {}), text) for name, text in given.items()}
        faults = self.query.faults(values)
        if faults:
            raise Invalid(errors=[_of_query(fault) for fault in faults])
        return urlencode(sorted(given.items()))

    def check_body(self, body: object) -> None:
        """Raise `Invalid` unless a body is of the declared form; without one it is `{}`."""
        if self.body is None:
            if body not in (None, {}):
                raise Invalid("The operation takes no body.")
            return
        faults = self.body.faults(body)
        if faults:
            raise Invalid(errors=faults)


@dataclass(frozen=True, slots=True)
class OperationCall:
    """One call: the service, the path, query and body that were checked, and the key if it acts."""

    service: str
    path: str
    query: str = ""
    body: object | None = None
    key: str | None = None


class Operator(Protocol):
    """Carries operations out."""

    def operate(
        self, operation: Operation, call: OperationCall, citizen: Citizen
    ) -> Mapping[str, Any]:
        """Return the answer, of the declared form, or raise a declared refusal.

        Raise `Unavailable` when surely nothing has happened, `OperationOutcomeUnknown` otherwise.
        """


def is_path(template: str) -> bool:
    """Say whether a manifest may declare this path: plain segments, some of them `{names}`."""
    plain = _NAME_IN_PATH.sub("x", template)
    names = _NAME_IN_PATH.findall(template)
    return (
        re.fullmatch(rf"(?:/{SEGMENT})+", plain) is not None
        and all(f"/{name}/" in f"{template}/" for name in names)
        and len(set(names)) == len(names)
    )


def could_be_both(one: str, other: str) -> bool:
    """Say whether some path fits two templates."""
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    alike = (a == b or a.startswith("{") or b.startswith("{") for a, b in pairs)
    return one.count("/") == other.count("/") and all(alike)


def _pattern(template: str) -> re.Pattern[str]:
    parts = template.split("/")
    return re.compile("/".join(SEGMENT if p.startswith("{") else re.escape(p) for p in parts))


def _typed(schema: Mapping[str, Any], text: str) -> object:
    """Return an argument as the form names it; what cannot be read so stays a text, and fails."""
    if schema.get("type") == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    if schema.get("type") == "boolean":
        return _FLAGS.get(text, text)
    return text


def _of_query(fault: Mapping[str, str]) -> dict[str, str]:
    return {"parameter": fault["pointer"].removeprefix("/"), "message": fault["message"]}
