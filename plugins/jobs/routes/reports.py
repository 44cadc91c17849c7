"""`/v1/jobs/reports`: complaints about employers, and the desk's figures."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, PageArgs, citizen, request_unit
from plugins.jobs import service
from plugins.jobs.routes.common import CREATED, OFFICER, blueprint, desk_officer, house_of, me
from plugins.jobs.schemas.reports import (
    EmployerReportArgs,
    EmployerReportDecisionSchema,
    EmployerReportSchema,
    JobStatisticsSchema,
    NewEmployerReportSchema,
)
from plugins.jobs.values.reports import JobStatistics, NewReport, ReportStatus, ReportView


@blueprint.route("/reports")
class EmployerReports(MethodView):
    """What the calling citizen has said of employers."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(EmployerReportSchema)
    def get(self, query: dict[str, Any]) -> Page[ReportView]:
        """List my complaints about employers."""
        return service.list_reports(house_of(), request_unit(), me(), query["page"])

    @blueprint.rate("10/hour")
    @blueprint.arguments(NewEmployerReportSchema)
    @blueprint.response(201, EmployerReportSchema)
    def post(self, wanted: NewReport) -> tuple[ReportView, int]:
        """Complain about an employer to the desk."""
        return service.report_employer(house_of(), request_unit(), citizen(), wanted), CREATED


@blueprint.route("/desk/reports")
class DeskEmployerReports(MethodView):
    """What the desk hears of employers."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(EmployerReportArgs, location="query")
    @blueprint.page(EmployerReportSchema)
    def get(self, query: dict[str, Any]) -> Page[ReportView]:
        """List complaints about employers, the oldest first."""
        desk_officer()
        return service.list_desk_reports(house_of(), request_unit(), **query)


@blueprint.route("/desk/reports/<uuid:report_id>/decision")
class DeskEmployerReportDecision(MethodView):
    """What the desk decides on a complaint."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(EmployerReportDecisionSchema)
    @blueprint.response(200, EmployerReportSchema)
    def put(self, outcome: ReportStatus, report_id: UUID) -> ReportView:
        """Decide on a complaint about an employer.

        To suspend it closes its vacancies.
        """
        officer = desk_officer()
        return service.decide_report(house_of(), request_unit(), officer, report_id, outcome)


@blueprint.route("/desk/statistics")
class DeskJobStatistics(MethodView):
    """The desk's figures."""

    @blueprint.staff(OFFICER)
    @blueprint.response(200, JobStatisticsSchema)
    def get(self) -> JobStatistics:
        """Count vacancies and applications."""
        desk_officer()
        return service.count_jobs(request_unit())
