"""Reconciliation over HTTP, for finance and auditors."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.reconciliation import service
from app.reconciliation.schemas import (
    AdjustmentSchema,
    AssignmentSchema,
    DifferenceArgs,
    DifferenceSchema,
    ExplanationSchema,
    ExportArgs,
    FileArgs,
    KindSchema,
    NewAdjustmentSchema,
    NewRunSchema,
    ReviewSchema,
    RunFilter,
    RunSchema,
    StatementFilter,
    StatementSchema,
)
from app.reconciliation.service import ReconciliationDeps
from app.reconciliation.values import (
    Adjustment,
    AdjustmentView,
    DifferenceFilter,
    DifferenceView,
    RunView,
    StatementView,
)

MIB = 1024 * 1024
FORMS = ("text/csv", "text/plain", "application/xml")
CSV = {"text/csv": {"schema": {"type": "string"}}}
READ, OPERATE = "reconciliation.read", "reconciliation.operate"

blueprint = Blueprint(
    "reconciliation", __name__, description="Our books against the gateways', billers' and bank's"
)


@blueprint.route("/kinds")
class Kinds(MethodView):
    """The kinds of difference."""

    @blueprint.staff(READ)
    @blueprint.page(KindSchema)
    def get(self) -> Page[dict[str, Any]]:
        """List the kinds of difference."""
        return Page(service.list_kinds())


@blueprint.route("/runs")
class Runs(MethodView):
    """Comparisons."""

    @blueprint.staff(OPERATE)
    @blueprint.arguments(NewRunSchema)
    @blueprint.response(202, RunSchema)
    def post(self, wanted: dict[str, Any]) -> RunView:
        """Compare a day.

        The gateway is asked for its statement anew; a corrected one supersedes what was imported.
        """
        return service.request_run(unit(), deps(ReconciliationDeps), cause="staff", **wanted)

    @blueprint.staff(READ)
    @blueprint.arguments(RunFilter, location="query")
    @blueprint.page(RunSchema)
    def get(self, wanted: dict[str, Any]) -> Page[RunView]:
        """List comparisons."""
        return service.list_runs(unit(), **wanted)


@blueprint.route("/runs/<uuid:run_id>")
class Run(MethodView):
    """One comparison."""

    @blueprint.staff(READ)
    @blueprint.response(200, RunSchema)
    def get(self, run_id: UUID) -> RunView:
        """Read a comparison."""
        return service.read_run(unit(), run_id)


@blueprint.route("/files")
class Files(MethodView):
    """Statement files of billers and the bank."""

    @blueprint.staff(OPERATE)
    @blueprint.raw_body(*FORMS, max_bytes=16 * MIB)
    @blueprint.arguments(FileArgs, location="query")
    @blueprint.response(201, StatementSchema)
    @blueprint.alt_response(200, schema=StatementSchema)
    def post(self, raw: bytes, wanted: dict[str, Any]) -> tuple[StatementView, int]:
        """Import a statement file.

        Profiles: `postings-csv` of a biller; `bank-csv`, `mt940` and `camt053` of the bank. All of
        it is imported or nothing; 200 says that the same content was imported before.
        """
        made = service.take_file(unit(), deps(ReconciliationDeps), raw=raw, **wanted)
        return made, 201 if made.is_new else 200

    @blueprint.staff(READ)
    @blueprint.arguments(StatementFilter, location="query")
    @blueprint.page(StatementSchema)
    def get(self, wanted: dict[str, Any]) -> Page[StatementView]:
        """List statements."""
        return service.list_statements(unit(), **wanted)


@blueprint.route("/differences")
class Differences(MethodView):
    """Differences between two books."""

    @blueprint.staff(READ)
    @blueprint.arguments(DifferenceArgs, location="query")
    @blueprint.page(DifferenceSchema)
    def get(self, wanted: dict[str, Any]) -> Page[DifferenceView]:
        """List differences."""
        return service.list_differences(unit(), deps(ReconciliationDeps), **wanted)


@blueprint.route("/differences/export")
class Export(MethodView):
    """The list of differences as a file."""

    @blueprint.staff(READ)
    @blueprint.arguments(ExportArgs, location="query")
    @blueprint.doc(responses={"200": {"description": "CSV, UTF-8", "content": CSV}})
    def get(self, wanted: DifferenceFilter) -> Response:
        """Export differences."""
        content = service.export_differences(unit(), deps(ReconciliationDeps), wanted)
        headers = {"Content-Disposition": 'attachment; filename="differences.csv"'}
        return Response(content, headers=headers, content_type="text/csv; charset=utf-8")


@blueprint.route("/differences/<uuid:difference_id>")
class Difference(MethodView):
    """One difference."""

    @blueprint.staff(READ)
    @blueprint.response(200, DifferenceSchema)
    def get(self, difference_id: UUID) -> DifferenceView:
        """Read a difference."""
        return service.read_difference(unit(), deps(ReconciliationDeps), difference_id)


@blueprint.route("/differences/<uuid:difference_id>/assignment")
class Assignment(MethodView):
    """Who sees to a difference."""

    @blueprint.staff(OPERATE)
    @blueprint.arguments(AssignmentSchema)
    @blueprint.response(200, DifferenceSchema)
    def post(self, wanted: dict[str, Any], difference_id: UUID) -> DifferenceView:
        """Assign a difference."""
        owner = wanted["owner"] or principal().id
        return service.assign_difference(unit(), deps(ReconciliationDeps), difference_id, owner)


@blueprint.route("/differences/<uuid:difference_id>/explanation")
class Explanation(MethodView):
    """Why a difference is none."""

    @blueprint.staff(OPERATE)
    @blueprint.arguments(ExplanationSchema)
    @blueprint.response(200, DifferenceSchema)
    def post(self, wanted: dict[str, Any], difference_id: UUID) -> DifferenceView:
        """Explain a difference."""
        return service.explain_difference(
            unit(), deps(ReconciliationDeps), principal().id, difference_id, wanted["reason"]
        )


@blueprint.route("/differences/<uuid:difference_id>/review")
class Review(MethodView):
    """A second person's word about an explanation."""

    @blueprint.staff(OPERATE)
    @blueprint.arguments(ReviewSchema)
    @blueprint.response(200, DifferenceSchema)
    def post(self, wanted: dict[str, Any], difference_id: UUID) -> DifferenceView:
        """Review an explanation."""
        return service.review_explanation(
            unit(), deps(ReconciliationDeps), principal().id, difference_id, **wanted
        )


