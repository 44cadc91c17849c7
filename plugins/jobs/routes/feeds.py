"""`/v1/jobs/feeds`: files of vacancies, by the sender's own system or by the desk."""

from typing import Any
from uuid import UUID

from flask import request
from flask.views import MethodView

from app.sdk import Page, integrator, request_unit
from plugins.jobs import service
from plugins.jobs.routes.common import CREATED, OFFICER, blueprint, desk_officer, house_of
from plugins.jobs.schemas.feeds import (
    FeedFileArgs,
    FeedFilesArgs,
    VacancyFeedClientSchema,
    VacancyFeedFileSchema,
)
from plugins.jobs.values import CSV_TYPE, JSON_LINES_TYPE, FeedClientView, FeedFileView

IMPORT = "jobs.vacancies.import"
"""The scope with which a job centre's own system sends its vacancies."""
FEED_RATE = "60/hour"
_OK = 200
_MOST_BYTES = 10 * 1024 * 1024


def _answer(file: FeedFileView) -> tuple[FeedFileView, int]:
    return file, CREATED if file.is_new else _OK


@blueprint.route("/feeds/<slug:feed_id>/files")
class OwnFeedFiles(MethodView):
    """The files that a job centre's own system sends."""

    @blueprint.integrator(IMPORT)
    @blueprint.rate(FEED_RATE)
    @blueprint.raw_body(CSV_TYPE, JSON_LINES_TYPE, max_bytes=_MOST_BYTES)
    @blueprint.arguments(FeedFileArgs, location="query")
    @blueprint.response(201, VacancyFeedFileSchema)
    @blueprint.alt_response(200, schema=VacancyFeedFileSchema)
    def post(self, raw: bytes, query: dict[str, Any], feed_id: str) -> tuple[FeedFileView, int]:
        """Send a file of vacancies of my feed.

        CSV in UTF-8 or GB18030 with Chinese headings, or JSON lines, and how many there are in the
        last line. The file is whole or refused; of a whole one each line counts by itself, and the
        answer names those that were refused. 200 says that the same file came last, too.
        """
        file = service.take_own_file(
            house_of(), request_unit(), integrator(), feed_id, raw, request.mimetype, **query
        )
        return _answer(file)


@blueprint.route("/desk/feeds/<slug:feed_id>/files")
class DeskFeedFiles(MethodView):
    """The files of a feed."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(FeedFilesArgs, location="query")
    @blueprint.page(VacancyFeedFileSchema)
    def get(self, query: dict[str, Any], feed_id: str) -> Page[FeedFileView]:
        """List the files of a feed of vacancies."""
        desk_officer()
        return service.list_files(request_unit(), feed_id, query["page"])

    @blueprint.staff(OFFICER)
    @blueprint.raw_body(CSV_TYPE, JSON_LINES_TYPE, max_bytes=_MOST_BYTES)
    @blueprint.arguments(FeedFileArgs, location="query")
    @blueprint.response(201, VacancyFeedFileSchema)
    @blueprint.alt_response(200, schema=VacancyFeedFileSchema)
    def post(self, raw: bytes, query: dict[str, Any], feed_id: str) -> tuple[FeedFileView, int]:
        """Import a file of vacancies at the desk."""
        desk_officer()
        file = service.take_file(
            house_of(), request_unit(), feed_id, raw, request.mimetype, **query
        )
        return _answer(file)


@blueprint.route("/desk/feeds/<slug:feed_id>/clients/<uuid:client_id>")
class DeskFeedClient(MethodView):
    """Which clients send a feed's files."""

    @blueprint.staff("integrators.manage")
    @blueprint.response(200, VacancyFeedClientSchema)
    def put(self, feed_id: str, client_id: UUID) -> FeedClientView:
        """Let a client send a feed of vacancies."""
        return service.admit_feed_client(request_unit(), feed_id, client_id)

    @blueprint.staff("integrators.manage")
    @blueprint.response(204)
    def delete(self, feed_id: str, client_id: UUID) -> None:
        """Let a client send a feed of vacancies no longer."""
        service.dismiss_feed_client(request_unit(), feed_id, client_id)
