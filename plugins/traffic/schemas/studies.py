"""The wire format of points, and of study that takes some away."""

from app.sdk import Schema, fields
from plugins.traffic.schemas.common import one_of
from plugins.traffic.values import STUDY_NUMBER, StudyKind, StudyStatus


class LicencePointsSchema(Schema):
    """How a licence stands today; study may still take `study_left` away in this cycle."""

    cycle_from = fields.Date(required=True)
    cycle_to = fields.Date(required=True)
    points = fields.Integer(required=True)
    carried = fields.Integer(required=True)
    left = fields.Integer(required=True)
    is_full = fields.Flag(required=True)
    study_left = fields.Integer(required=True)
    source = fields.Text(required=True, max_length=500)


class NewStudySchema(Schema):
    """The number of a course that was passed."""

    study_no = fields.Text(required=True, max_length=40, pattern=STUDY_NUMBER)


class StudySchema(Schema):
    """A request to have points taken away for a course; the police have the last word."""

    id = fields.UUID(required=True)
    study_no = fields.Text(required=True)
    kind = fields.Text(required=True, validate=[one_of(StudyKind)])
    finished_on = fields.Date(required=True)
    points = fields.Integer(required=True)
    status = fields.Text(required=True, validate=[one_of(StudyStatus)])
    refusal = fields.Text(required=True, allow_none=True)
    requested_at = fields.Moment(required=True)
    decided_at = fields.Moment(required=True, allow_none=True)
