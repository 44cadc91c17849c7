"""Every error leaves here, as a problem document (RFC 9457) with a stable code."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask, Response, g, request
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.core import errors
from app.core.logs import get_logger
from app.http.blueprint import Access

log = get_logger("http")
MEDIA_TYPE = "application/problem+json"
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,63}")

_STATUS: tuple[tuple[type[errors.DomainError], int], ...] = (
    (errors.Malformed, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Invalid, 422),
    (errors.RateLimited, 429),
    (errors.Unavailable, 503),
)


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One code that a problem document can carry, and when it does."""

    code: str
    status: int
    title_zh: str
    title_en: str
    when: str


_HTTP_KINDS = {
    kind.status: kind
    for kind in (
        ProblemKind(
            "malformed-request",
            400,
            "请求格式不正确",
            "The request cannot be read",
            "The request could not be read.",
        ),
        ProblemKind(
            "not-found",
            404,
            "没有找到",
            "There is no such thing",
            "The thing is absent, or is somebody else's: the answer is the same.",
        ),
        ProblemKind(
            "method-not-allowed",
            405,
            "不支持该请求方法",
            "The method is not allowed here",
            "The address exists and does not take this method; `Allow` names those it takes.",
        ),
        ProblemKind(
            "not-acceptable",
            406,
            "无法提供所需的格式",
            "No representation of the wanted type",
            "The `Accept` header names no type that this operation can answer with.",
        ),
        ProblemKind(
            "request-timeout",
            408,
            "请求超时",
            "The request took too long to arrive",
            "The body did not arrive in time.",
        ),
        ProblemKind(
            "content-too-large",
            413,
            "提交的内容过大",
            "The body is too large",
            "The body is larger than the operation takes.",
        ),
        ProblemKind(
            "uri-too-long",
            414,
            "请求地址过长",
            "The address is too long",
            "The address is longer than the server reads.",
        ),
        ProblemKind(
            "unsupported-media-type",
            415,
            "不支持的内容类型",
            "The media type is not supported",
            "The body is of another type than the operation takes, or is compressed.",
        ),
        ProblemKind(
            "range-not-satisfiable",
            416,
            "请求的范围无效",
            "The file has no such range",
            "The `Range` header asks for bytes that the file does not have.",
        ),
        ProblemKind(
            "headers-too-large",
            431,
            "请求头过大",
            "The headers are too large",
            "The headers are longer than the server reads.",
        ),
    )
}
_OAUTH_NAMES = {
    401: "invalid_client",
    403: "access_denied",
    429: "temporarily_unavailable",
    503: "temporarily_unavailable",
}
INTERNAL = ProblemKind(
    "internal-error",
    500,
    "系统内部错误",
    "Something went wrong on our side",
    "A fault of ours; quote the `request_id`, under which the log has the rest.",
)


def known_kinds() -> list[ProblemKind]:
    """Return every code that this process can answer with, by status and code."""
    found = {kind.code: kind for kind in (*_HTTP_KINDS.values(), INTERNAL)}
    for refusal in own_codes():
        when = (refusal.__doc__ or "").strip().partition("\n")[0]
        found[refusal.code] = ProblemKind(
            refusal.code, _status_of_kind(refusal), refusal.title_zh, refusal.title_en, when
        )
    return sorted(found.values(), key=lambda kind: (kind.status, kind.code))


def own_codes() -> list[type[errors.DomainError]]:
    """Return every kind of refusal that sets a code of its own, plug-ins' before the house's."""
    waiting: list[type[errors.DomainError]] = [errors.DomainError]
    found = []
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if "code" in vars(kind):
            found.append(kind)
    return sorted(found, key=lambda kind: (kind.__module__, kind.code), reverse=True)


def status_of(error: errors.DomainError) -> int:
    """Return the HTTP status of a refusal: one for each kind."""
    return _status_of_kind(type(error))


def _status_of_kind(refusal: type[errors.DomainError]) -> int:
    return next(status for kind, status in _STATUS if issubclass(refusal, kind))


