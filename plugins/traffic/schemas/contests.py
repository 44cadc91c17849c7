"""The wire format of objections."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.sdk import PageArgs, Schema, fields
from plugins.traffic.schemas.common import one_of
from plugins.traffic.schemas.petitions import MAX_REASON, MAX_STATEMENT, PetitionSchema
from plugins.traffic.values import (
    DIGEST,
    MAX_FINE,
    ContestKind,
    ContestStatus,
    Ground,
    NewContest,
    Verdict,
)

MAX_FILES = 10


class ContestFileSchema(Schema):
    """A file that the citizen keeps: what it is, and its SHA-256."""

    name = fields.Text(required=True, max_length=100)
    media_type = fields.Text(required=True, max_length=100, pattern=r"[a-z]+/[a-z0-9.+-]+")
    sha256 = fields.Text(required=True, max_length=64, pattern=DIGEST)


_FILES = fields.validate.Length(max=MAX_FILES)


class NewContestSchema(Schema):
    """An objection to file."""

    kind = fields.Text(required=True, validate=[one_of(ContestKind)])
    ground = fields.Text(required=True, validate=[one_of(Ground)])
    statement = fields.Text(required=True, max_length=MAX_STATEMENT, lines=True)
    evidence = fields.List(fields.Nested(ContestFileSchema), load_default=list, validate=_FILES)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewContest:
        return NewContest(
            ContestKind(data["kind"]),
            Ground(data["ground"]),
            data["statement"],
            tuple(data["evidence"]),
        )


class ContestEvidenceSchema(Schema):
    """What an officer asked for."""

    evidence = fields.List(
        fields.Nested(ContestFileSchema),
        required=True,
        validate=fields.validate.Length(min=1, max=MAX_FILES),
    )


class ContestSchema(PetitionSchema):
    """An objection; lists for officers leave its text out."""

    ground = fields.Text(required=True)
    evidence = fields.List(fields.Nested(ContestFileSchema), required=True)
    status = fields.Text(required=True, validate=[one_of(ContestStatus)])
    filed_at = fields.Moment(required=True)
    reduced_to = fields.Amount(required=True, allow_none=True)


class ContestArgs(PageArgs):
    """Which objections to list; without a state those that are open."""

    status = fields.Text(load_default=None, validate=[one_of(ContestStatus)])


class ContestReasonSchema(Schema):
    """What is asked of the citizen."""

    reason = fields.Text(required=True, max_length=MAX_REASON)


class VerdictSchema(Schema):
    """What an officer decides: a reduction names the fine that stands."""

    outcome = fields.Text(
        required=True,
        validate=[fields.validate.OneOf(["upheld", "reduced", "cancelled"])],
    )
    reduced_to = fields.Integer(
        load_default=None, validate=fields.validate.Range(min=1, max=MAX_FINE)
    )
    reason = fields.Text(required=True, max_length=MAX_REASON)

    @validates_schema
    def _figure(self, data: dict[str, Any], **_: object) -> None:
        if (data["outcome"] == ContestStatus.REDUCED) != (data["reduced_to"] is not None):
            raise ValidationError("Said of a reduction, and of nothing else.", "reduced_to")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Verdict:
        return Verdict(ContestStatus(data["outcome"]), data["reduced_to"], data["reason"])
