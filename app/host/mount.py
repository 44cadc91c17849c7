"""Mounts a blueprint for trial, so that a broken route is found before the house opens."""

from typing import Any

from app.http import openapi
from app.http.blueprint import Blueprint
from app.http.server import Server

ROUTE_SECONDS = 2.0
"""How long a plug-in's own route may wait for others."""


def try_mounting(blueprint: Blueprint) -> dict[str, Any]:
    """Return the OpenAPI document of one blueprint, or raise whatever mounting it raises."""
    app = Server("trial")
    api = openapi.make_api(app, "0", {})
    api.register_blueprint(blueprint, url_prefix=f"/v1/{blueprint.name}")
    return openapi.document(api)
