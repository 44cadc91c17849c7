"""What a remote provider offers beyond payables: operations that its manifest declares.

The house is no open proxy: an operation has a method, a path, and a form of all that goes in and
comes out. Nothing else is sent, and nothing else comes back.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import orjson

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
MOST_SENT, MOST_ANSWERED = 64 * 1024, 256 * 1024
"""In bytes: what bodies and answers may have where a manifest says nothing less."""


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
class Example:
    """A call that its provider says is answered: apps are written after it, and trials make it."""

    path: str
    query: Mapping[str, Any] | None
    body: Mapping[str, Any] | None


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
    example: Example
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

    def example_faults(self) -> Iterator[tuple[str, str]]:
        """Yield where the example is no call of this operation, and why."""
        if not self.fits(self.method, self.example.path):
            yield "path", "Does not fit the path of the operation."
        for name, form in (("query", self.query), ("body", self.body)):
            given = getattr(self.example, name)
            if form is None and given is not None:
                yield name, f"The operation takes no {name}."
            elif form is not None:
                for fault in form.faults(given or {}):
                    yield name + fault["pointer"].replace("/", "."), fault["message"]
        if len(orjson.dumps(self.example.body)) > self.most_sent:
            yield "body", "Is larger than `max_body`."

    def example_call(self, service: str, key: str | None) -> "OperationCall":
        """Return the call that the example is; only what acts has a key."""
        pairs = sorted((self.example.query or {}).items())
        return OperationCall(
            service=service,
            path=self.example.path,
            query=urlencode([(name, _written(value)) for name, value in pairs]),
            body=None if self.body is None else self.example.body or {},
            key=None if self.is_safe else key,
        )


@dataclass(frozen=True, slots=True)
class OperationCall:
    """One call: the service, the path, query and body that were checked, and the key if it acts."""

    service: str
    path: str
    query: str = ""
    body: object | None = None
    key: str | None = None

    @property
    def target(self) -> str:
        """Return where a remote provider is called, after its base URL."""
        return f"/operations/{self.service}{self.path}" + (f"?{self.query}" if self.query else "")


class Operator(Protocol):
    """Carries operations out."""

    def operate(
        self, operation: Operation, call: OperationCall, citizen: Citizen
    ) -> Mapping[str, Any]:
        """Return the answer, of the declared form, or raise a declared refusal.

        Raise `Unavailable` when surely nothing has happened, `OperationOutcomeUnknown` otherwise.
        """


def build_operation(raw: Mapping[str, Any], assurance: str) -> Operation:
    """Return the operation that a valid table says; what is not said is the service's."""
    example = raw["example"]
    return Operation(
        id=raw["id"],
        title=raw["title"],
        method=raw["method"],
        path=raw["path"],
        assurance=raw.get("assurance", assurance),
        idempotent=raw.get("idempotent", True),
        query=_form(raw.get("query")),
        body=_form(raw.get("body")),
        answer=Form(raw["answer"]),
        example=Example(example["path"], example.get("query"), example.get("body")),
        refusals=tuple(DeclaredRefusal(**refusal) for refusal in raw.get("refusals", ())),
        most_sent=raw.get("max_body", MOST_SENT),
        most_answered=raw.get("max_answer", MOST_ANSWERED),
    )


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


def _form(raw: Mapping[str, Any] | None) -> Form | None:
    return None if raw is None else Form(raw)


def _written(value: object) -> str:
    """Return an argument as it stands in a query."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _typed(schema: Mapping[str, Any], text: str) -> object:
    """Return an argument as the form names it; what cannot be read so stays a text, and fails."""
    if schema.get("type") == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    if schema.get("type") == "boolean":
        return _FLAGS.get(text, text)
    return text


def _of_query(fault: Mapping[str, str]) -> dict[str, str]:
    return {"parameter": fault["pointer"].removeprefix("/"), "message": fault["message"]}
