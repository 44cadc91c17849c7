"""Whether this process lives, whether it can serve, and its figures."""

from collections.abc import Callable, Sequence
from ipaddress import ip_address

from flask import Flask, Response, abort, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    multiprocess,
)

from app.http.blueprint import Blueprint

Check = Callable[[], bool]


def serve(
    app: Flask,
    needed: dict[str, Check],
    wanted: dict[str, Check],
    figures: Sequence[Callable[[], None]] = (),
) -> None:
    """Serve `/livez`, `/readyz` and `/metrics`.

    Ready means that every `needed` check holds; a `wanted` one that fails is shown as degraded.
    `figures` are brought up to date before they are shown.
    """

    @Blueprint.unmetered
    @Blueprint.critical
    @Blueprint.public
    def livez() -> Response:
        return jsonify({"status": "alive"})

    @Blueprint.unmetered
    @Blueprint.critical
    @Blueprint.public
    def readyz() -> Response:
        missing = sorted(name for name, check in needed.items() if not check())
        degraded = sorted(name for name, check in wanted.items() if not check())
        status = "not-ready" if missing else "degraded" if degraded else "ready"
        response = jsonify({"status": status, "missing": missing, "degraded": degraded})
        response.status_code = 503 if missing else 200
        if missing:
            response.headers["Retry-After"] = "2"
        return response

    @Blueprint.unmetered
    @Blueprint.critical
    @Blueprint.public
    def metrics() -> Response:
        if not ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104 - not a bind
            abort(404)
        for refresh in figures:
            refresh()
        return Response(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)

    app.add_url_rule("/livez", "livez", livez)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", metrics)


def _registry() -> CollectorRegistry:
    """Return the figures of all web processes when they share a folder, else of this one."""
    registry = CollectorRegistry()
    try:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:  # no shared folder is set
        return REGISTRY
    return registry
