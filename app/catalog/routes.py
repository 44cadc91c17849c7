"""The service entry over HTTP: public, and cheap enough to ask often."""

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, request
from flask.views import MethodView

from app.catalog import service
from app.catalog.schemas import (
    CategorySchema,
    DepartmentSchema,
    ServiceArgsSchema,
    ServiceSchema,
    ServiceSummarySchema,
)
from app.catalog.service import CatalogDeps, Snapshot
from app.http.blueprint import Blueprint
from app.http.context import deps
from app.http.pagination import PageArgs, page_of

blueprint = Blueprint("catalog", __name__, description="What the city offers, and who answers")

CACHE_CONTROL = "public, max-age=60, must-revalidate"
_TEXT = {"schema": {"type": "string"}}
_CACHED = {
    "ETag": {**_TEXT, "description": "Changes with the catalogue; send it as If-None-Match"},
    "Cache-Control": {**_TEXT, "example": CACHE_CONTROL},
}
_unchanged = blueprint.alt_response(304, description="What you have is still true", headers=_CACHED)


@blueprint.route("/categories")
class Categories(MethodView):
    """The thirteen categories."""

    @blueprint.public
    @blueprint.sheddable
    @_unchanged
    @blueprint.response(200, page_of(CategorySchema), headers=_CACHED)
    def get(self) -> Response:
        """List the categories."""
        snapshot = _snapshot()
        return _answer(snapshot, lambda: service.list_categories(snapshot))


@blueprint.route("/departments")
class Departments(MethodView):
    """The departments and companies that answer for services."""

    @blueprint.public
    @blueprint.sheddable
    @_unchanged
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.response(200, page_of(DepartmentSchema), headers=_CACHED)
    def get(self, args: dict[str, Any]) -> Response:
        """List the departments."""
        snapshot = _snapshot()
        return _answer(snapshot, lambda: service.list_departments(snapshot, args["page"]))


@blueprint.route("/departments/<slug:department_id>")
class OneDepartment(MethodView):
    """One department."""

    @blueprint.public
    @blueprint.sheddable
    @_unchanged
    @blueprint.response(200, DepartmentSchema, headers=_CACHED)
    def get(self, department_id: str) -> Response:
        """Read a department."""
        found = service.read_department(snapshot := _snapshot(), department_id)
        return _answer(snapshot, lambda: found)


@blueprint.route("/services")
class Services(MethodView):
    """What the city offers."""

    @blueprint.public
    @blueprint.sheddable
    @_unchanged
    @blueprint.arguments(ServiceArgsSchema, location="query")
    @blueprint.response(200, page_of(ServiceSummarySchema), headers=_CACHED)
    def get(self, args: dict[str, Any]) -> Response:
        """Search the services.

        Hits stand in the order of `matched_by` (exact, prefix, title, keyword, synonym,
        department, pinyin, initials, typo, within), within a reason whole titles before whole
        keywords before parts, and then by title. Without `q` the services stand by title.
        A cursor ends with the version of the catalogue that gave it.
        """
        snapshot = _snapshot()
        return _answer(snapshot, lambda: service.list_services(snapshot, **args))


@blueprint.route("/services/<slug:service_id>")
class OneService(MethodView):
    """One service."""

    @blueprint.public
    @blueprint.sheddable
    @_unchanged
    @blueprint.response(200, ServiceSchema, headers=_CACHED)
    def get(self, service_id: str) -> Response:
        """Read a service."""
        found = service.read_service(snapshot := _snapshot(), service_id)
        return _answer(snapshot, lambda: found)


def _snapshot() -> Snapshot:
    return deps(CatalogDeps).shelf.snapshot()


def _answer(snapshot: Snapshot, body: Callable[[], bytes]) -> Response:
    """Answer with what `body` makes, or 304 before it is made when the caller has it already."""
    asked = hashlib.blake2b(request.query_string, digest_size=8).hexdigest()
    tag = f"{snapshot.tag}-{asked}"
    if request.if_none_match.contains_weak(tag):
        response = Response(status=304)
        del response.headers["Content-Type"]
    else:
        response = Response(body(), mimetype="application/json")
    response.set_etag(tag)
    response.headers["Cache-Control"] = CACHE_CONTROL
    return response
