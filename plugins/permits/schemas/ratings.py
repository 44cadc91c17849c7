"""The wire format of ratings."""

from typing import Any

from marshmallow import post_load

from app.sdk import PageArgs, Schema, fields
from plugins.permits.values.ratings import OVER, Indicator, RatingStatus, RatingWish

MOST_WORDS = 500
_OPEN = [str(status) for status in RatingStatus if status not in OVER]
_INDICATOR = fields.validate.OneOf([str(indicator) for indicator in Indicator])


class PermitGradeField(fields.Integer):
    """A grade: 1 very dissatisfied, 2 dissatisfied, 3 basically, 4 satisfied, 5 very satisfied."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(validate=fields.validate.Range(min=1, max=5), **kwargs)


class PermitRatingWishSchema(Schema):
    """A grade for the whole, grades for some indicators, and words."""

    grade = PermitGradeField(required=True)
    indicators = fields.Dict(
        keys=fields.Text(validate=[_INDICATOR]), values=PermitGradeField(), load_default=dict
    )
    words = fields.Text(load_default=None, max_length=MOST_WORDS, lines=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> RatingWish:
        return RatingWish(**data)


class PermitRatingSchema(Schema):
    """A rating as its citizen sees it; without one `grade` is null, and `until` says how long."""

    application_id = fields.UUID(required=True)
    until = fields.Moment(required=True, allow_none=True)
    grade = fields.Integer(required=True, allow_none=True)
    indicators = fields.Dict(keys=fields.Text(), values=fields.Integer(), required=True)
    words = fields.Text(required=True, allow_none=True, max_length=MOST_WORDS, lines=True)
    status = fields.Text(required=True, allow_none=True)
    answer = fields.Text(required=True, allow_none=True, max_length=MOST_WORDS, lines=True)
    rated_at = fields.Moment(required=True, allow_none=True)


class PermitRatingArgs(PageArgs):
    """Which bad ratings to list."""

    status = fields.Text(load_default=None, validate=[fields.validate.OneOf(_OPEN)])


class PermitRatingCaseSchema(Schema):
    """A bad rating at the desk; `application_id` only for whoever sees to it."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    bundle = fields.Text(required=True)
    department = fields.Text(required=True)
    grade = fields.Integer(required=True)
    indicators = fields.Dict(keys=fields.Text(), values=fields.Integer(), required=True)
    words = fields.Text(required=True, allow_none=True, max_length=MOST_WORDS, lines=True)
    status = fields.Text(required=True)
    is_mine = fields.Flag(required=True)
    is_late = fields.Flag(required=True)
    application_id = fields.UUID(required=True, allow_none=True)
    answer = fields.Text(required=True, allow_none=True, max_length=MOST_WORDS, lines=True)
    rated_at = fields.Moment(required=True)
    due_at = fields.Moment(required=True, allow_none=True)


class PermitRatingStepSchema(Schema):
    """The version of the rating that was seen."""

    version = fields.Integer(required=True, validate=fields.validate.Range(min=1))


class PermitRatingAssignmentSchema(PermitRatingStepSchema):
    """Who shall see to a rating: a superior of its department who had no hand in the case."""

    staff_id = fields.UUID(required=True)


class PermitRatingAnswerSchema(PermitRatingStepSchema):
    """Whether the citizen was right, and what was mended or why there was nothing to mend."""

    is_founded = fields.Flag(required=True)
    words = fields.Text(required=True, max_length=MOST_WORDS, lines=True)


class PermitFiguresSchema(Schema):
    """What is public of a bundle's ratings: whole percents, and nothing below ten ratings."""

    bundle = fields.Text(required=True)
    is_enough = fields.Flag(required=True)
    ratings = fields.Integer(required=True, allow_none=True)
    content = fields.Integer(required=True, allow_none=True)
    grades = fields.List(fields.Integer(), required=True, allow_none=True)
    indicators = fields.Dict(
        keys=fields.Text(), values=fields.Raw(), required=True, allow_none=True
    )
    closed = fields.Integer(required=True, allow_none=True)
