"""The service entry over HTTP: public, and cheap enough to ask often."""

import functools
import hashlib
from collections.abc import Callable
from http import HTTPStatus
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


def _cached(view: Callable[..., bytes]) -> Callable[..., Response]:
    """Give a view the snapshot, and answer 304 before anything is read when the caller is current.

    A tag stands for one snapshot and one query, so a caller who has it need not be checked again.
    """

    @functools.wraps(view)
    def answer(self: MethodView, **path: str) -> Response:
        snapshot = deps(CatalogDeps).shelf.snapshot()
        query = hashlib.blake2b(request.query_string, digest_size=8).hexdigest()
        tag, known = f"{snapshot.tag}-{query}", request.if_none_match
        if tag in known.as_set(include_weak=True):
            return _tagged(Response(status=304), tag)
        body = view(self, snapshot, **path)
        if known.star_tag:
            return _tagged(Response(status=304), tag)
        return _tagged(Response(body, mimetype="application/json"), tag)

    return answer


def _tagged(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    response.headers["Cache-Control"] = CACHE_CONTROL
    if response.status_code == HTTPStatus.NOT_MODIFIED:
        del response.headers["Content-Type"]
    return response


@blueprint.route("/categories")
class Categories(MethodView):
    """The thirteen categories."""

    @blueprint.public
    @blueprint.sheddable
    @_unchanged
    @blueprint.response(200, page_of(CategorySchema), headers=_CACHED)
    @_cached
    def get(self, snapshot: Snapshot) -> bytes:
        """List the categories."""
        return service.list_categories(snapshot)


@blueprint.route("/departments")
class Departments(MethodView):
    """The departments and companies that answer for services."""

    @blueprint.public
    @blueprint.sheddable
    @_unchanged
    @blueprint.response(200, page_of(DepartmentSchema), headers=_CACHED)
    @_cached
    @blueprint.arguments(PageArgs(), location="query")
    def get(self, snapshot: Snapshot, args: dict[str, Any]) -> bytes:
        """List the departments."""
        return service.list_departments(snapshot, args["page"])


@blueprint.route("/departments/<slug:department_id>")
class OneDepartment(MethodView):
    """One department."""

    @blueprint.public
    @blueprint.sheddable
    @_unchanged
    @blueprint.response(200, DepartmentSchema, headers=_CACHED)
    @_cached
    def get(self, snapshot: Snapshot, department_id: str) -> bytes:
        """Read a department."""
        return service.read_department(snapshot, department_id)


@blueprint.route("/services")
class Services(MethodView):
    """What the city offers."""

    @blueprint.public
    @blueprint.sheddable
    @_unchanged
    @blueprint.response(200, page_of(ServiceSummarySchema), headers=_CACHED)
    @_cached
    @blueprint.arguments(ServiceArgsSchema(), location="query")
    def get(self, snapshot: Snapshot, args: dict[str, Any]) -> bytes:
        """Search the services.

        Hits stand in the order of `matched_by` (exact, prefix, title, keyword, synonym,
        department, pinyin, initials, typo, within), within a reason whole titles before whole
        keywords before parts, and then by title. Without `q` the services stand by title.
        A cursor ends with the version of the catalogue that gave it.
        """
        return service.list_services(snapshot, **args)


@blueprint.route("/services/<slug:service_id>")
class OneService(MethodView):
    """One service."""

    @blueprint.public
    @blueprint.sheddable
    @_unchanged
    @blueprint.response(200, ServiceSchema, headers=_CACHED)
    @_cached
    def get(self, snapshot: Snapshot, service_id: str) -> bytes:
        """Read a service."""
        return service.read_service(snapshot, service_id)
