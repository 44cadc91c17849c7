"""The wire format of complaints about employers, and of the desk's figures."""

from typing import Any

from marshmallow import post_load

from app.sdk import PageArgs, Schema, fields
from plugins.jobs.values.reports import (
    MOST_REPORT_WORDS,
    NewReport,
    ReportGround,
    ReportStatus,
)

_GROUND = fields.validate.OneOf([str(ground) for ground in ReportGround])
_STATUS = fields.validate.OneOf([str(status) for status in ReportStatus])
_OUTCOME = fields.validate.OneOf(
    [str(status) for status in ReportStatus if status != ReportStatus.RECEIVED]
)


class NewEmployerReportSchema(Schema):
    """What an employer is said to have done."""

    employer_id = fields.UUID(required=True)
    ground = fields.Text(required=True, validate=[_GROUND])
    words = fields.Text(required=True, max_length=MOST_REPORT_WORDS, lines=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewReport:
        return NewReport(data["employer_id"], ReportGround(data["ground"]), data["words"])


class EmployerReportArgs(PageArgs):
    """Which complaints to list."""

    status = fields.Text(load_default=None, validate=[_STATUS])


class EmployerReportDecisionSchema(Schema):
    """What the desk decides on a complaint."""

    outcome = fields.Text(required=True, validate=[_OUTCOME])

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> ReportStatus:
        return ReportStatus(data["outcome"])


class EmployerReportSchema(Schema):
    """A complaint about an employer; nobody is named in it."""

    id = fields.UUID(required=True)
    employer_id = fields.UUID(required=True)
    employer = fields.Text(required=True)
    ground = fields.Text(required=True, validate=[_GROUND])
    words = fields.Text(required=True, lines=True)
    status = fields.Text(required=True, validate=[_STATUS])
    reported_at = fields.Moment(required=True)
    decided_at = fields.Moment(required=True, allow_none=True)


class JobStatisticsSchema(Schema):
    """Employers, vacancies and applications by status, and what came of them."""

    employers = fields.Dict(required=True)
    vacancies = fields.Dict(required=True)
    positions_open = fields.Integer(required=True)
    applications = fields.Dict(required=True)
    hires_of_30_days = fields.Integer(required=True)
    unanswered_of_30_days = fields.Integer(required=True)
    reports_waiting = fields.Integer(required=True)
