"""The wire format of requests for relief."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.sdk import Schema, fields
from plugins.traffic.schemas.common import one_of
from plugins.traffic.schemas.petitions import MAX_REASON, MAX_STATEMENT, PetitionSchema
from plugins.traffic.values import NewRelief, ReliefKind


class NewReliefSchema(Schema):
    """What somebody in hardship asks for: a later day, or a number of parts."""

    kind = fields.Text(required=True, validate=[one_of(ReliefKind)])
    statement = fields.Text(required=True, max_length=MAX_STATEMENT, lines=True)
    until = fields.Date(load_default=None)
    parts = fields.Integer(load_default=None, validate=fields.validate.Range(min=2, max=24))

    @validates_schema
    def _wish(self, data: dict[str, Any], **_: object) -> None:
        is_deferral = data["kind"] == ReliefKind.DEFERRAL
        if (data["until"] is not None, data["parts"] is not None) != (is_deferral, not is_deferral):
            raise ValidationError("A deferral names `until`, instalments name `parts`.")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewRelief:
        return NewRelief(**{**data, "kind": ReliefKind(data["kind"])})


class ReliefSchema(PetitionSchema):
    """A request to pay later or in parts."""

    until = fields.Date(required=True, allow_none=True)
    parts = fields.Integer(required=True, allow_none=True)
    asked_at = fields.Moment(required=True)


class ReliefDecisionSchema(Schema):
    """What an officer decides of a request."""

    granted = fields.Flag(required=True)
    reason = fields.Text(required=True, max_length=MAX_REASON)