def code_of(response: Response) -> str | None:
    """Return the code of a refusal, a replayed one too; None of every other answer."""
    if response.status_code < 400 or not response.is_json:  # noqa: PLR2004 - a success
        return None
    body = orjson.loads(response.get_data() or b"null")
    code = body.get("code", body.get("error")) if isinstance(body, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def response_for(error: BaseException) -> Response:
    """Return the problem document of whatever was raised; nothing internal is in it."""
    error = _translate(error)
    access: Access | None = g.get("access")
    if access is not None and access.protocol == "oauth":
        return _of_oauth(error)
    if isinstance(error, errors.DomainError):
        return _of_refusal(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    log.error("request.failed", exc_info=error)
    return _of_kind(INTERNAL)


def register(app: Flask) -> None:
    """Make this module the only place where errors become answers."""
    app.register_error_handler(Exception, response_for)


def _translate(error: BaseException) -> BaseException:
    if isinstance(error, DataError | UnicodeError):
        return errors.Invalid("A value cannot be stored.")
    if isinstance(error, RecursionError):
        return errors.Malformed("The request is nested too deeply.")
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        log.warning("database.unavailable", error=type(error).__name__)
        return errors.Unavailable(retry_after=_soon())
    return error


def _of_refusal(error: errors.DomainError) -> Response:
    status = status_of(error)
    extra: dict[str, Any] = dict(error.extra)
    if error.errors:
        extra["errors"] = error.errors
    response = _problem(
        status, error.code, error.title_zh, error.title_en, detail=error.detail, extra=extra
    )
    if error.retry_after is not None or status in {429, 503}:
        response.headers["Retry-After"] = str(error.retry_after or _soon())
    if status == 401 or error.challenge:  # noqa: PLR2004 - 401 always has one (RFC 9110)
        response.headers["WWW-Authenticate"] = error.challenge or _challenge(error)
    for name, value in getattr(error, "headers", {}).items():
        response.headers[name] = value
    return response


def _challenge(error: errors.DomainError) -> str:
    if type(error) is errors.Unauthenticated:
        return 'Bearer realm="wudang"'
    return 'Bearer realm="wudang", error="invalid_token"'


def _of_http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:  # noqa: PLR2004 - a redirect
        redirect = error.get_response()
        return Response(redirect.get_data(), redirect.status_code, redirect.headers)
    status = error.code or 500
    # A refusal that nobody foresaw is still the caller's: never a fault of ours.
    otherwise = INTERNAL if status >= 500 else _HTTP_KINDS[400]  # noqa: PLR2004 - the boundary
    response = _of_kind(_HTTP_KINDS.get(status, otherwise))
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _of_oauth(error: BaseException) -> Response:
    """Return a refusal as OAuth clients read it (RFC 6749, 5.2)."""
    status, name, detail = 500, "server_error", ""
    if isinstance(error, errors.DomainError):
        status, detail = status_of(error), error.detail or error.title_en
        name = error.error or _OAUTH_NAMES.get(status, "invalid_request")
    elif isinstance(error, HTTPException) and error.code is not None and error.code < 500:  # noqa: PLR2004
        status, detail = error.code, error.name
        name = "invalid_request"
    else:
        log.error("request.failed", exc_info=error)
    if status in {403, 404, 409, 422}:
        status = 400  # what the protocol knows
    body = {"error": name, "error_description": _plain(detail)} if detail else {"error": name}
    response = Response(orjson.dumps(body), status=status, content_type="application/json")
    if status in {429, 503}:
        after = error.retry_after if isinstance(error, errors.DomainError) else None
        response.headers["Retry-After"] = str(after or _soon())
    if status == 401:  # noqa: PLR2004 - 401 always has one (RFC 9110)
        challenge = error.challenge if isinstance(error, errors.DomainError) else None
        response.headers["WWW-Authenticate"] = challenge or 'Basic realm="wudang"'
    response.headers["Pragma"] = "no-cache"
    for field, value in getattr(error, "headers", {}).items():
        response.headers[field] = value
    return response


def _plain(text: str) -> str:
    """Return a description in the characters that RFC 6749 permits."""
    return "".join(c for c in text if " " <= c <= "~" and c not in '"\\')


def _of_kind(kind: ProblemKind) -> Response:
    return _problem(kind.status, kind.code, kind.title_zh, kind.title_en)


def _problem(
    status: int,
    code: str,
    title_zh: str,
    title_en: str,
    *,
    detail: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Response:
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "code": code,
        "title": title_en,
        "title_zh": title_zh,
        "status": status,
        "instance": request.path,
        "request_id": g.get("request_id"),
    }
    if detail:
        body["detail"] = detail
    for name, value in (extra or {}).items():
        body.setdefault(name, value)  # a refusal cannot change what the standard defines
    content = orjson.dumps(body, default=str)
    return Response(content, status=status, content_type=MEDIA_TYPE)


def _soon() -> int:
    return random.randint(1, 5)  # noqa: S311 - spreads retries, is no secret
