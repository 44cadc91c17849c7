"""Blueprints of the house: closed by default, with the access marks written into OpenAPI."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import wraps
from typing import Any, Literal, NoReturn, TypeVar, cast

import flask_smorest
from flask import request
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.exceptions import UnsupportedMediaType

from app.core.errors import Invalid
from app.http.deprecation import Deprecation
from app.http.forms import FORM, read_form, read_query
from app.http.json_input import parse_json
from app.http.pagination import page_of

F = TypeVar("F", bound=Callable[..., Any])
KIB = 1024
DEFAULT_BODY = 256 * KIB


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call an operation, and how it is treated; the default is a citizen's token."""

    public: bool = False
    assurance: str = "basic"
    permission: str | None = None
    integrator_scope: str | None = None
    scope: str | None = None
    acting: str | None = None
    guest: bool = False
    step_up: bool = False
    from_office: bool = False
    idempotent: bool = False
    key_optional: bool = False
    lane: str = "normal"
    rate: str | None = None
    metered: bool = True
    protocol: Literal["problem", "oauth"] = "problem"
    writes: bool = False
    takes_form: bool = False
    takes_any_query: bool = False
    raw_type: tuple[str, ...] = ()
    max_body: int = DEFAULT_BODY
    statuses: tuple[int, ...] = ()
    deprecation: Deprecation | None = None


def access_of(view: object) -> Access:
    """Return the access marks of a view function."""
    return cast("Access", getattr(view, "access", None) or Access())


def _mark(**changes: Any) -> Callable[[F], F]:  # noqa: ANN401 - fields of Access
    def decorate(view: F) -> F:
        view.access = replace(access_of(view), **changes)  # type: ignore[attr-defined]
        return view

    return decorate


class InputParser(FlaskParser):
    """The input door: strict JSON, no unknown and no repeated arguments."""

    DEFAULT_VALIDATION_STATUS = 422
    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}

    def load_json(self, req: Any, schema: Schema) -> Any:  # noqa: ANN401, ARG002 - webargs' signature
        """Return the parsed body; refuse other media types and encodings with 415."""
        check_json_type(req)
        return parse_json(req.get_data())

    def load_querystring(self, req: Any, schema: Schema) -> Any:  # noqa: ANN401 - webargs' signature
        """Return the query arguments; refuse one that stands twice."""
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            raise Invalid(errors=[{"parameter": n, "message": "Stands twice."} for n in repeated])
        return MultiDictProxy(req.args, schema)

    def handle_error(
        self,
        error: ValidationError,
        req: Any,  # noqa: ANN401, ARG002 - webargs' signature
        schema: Schema,  # noqa: ARG002
        *,
        error_status_code: int | None,  # noqa: ARG002
        error_headers: Any,  # noqa: ANN401, ARG002
    ) -> NoReturn:
        """Raise `Invalid` with a pointer or parameter for each fault."""
        raise Invalid(errors=list(_flatten(cast("dict[str, Any]", error.messages)))) from error


def check_json_type(req: Any) -> None:  # noqa: ANN401 - werkzeug's request
    """Refuse a body that does not say it is plain JSON."""
    if req.mimetype != "application/json" or req.headers.get("Content-Encoding"):
        raise UnsupportedMediaType


def read_json(schema: type[Schema], raw: bytes) -> Any:  # noqa: ANN401 - whatever it loads
    """Return what a schema reads in bytes whose signature was verified before they are read."""
    try:
        return schema().load(parse_json(raw))
    except ValidationError as error:
        raise Invalid(errors=list(_flatten({"json": error.messages}))) from error


def _flatten(messages: dict[str, Any]) -> list[dict[str, str]]:
    faults: list[dict[str, str]] = []
    for location, content in messages.items():
        _collect(content, [], "parameter" if location == "query" else "pointer", faults)
    return faults


