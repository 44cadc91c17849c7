"""Every error leaves here, as a problem document (RFC 9457) with a stable code."""

import random
from collections.abc import Mapping
from typing import Any

import orjson
from flask import Flask, Response, g, request
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.core import errors
from app.core.logs import get_logger

log = get_logger("http")
MEDIA_TYPE = "application/problem+json"

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

_HTTP_CODES: dict[int, tuple[str, str, str]] = {
    400: ("malformed-request", "请求格式不正确", "The request cannot be read"),
    404: ("not-found", "没有找到", "There is no such thing"),
    405: ("method-not-allowed", "不支持该请求方法", "The method is not allowed here"),
    406: ("not-acceptable", "无法提供所需的格式", "No representation of the wanted type"),
    408: ("request-timeout", "请求超时", "The request took too long to arrive"),
    413: ("content-too-large", "提交的内容过大", "The body is too large"),
    414: ("uri-too-long", "请求地址过长", "The address is too long"),
    415: ("unsupported-media-type", "不支持的内容类型", "The media type is not supported"),
    431: ("headers-too-large", "请求头过大", "The headers are too large"),
}
INTERNAL = ("internal-error", "系统内部错误", "Something went wrong on our side")


def status_of(error: errors.DomainError) -> int:
    """Return the HTTP status of a refusal: one for each kind."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def response_for(error: BaseException) -> Response:
    """Return the problem document of whatever was raised; nothing internal is in it."""
    error = _translate(error)
    if isinstance(error, errors.DomainError):
        return _of_refusal(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    log.error("request.failed", exc_info=error)
    return _problem(500, *INTERNAL)


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
    if status == 401:  # noqa: PLR2004 - 401 always carries a challenge (RFC 9110)
        response.headers["WWW-Authenticate"] = error.challenge or _challenge(error)
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
    code, title_zh, title_en = _HTTP_CODES.get(status, INTERNAL)
    response = _problem(status, code, title_zh, title_en)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


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
