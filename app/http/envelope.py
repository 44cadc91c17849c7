"""What every request is given on its way in, and every answer carries on its way out."""

import time
from typing import Any

import orjson
import structlog
from flask import Response, g, request
from flask.json.provider import JSONProvider
from prometheus_client import Counter, Histogram

from app.core.ids import new_id
from app.core.logs import get_logger
from app.http.blueprint import Access
from app.http.rate_limit import Allowance

log = get_logger("http")
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TLS_ONLY = "max-age=31536000; includeSubDomains"


REQUESTS = Counter("http_requests_total", "Answers", ["method", "route", "status"])
SECONDS = Histogram("http_request_seconds", "Seconds to answer", ["route"])


class OrjsonProvider(JSONProvider):
    """JSON by orjson; reading goes through the input door and never through here."""

    def dumps(self, obj: Any, **_: Any) -> str:  # noqa: ANN401 - any JSON value
        """Return JSON text."""
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return the value of a JSON text."""
        return orjson.loads(s)

    def response(self, *args: Any, **_: Any) -> Response:  # noqa: ANN401 - any JSON value
        """Return an answer of one value."""
        return Response(orjson.dumps(args[0]), mimetype="application/json")


def open_request() -> None:
    """Give the request its id, its caller's address and its start, and its log lines the id."""
    g.request_id = str(new_id())
    g.address = request.remote_addr or "127.0.0.1"
    g.started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def close_response(response: Response) -> Response:
    """Put on the headers that every answer has, and count and log it."""
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = _TLS_ONLY
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Request-Id"] = g.get("request_id", "")
    allowance: Allowance | None = g.get("allowance")
    if allowance is not None:
        response.headers["RateLimit"] = (
            f'"default";r={allowance.remaining};t={allowance.reset_seconds}'
        )
        response.headers["RateLimit-Policy"] = f'"default";q={allowance.limit}'
    access: Access | None = g.get("access")
    if access is not None and access.deprecation is not None:
        for name, value in access.deprecation.headers.items():
            response.headers.add(name, value)
    if response.status_code == 204:  # noqa: PLR2004 - nothing to say
        response.set_data(b"")
        response.headers.pop("Content-Type", None)
    _observe(response)
    return response


def _observe(response: Response) -> None:
    route = request.url_rule.rule if request.url_rule else "(none)"
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    REQUESTS.labels(request.method, route, response.status_code).inc()
    SECONDS.labels(route).observe(seconds)
    log.info(
        "request",
        method=request.method,
        route=route,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
    )