def _collect(content: Any, path: list[str], kind: str, faults: list[dict[str, str]]) -> None:  # noqa: ANN401
    if isinstance(content, dict):
        for name, inner in content.items():
            inner_path = path if name == "_schema" else [*path, str(name)]
            _collect(inner, inner_path, kind, faults)
        return
    place = ".".join(path) if kind == "parameter" else "".join(f"/{part}" for part in path)
    texts = content if isinstance(content, list) else [content]
    faults.extend({kind: place, "message": str(text)} for text in texts)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc] # the library is untyped
    """A blueprint whose operations need a citizen's token unless they say otherwise."""

    ARGUMENTS_PARSER = InputParser()
    seconds: float | None = None  # how long its operations may wait for others, if less than most

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Flask's own
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_document_access)

    @staticmethod
    def public(view: F) -> F:
        """Open an operation to everybody."""
        return _mark(public=True)(view)

    @staticmethod
    def assurance(level: str) -> Callable[[F], F]:
        """Ask for at least this assurance of the citizen."""
        return _mark(assurance=level)

    @staticmethod
    def staff(permission: str) -> Callable[[F], F]:
        """Open an operation to staff with a permission, and to nobody else."""
        return _mark(permission=permission)

    @staticmethod
    def integrator(scope: str) -> Callable[[F], F]:
        """Open an operation to systems that call in their own name with a scope; to nobody else."""
        return _mark(integrator_scope=scope)

    @staticmethod
    def scope(name: str) -> Callable[[F], F]:
        """Open a citizen's operation to other people's apps to which they granted this scope."""
        return _mark(scope=name)

    @staticmethod
    def acting(action: Literal["view", "book", "pay", "submit"]) -> Callable[[F], F]:
        """Open a citizen's operation to whoever acts for them under a mandate for this action."""
        return _mark(acting=action)

    @staticmethod
    def guest(view: F) -> F:
        """Open a citizen's operation to whoever has a pass for one payable, too."""
        return _mark(guest=True)(view)

    @staticmethod
    def from_office(view: F) -> F:
        """Open an operation to the staff's networks only, as every staff token is anyway."""
        return _mark(from_office=True)(view)

    @staticmethod
    def step_up(view: F) -> F:
        """Ask for a second proof of who calls, not older than five minutes (RFC 9470)."""
        return _mark(step_up=True)(view)

    @staticmethod
    def oauth(view: F) -> F:
        """Open an operation to everybody, and refuse as OAuth does (RFC 6749, 5.2)."""
        return _mark(public=True, protocol="oauth")(view)

    @staticmethod
    def writing(view: F) -> F:
        """Let a GET write: browsers are sent to some addresses that have an effect once."""
        return _mark(writes=True)(view)

    @staticmethod
    def idempotent(view: F) -> F:
        """Ask for an Idempotency-Key; a repeat gets the first answer."""
        return _mark(idempotent=True, lane="critical")(view)

    @staticmethod
    def repeatable(view: F) -> F:
        """Honour an Idempotency-Key where one is sent; the operation does no harm without."""
        return _mark(idempotent=True, key_optional=True, lane="critical")(view)

    @staticmethod
    def critical(view: F) -> F:
        """Serve this operation even when the house is crowded."""
        return _mark(lane="critical")(view)

    @staticmethod
    def sheddable(view: F) -> F:
        """Refuse this operation first when the house is crowded."""
        return _mark(lane="sheddable")(view)

    @staticmethod
    def rate(limit: str) -> Callable[[F], F]:
        """Give an operation a limit of its own for each caller, such as "10/minute"."""
        return _mark(rate=limit)

    @staticmethod
    def unmetered(view: F) -> F:
        """Count no calls: for health, and for systems that prove themselves by a signature."""
        return _mark(metered=False)(view)

    @staticmethod
    def problems(*statuses: int) -> Callable[[F], F]:
        """Document further statuses that this operation may refuse with."""
        return _mark(statuses=statuses)

    @staticmethod
    def deprecated(since: date, sunset: date, link: str) -> Callable[[F], F]:
        """Say on each answer that an operation will end, when, and where to read what then."""
        return _mark(deprecation=Deprecation(since, sunset, link))

    @staticmethod
    def raw_body(*media_types: str, max_bytes: int) -> Callable[[F], F]:
        """Give the view the bytes of the body as its first argument, unparsed."""

        def decorate(view: F) -> F:
            def wrapper(self: object, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
                if request.mimetype not in media_types or request.headers.get("Content-Encoding"):
                    raise UnsupportedMediaType
                return view(self, request.get_data(), *args, **kwargs)

            wrapper.__dict__.update(view.__dict__)
            wrapper.__doc__ = view.__doc__
            wrapper.__name__ = view.__name__
            marked = _mark(raw_type=media_types, max_body=max_bytes)(wrapper)
            return cast("F", marked)

        return decorate

    def form(self, schema: type[Schema]) -> Callable[[F], F]:
        """Give the view the fields of a form, as RFC 6749 reads it; the schema documents them."""

        def decorate(view: F) -> F:
            @wraps(view)
            def wrapper(self: object, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
                return view(self, read_form(request), *args, **kwargs)

            described = self.doc(
                requestBody={"required": True, "content": {FORM: {"schema": schema}}}
            )(wrapper)
            return cast("F", _mark(takes_form=True, max_body=64 * KIB)(described))

        return decorate

    def open_query(self, schema: type[Schema]) -> Callable[[F], F]:
        """Give the view the query as RFC 6749 reads it: unknown arguments are no error."""

        def decorate(view: F) -> F:
            @wraps(view)
            def wrapper(self: object, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
                return view(self, read_query(request), *args, **kwargs)

            parameters = [
                {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
                for name in schema().fields
            ]
            described = self.doc(parameters=parameters)(wrapper)
            return cast("F", _mark(takes_any_query=True)(described))

        return decorate

    def arguments(self, schema: Any, **options: Any) -> Any:  # noqa: ANN401 - smorest's own
        """Parse an input by a schema, made once and not for each request."""
        made = schema() if isinstance(schema, type) else schema
        return super().arguments(made, **options)

    def page(self, schema: Any) -> Callable[[F], F]:  # noqa: ANN401 - a Schema class
        """Answer 200 with a page of items of this schema."""
        return cast("Callable[[F], F]", self.response(200, page_of(schema)))

    def _store_endpoint_docs(self, endpoint: str, obj: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401
        super()._store_endpoint_docs(endpoint, obj, *args, **options)
        for method, info in self._docs[endpoint].items():
            if method != "parameters":
                info["access"] = access_of(getattr(obj, method))


def _document_access(
    doc: dict[str, Any],
    info: dict[str, Any],
    *,
    method: str,
    **_: object,
) -> dict[str, Any]:
    """Write security, refusals, the key header and an operationId into an operation."""
    access: Access = info["access"]
    summary = info["docstring"].get("summary", "")
    doc["operationId"] = "_".join(re.findall(r"[a-z0-9]+", summary.lower()))
    if access.public:
        doc["security"] = []
    else:
        doc["security"] = [{_scheme(access): []}]
        if access.scope is not None:
            doc["security"].append({"grant": [access.scope]})
        if access.guest:
            doc["security"].append({"guest": []})
    if access.idempotent:
        doc.setdefault("parameters", []).append(
            "OPTIONAL_KEY" if access.key_optional else "IDEMPOTENCY_KEY"
        )
    if access.deprecation is not None:
        doc["deprecated"] = True
        doc["x-sunset"] = access.deprecation.sunset.isoformat()
    if access.raw_type:
        content = {kind: {"schema": _raw_schema(kind)} for kind in access.raw_type}
        doc["requestBody"] = {"required": True, "content": content}
    responses = doc.setdefault("responses", {})
    if access.protocol == "oauth":
        responses.update({str(status): name for status, name in OAUTH_REFUSALS.items()})
        return doc
    for status in _refusals(access, method, has_body="requestBody" in doc):
        if str(status) not in responses and status not in responses:
            responses[str(status)] = _STATUS_NAMES[status]
    return doc


def _raw_schema(kind: str) -> dict[str, str]:
    """Return how a body is described that a view reads itself: as text, or as a file's bytes."""
    is_text = kind in {"application/json", FORM}
    return {"type": "string"} if is_text else {"type": "string", "format": "binary"}


def _scheme(access: Access) -> str:
    if access.integrator_scope is not None:
        return "integrator"
    return "staff" if access.permission is not None else "citizen"


OAUTH_REFUSALS = {
    400: "OAUTH_BAD_REQUEST",
    401: "OAUTH_UNAUTHORIZED",
    413: "OAUTH_REQUEST_ENTITY_TOO_LARGE",
    415: "OAUTH_UNSUPPORTED_MEDIA_TYPE",
    429: "OAUTH_TOO_MANY_REQUESTS",
    503: "OAUTH_SERVICE_UNAVAILABLE",
}

_STATUS_NAMES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    406: "NOT_ACCEPTABLE",
    409: "CONFLICT",
    413: "REQUEST_ENTITY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "UNPROCESSABLE_ENTITY",
    429: "TOO_MANY_REQUESTS",
    503: "SERVICE_UNAVAILABLE",
}


def _refusals(access: Access, method: str, *, has_body: bool) -> list[int]:
    statuses = {400, 404, 422, 429, 503, *access.statuses}
    if not access.public:
        statuses |= {401, 403}
    if method not in {"get", "head"}:
        statuses |= {409, 413, 415}
    if has_body:
        statuses |= {413, 415}
    return sorted(statuses)
