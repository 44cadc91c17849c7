"""`/v1/jobs/saved-searches`: searches whose news one is told."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import Page, citizen, request_unit
from plugins.jobs import service
from plugins.jobs.routes.common import CREATED, blueprint, me
from plugins.jobs.schemas.saved_searches import NewSavedSearchSchema, SavedSearchSchema
from plugins.jobs.values.saved_searches import SavedSearchView


@blueprint.route("/saved-searches")
class SavedSearches(MethodView):
    """The searches that the calling citizen keeps."""

    @blueprint.page(SavedSearchSchema)
    def get(self) -> Page[SavedSearchView]:
        """List the searches that I keep."""
        return service.list_searches(request_unit(), me())

    @blueprint.arguments(NewSavedSearchSchema)
    @blueprint.response(201, SavedSearchSchema)
    def post(self, body: dict[str, Any]) -> tuple[SavedSearchView, int, dict[str, str]]:
        """Keep a search and be told what is new.

        Once a day, in one message for all of them: how much is new, and the newest titles.
        """
        saved = service.save_search(request_unit(), citizen(), body["wanted"])
        return saved, CREATED, {"Location": url_for("jobs.SavedSearch", saved_search_id=saved.id)}


@blueprint.route("/saved-searches/<uuid:saved_search_id>")
class SavedSearch(MethodView):
    """One search."""

    @blueprint.response(200, SavedSearchSchema)
    def get(self, saved_search_id: UUID) -> SavedSearchView:
        """Show a search that I keep."""
        return service.find_search(request_unit(), me(), saved_search_id)

    @blueprint.response(204)
    def delete(self, saved_search_id: UUID) -> None:
        """Keep a search no longer."""
        service.forget_search(request_unit(), me(), saved_search_id)
