"""Copies, corrections and closings over HTTP."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs
from app.privacy import service
from app.privacy.schemas import (
    ClosureSchema,
    CorrectionDecisionSchema,
    CorrectionFilter,
    CorrectionLineSchema,
    CorrectionSchema,
    ExportContentSchema,
    ExportSchema,
    NewCorrectionSchema,
)
from app.privacy.service import PrivacyDeps
from app.privacy.values import (
    ClosureView,
    CorrectionLine,
    CorrectionStatus,
    CorrectionView,
    ExportContent,
    ExportView,
    NewCorrection,
)

me = Blueprint("privacy", __name__, url_prefix="/v1/me", description="My data and my account")
desk = Blueprint(
    "corrections",
    __name__,
    url_prefix="/v1/corrections",
    description="Reviewing requests for correction",
)


@me.route("/exports")
class Exports(MethodView):
    """Copies of the caller's data."""

    @me.step_up
    @me.response(202, ExportSchema)
    def post(self) -> ExportView:
        """Ask for a copy of my data."""
        return service.request_export(unit(), deps(PrivacyDeps), principal().id)

    @me.arguments(PageArgs, location="query")
    @me.page(ExportSchema)
    def get(self, wanted: dict[str, Any]) -> Page[ExportView]:
        """List my copies."""
        return service.list_exports(unit(), deps(PrivacyDeps), principal().id, wanted["page"])


@me.route("/exports/<uuid:export_id>")
class OneExport(MethodView):
    """One copy of the caller's data."""

    @me.response(200, ExportSchema)
    def get(self, export_id: UUID) -> ExportView:
        """Read how a copy stands."""
        return service.read_export(unit(), deps(PrivacyDeps), principal().id, export_id)


@me.route("/exports/<uuid:export_id>/content")
class ContentOfExport(MethodView):
    """What is in a copy."""

    @me.step_up
    @me.problems(409)
    @me.response(200, ExportContentSchema)
    def get(self, export_id: UUID) -> ExportContent:
        """Fetch a copy of my data."""
        return service.read_export_content(unit(), deps(PrivacyDeps), principal().id, export_id)


@me.route("/corrections")
class MyCorrections(MethodView):
    """The caller's requests for correction."""

    @me.arguments(NewCorrectionSchema)
    @me.response(201, CorrectionSchema)
    def post(self, asked: NewCorrection) -> CorrectionView:
        """Ask for a correction."""
        return service.submit_correction(unit(), deps(PrivacyDeps), principal().id, asked)

    @me.arguments(PageArgs, location="query")
    @me.page(CorrectionSchema)
    def get(self, wanted: dict[str, Any]) -> Page[CorrectionView]:
        """List my requests for correction."""
        who = principal()
        return service.list_my_corrections(unit(), deps(PrivacyDeps), who.id, wanted["page"])


@me.route("/closure")
class Closure(MethodView):
    """The closing of the caller's account."""

    @me.step_up
    @me.response(202, ClosureSchema)
    def post(self) -> ClosureView:
        """Close my account."""
        return service.ask_closure(unit(), deps(PrivacyDeps), principal().id)

    @me.response(200, ClosureSchema)
    def get(self) -> ClosureView:
        """Read how the closing of my account stands."""
        return service.read_closure(unit(), principal().id)


@desk.route("")
class Corrections(MethodView):
    """Requests for correction."""

    @desk.staff("corrections.review")
    @desk.arguments(CorrectionFilter, location="query")
    @desk.page(CorrectionLineSchema)
    def get(self, wanted: dict[str, Any]) -> Page[CorrectionLine]:
        """List requests for correction."""
        status = CorrectionStatus(wanted["status"])
        return service.list_corrections(unit(), wanted["page"], status)


@desk.route("/<uuid:correction_id>")
class OneCorrection(MethodView):
    """One request for correction."""

    @desk.staff("corrections.review")
    @desk.response(200, CorrectionSchema)
    def get(self, correction_id: UUID) -> CorrectionView:
        """Review a request for correction."""
        return service.review_correction(unit(), deps(PrivacyDeps), principal(), correction_id)


@desk.route("/<uuid:correction_id>/decision")
class CorrectionDecision(MethodView):
    """What is decided of a request for correction."""

    @desk.staff("corrections.review")
    @desk.arguments(CorrectionDecisionSchema)
    @desk.response(200, CorrectionLineSchema)
    def post(self, wanted: dict[str, str], correction_id: UUID) -> CorrectionLine:
        """Decide a request for correction."""
        return service.decide_correction(
            unit(),
            deps(PrivacyDeps),
            principal(),
            correction_id,
            applied=wanted["decision"] == "apply",
            reason=wanted["reason"],
        )
