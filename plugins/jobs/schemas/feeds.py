"""The wire format of feeds: who sends them, and what became of their files."""

from app.sdk import PageArgs, Schema, fields


class FeedFileArgs(Schema):
    """How a file is taken."""

    may_shrink = fields.QueryFlag(
        load_default=False,
        metadata={"description": "That a full file may close more than half of what is open"},
    )


class FeedFilesArgs(PageArgs):
    """Which files to list."""


class FeedLineReportSchema(Schema):
    """A line that was not taken, and why."""

    line = fields.Integer(required=True)
    source_id = fields.Text(required=True)
    code = fields.Text(required=True)
    message = fields.Text(required=True)
    passage = fields.Text()
    rule = fields.Text()


class VacancyFeedFileSchema(Schema):
    """What became of a file; `closed` counts the vacancies that nobody tells of any more."""

    id = fields.UUID(required=True)
    feed = fields.Text(required=True)
    lines = fields.Integer(required=True)
    created = fields.Integer(required=True)
    merged = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    closed = fields.Integer(required=True)
    report = fields.List(fields.Nested(FeedLineReportSchema), required=True)
    taken_at = fields.Moment(required=True)


class VacancyFeedClientSchema(Schema):
    """A client that may send a feed's files in its own name."""

    client_id = fields.UUID(required=True)
    admitted_at = fields.Moment(required=True)