@blueprint.route("/differences/<uuid:difference_id>/adjustments")
class Adjustments(MethodView):
    """Corrections proposed for a difference."""

    @blueprint.staff(OPERATE)
    @blueprint.idempotent
    @blueprint.arguments(NewAdjustmentSchema)
    @blueprint.response(201, AdjustmentSchema)
    def post(self, wish: Adjustment, difference_id: UUID) -> AdjustmentView:
        """Propose a correction."""
        return service.propose_adjustment(
            unit(), deps(ReconciliationDeps), principal().id, difference_id, wish
        )


@blueprint.route("/adjustments/<uuid:adjustment_id>/approval")
class Approval(MethodView):
    """A second person's yes."""

    @blueprint.staff(OPERATE)
    @blueprint.idempotent
    @blueprint.response(200, AdjustmentSchema)
    def post(self, adjustment_id: UUID) -> AdjustmentView:
        """Approve a correction."""
        return service.approve_adjustment(
            unit(), deps(ReconciliationDeps), principal().id, adjustment_id
        )


@blueprint.route("/adjustments/<uuid:adjustment_id>/rejection")
class Rejection(MethodView):
    """A second person's no."""

    @blueprint.staff(OPERATE)
    @blueprint.response(200, AdjustmentSchema)
    def post(self, adjustment_id: UUID) -> AdjustmentView:
        """Reject a correction."""
        return service.reject_adjustment(
            unit(), deps(ReconciliationDeps), principal().id, adjustment_id
        )
