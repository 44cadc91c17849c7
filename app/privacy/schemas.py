"""The wire format of copies, corrections and closings."""

from typing import Any

from marshmallow import post_load

from app.http.fields import UUID, Dict, Flag, List, Moment, Raw, Schema, Text
from app.http.fields import validate as check
from app.http.pagination import PageArgs
from app.privacy.values import (
    ClosureStatus,
    CorrectionOf,
    CorrectionStatus,
    ExportStatus,
    NewCorrection,
)


def _one_of(states: Any) -> list[check.OneOf]:  # noqa: ANN401 - an enum
    return [check.OneOf([state.value for state in states])]


class ExportSchema(Schema):
    """A copy of the caller's data, or how far it is."""

    id = UUID(required=True)
    status = Text(required=True, validate=_one_of(ExportStatus))
    requested_at = Moment(required=True)
    ready_at = Moment(required=True, allow_none=True)
    expires_at = Moment(required=True, allow_none=True)
    missing = List(
        Text(),
        required=True,
        metadata={"description": "Plug-ins that have not given their part yet"},
    )


class ExportContentSchema(Schema):
    """Everything that is kept about the caller: rows by table, and each plug-in's own."""

    citizen_id = UUID(required=True)
    generated_at = Moment(required=True)
    house = Dict(keys=Text(), values=List(Dict(keys=Text(), values=Raw())), required=True)
    plugins = Dict(keys=Text(), values=Dict(keys=Text(), values=Raw()), required=True)


class NewCorrectionSchema(Schema):
    """What is wrong, what is right, and what proves it."""

    what = Text(required=True, max_length=20, validate=_one_of(CorrectionOf), pattern="[a-z_]+")
    proposed = Text(required=True, max_length=200, metadata={"examples": ["李蕾"]})
    evidence = Text(
        required=True,
        max_length=2000,
        lines=True,
        metadata={"description": "What proves it: a document, a decision"},
    )

    @post_load
    def _asked(self, data: dict[str, Any], **_: object) -> NewCorrection:
        return NewCorrection(CorrectionOf(data["what"]), data["proposed"], data["evidence"])


class CorrectionSchema(Schema):
    """A request for correction with its values; answered within thirty days (`due_at`)."""

    id = UUID(required=True)
    status = Text(required=True, validate=_one_of(CorrectionStatus))
    what = Text(required=True, validate=_one_of(CorrectionOf))
    proposed = Text(required=True)
    evidence = Text(required=True, max_length=2000, lines=True)
    reason = Text(required=True, allow_none=True, max_length=2000)
    submitted_at = Moment(required=True)
    due_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)


class CorrectionFilter(PageArgs):
    """Which requests to list."""

    status = Text(
        load_default="submitted",
        max_length=20,
        validate=_one_of(CorrectionStatus),
        pattern="[a-z]+",
    )


class CorrectionLineSchema(Schema):
    """A request for correction as its reviewers find it: nothing personal is in it."""

    id = UUID(required=True)
    status = Text(required=True, validate=_one_of(CorrectionStatus))
    what = Text(required=True, validate=_one_of(CorrectionOf))
    submitted_at = Moment(required=True)
    due_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)
    is_overdue = Flag(required=True)


class CorrectionDecisionSchema(Schema):
    """What a reviewer decides, and why: the citizen reads it."""

    decision = Text(
        required=True, max_length=20, validate=[check.OneOf(["apply", "decline"])], pattern="[a-z]+"
    )
    reason = Text(required=True, max_length=1000)


class ClosureSchema(Schema):
    """The closing of the caller's account; a log-in before `due_at` cancels it."""

    id = UUID(required=True)
    status = Text(required=True, validate=_one_of(ClosureStatus))
    asked_at = Moment(required=True)
    due_at = Moment(required=True)
