"""The wire format of reconciliation."""

from datetime import date
from typing import Any

from marshmallow import post_load

from app.http.fields import (
    UUID,
    Amount,
    Date,
    Flag,
    Integer,
    Moment,
    Nested,
    Schema,
    Text,
    Title,
    validate,
)
from app.http.pagination import PageArgs
from app.reconciliation.values import (
    AGES,
    SOURCE,
    Adjustment,
    DifferenceFilter,
    DifferenceKind,
    DifferenceStatus,
)

_REASON = 500
_KIND = validate.OneOf([str(kind) for kind in DifferenceKind])
_STATUS = validate.OneOf([str(status) for status in DifferenceStatus])
_AGE = validate.OneOf(list(AGES))
_DAY = validate.Range(min=date(2000, 1, 1), max=date(2099, 12, 31))


def _source(**more: Any) -> Text:  # noqa: ANN401 - options of the field
    described = {"description": "Whose books: `side:name`", "examples": ["gateway:stripe"]}
    return Text(pattern=SOURCE, max_length=80, metadata=described, **more)


class NewRunSchema(Schema):
    """Which day of which source to compare."""

    source = _source(required=True)
    day = Date(required=True, validate=_DAY, metadata={"description": "The city's day"})


class RunFilter(PageArgs):
    """Which runs to list."""

    source = _source(load_default=None)
    day = Date(load_default=None, validate=_DAY)


class RunSchema(Schema):
    """A comparison of one day: what it read and what it found."""

    id = UUID(required=True)
    source = Text(required=True)
    day = Date(required=True)
    status = Text(required=True)
    cause = Text(required=True)
    statement_id = UUID(required=True, allow_none=True)
    line_count = Integer(required=True)
    matched = Integer(required=True)
    found = Integer(required=True)
    in_transit = Integer(required=True)
    resolved = Integer(required=True)
    requested_at = Moment(required=True)
    finished_at = Moment(required=True, allow_none=True)


class FileArgs(Schema):
    """What a file is: whose books, of which day, in which form."""

    source = _source(required=True)
    day = Date(required=True, validate=_DAY)
    profile = Text(required=True, max_length=40, pattern="[a-z0-9-]+")


class StatementSchema(Schema):
    """What became of a file."""

    id = UUID(required=True)
    source = Text(required=True)
    day = Date(required=True)
    status = Text(required=True)
    profile = Text(required=True)
    line_count = Integer(required=True)
    digest = Text(required=True, allow_none=True)
    supersedes = UUID(required=True, allow_none=True)
    run_id = UUID(required=True, allow_none=True)
    created_at = Moment(required=True)


class StatementFilter(PageArgs):
    """Which statements to list; superseded ones, too."""

    source = _source(load_default=None)
    day = Date(load_default=None, validate=_DAY)


class _Wanted(Schema):
    """Which differences."""

    source = _source(load_default=None)
    kind = Text(load_default=None, validate=[_KIND])
    status = Text(load_default=None, validate=[_STATUS])
    age = Text(load_default=None, validate=[_AGE], metadata={"description": "Days since found"})
    owner = UUID(load_default=None)
    day = Date(load_default=None, validate=_DAY)


def _filter(data: dict[str, Any]) -> DifferenceFilter:
    return DifferenceFilter(**{name: data.pop(name) for name in _Wanted().fields})


class DifferenceArgs(_Wanted, PageArgs):
    """Which differences to list."""

    @post_load
    def _wanted(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        wanted = _filter(data)
        return {**data, "wanted": wanted}


class ExportArgs(_Wanted):
    """Which differences to export."""

    @post_load
    def _wanted(self, data: dict[str, Any], **_: object) -> DifferenceFilter:
        return _filter(data)


class DifferenceSchema(Schema):
    """A difference between two books."""

    id = UUID(required=True)
    source = Text(required=True)
    day = Date(required=True)
    kind = Text(required=True)
    title = Nested(Title, required=True)
    status = Text(required=True)
    subject = Text(required=True)
    department = Text(required=True)
    theirs_amount = Integer(required=True, allow_none=True)
    our_amount = Integer(required=True, allow_none=True)
    currency = Text(required=True, allow_none=True)
    line_id = Text(required=True, allow_none=True)
    payment_id = UUID(required=True, allow_none=True)
    age = Text(required=True)
    found_at = Moment(required=True)
    owner = UUID(required=True, allow_none=True)
    resolution = Text(required=True, allow_none=True)
    reason = Text(required=True, allow_none=True, max_length=_REASON)
    booking = UUID(required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)


class AssignmentSchema(Schema):
    """Who sees to it: the caller, unless somebody else is named."""

    owner = UUID(load_default=None, allow_none=True)


class ExplanationSchema(Schema):
    """Why a difference is none."""

    reason = Text(required=True, max_length=_REASON, min_length=5, lines=True)


class ReviewSchema(Schema):
    """Whether an explanation holds."""

    accept = Flag(required=True)


class NewAdjustmentSchema(Schema):
    """A correction: an amount from one account of the books to another."""

    debit = Text(required=True, max_length=100, pattern="[a-z0-9:-]+")
    credit = Text(required=True, max_length=100, pattern="[a-z0-9:-]+")
    amount = Amount(required=True)
    reason = Text(required=True, max_length=_REASON, min_length=5, lines=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Adjustment:
        return Adjustment(**data)


class AdjustmentSchema(Schema):
    """A proposed correction, and what became of it."""

    id = UUID(required=True)
    difference_id = UUID(required=True)
    debit = Text(required=True)
    credit = Text(required=True)
    amount = Integer(required=True)
    currency = Text(required=True)
    reason = Text(required=True, max_length=_REASON)
    requested_by = UUID(required=True)
    approved_by = UUID(required=True, allow_none=True)
    booking = UUID(required=True, allow_none=True)
    created_at = Moment(required=True)


class KindSchema(Schema):
    """One kind of difference."""

    kind = Text(required=True)
    title = Nested(Title, required=True)
    when = Text(required=True, max_length=1_000)
    owner = Text(required=True)
    ends = Text(required=True, max_length=1_000)
