"""The service entry over HTTP: public, and cheap enough to ask often."""

import functools
import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, request
from flask.views import MethodView

from app.catalog import service
from app.catalog.schemas import (
    CategorySchema,
    ChangesArgsSchema,
    DepartmentSchema,
    FavouriteOrderSchema,
    ServiceArgsSchema,
    ServiceChangesSchema,
    ServiceHabitsSchema,
    ServiceSchema,
    ServiceSummarySchema,
    ServiceVersionLineSchema,
    ServiceVersionSchema,
)
from app.catalog.service import CatalogDeps, Snapshot
from app.catalog.values import Changes, VersionLine, VersionView
from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs, page_of

blueprint = Blueprint("catalog", __name__, description="What the city offers, and who answers")
mine = Blueprint("my-services", __name__, description="The lists of services that are my own")

CACHE_CONTROL = "public, max-age=60, must-revalidate"
FOR_GOOD = "public, max-age=86400, immutable"
_JSON = "application/json"
T = TypeVar("T")
_Kept = tuple[T, int, dict[str, str]]
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
        return _tagged(Response(body, mimetype=_JSON), tag)

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
        A cursor ends with the version of the catalogue that gave it. `sort=popular` lists what at
        least ten citizens have used in the last thirty days, the most used first, and nothing else.
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


@blueprint.route("/services/<slug:service_id>/versions")
class Versions(MethodView):
    """What a service said, and when."""

    @blueprint.public
    @blueprint.sheddable
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(ServiceVersionLineSchema)
    def get(self, wanted: dict[str, Any], service_id: str) -> _Kept[Page[VersionLine]]:
        """List the versions of a service."""
        return _kept(service.list_versions(unit(), service_id, wanted["page"]), CACHE_CONTROL)


@blueprint.route("/services/<slug:service_id>/versions/<slug:number>")
class OneVersion(MethodView):
    """One version of a service; it never changes."""

    @blueprint.public
    @blueprint.sheddable
    @blueprint.response(200, ServiceVersionSchema)
    def get(self, service_id: str, number: str) -> _Kept[VersionView]:
        """Read a version of a service."""
        return _kept(service.read_version(unit(), service_id, number), FOR_GOOD)


@blueprint.route("/services/<slug:service_id>/versions/<slug:number>/changes")
class VersionChanges(MethodView):
    """What a version says otherwise than another."""

    @blueprint.public
    @blueprint.sheddable
    @blueprint.arguments(ChangesArgsSchema, location="query")
    @blueprint.response(200, ServiceChangesSchema)
    def get(self, wanted: dict[str, Any], service_id: str, number: str) -> _Kept[Changes]:
        """Compare a version of a service with another."""
        changes = service.compare_versions(unit(), service_id, number, wanted["since"])
        return _kept(changes, FOR_GOOD)


@mine.route("/favourites")
class Favourites(MethodView):
    """My favourites, in my order."""

    @mine.response(200, page_of(ServiceSummarySchema))
    def get(self) -> Response:
        """List my favourite services."""
        return _own(service.list_favourites(unit(), _snapshot(), principal().id))

    @mine.arguments(FavouriteOrderSchema)
    @mine.response(200, page_of(ServiceSummarySchema))
    def put(self, wanted: dict[str, Any]) -> Response:
        """Order my favourite services."""
        names = wanted["services"]
        return _own(service.order_favourites(unit(), _snapshot(), principal().id, names))


@mine.route("/favourites/<slug:service_id>")
class OneFavourite(MethodView):
    """One of my favourites."""

    @mine.response(204)
    def put(self, service_id: str) -> None:
        """Add a service to my favourites."""
        service.add_favourite(unit(), _snapshot(), principal().id, service_id)

    @mine.response(204)
    def delete(self, service_id: str) -> None:
        """Remove a service from my favourites."""
        service.remove_favourite(unit(), principal().id, service_id)


@mine.route("/recent")
class Recent(MethodView):
    """What I used lately."""

    @mine.response(200, page_of(ServiceSummarySchema))
    def get(self) -> Response:
        """List the services that I used lately."""
        return _own(service.list_recent(unit(), _snapshot(), principal().id))

    @mine.response(204)
    def delete(self) -> None:
        """Forget the services that I used lately."""
        service.clear_recent(unit(), principal().id)


@mine.route("/settings")
class Settings(MethodView):
    """Whether what I use is kept."""

    @mine.response(200, ServiceHabitsSchema)
    def get(self) -> dict[str, bool]:
        """Read whether the services that I use are kept."""
        return {"keeps_recent": service.keeps_recent(unit(), principal().id)}

    @mine.arguments(ServiceHabitsSchema)
    @mine.response(200, ServiceHabitsSchema)
    def put(self, wanted: dict[str, bool]) -> dict[str, bool]:
        """Say whether the services that I use are kept."""
        service.keep_recent(unit(), principal().id, wanted=wanted["keeps_recent"])
        return wanted


def _snapshot() -> Snapshot:
    return deps(CatalogDeps).shelf.snapshot()


def _own(body: bytes) -> Response:
    return Response(body, mimetype=_JSON)


def _kept(answer: T, how: str) -> _Kept[T]:
    return answer, 200, {"Cache-Control": how}
