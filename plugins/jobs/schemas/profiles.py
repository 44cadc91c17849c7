"""The wire format of curricula and of the consents to show them."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.sdk import Schema, fields
from plugins.jobs.values import DISTRICTS, EmploymentType
from plugins.jobs.values.applications import MOST_APPLICATION_WORDS
from plugins.jobs.values.profiles import (
    LONGEST_SHARE,
    MONTH,
    MOST_ENTRIES,
    MOST_SKILLS,
    MOST_WORDS,
    Curriculum,
    NewShare,
    Occupation,
    Schooling,
    ShareKind,
    ShareStatus,
    Wish,
)

_KIND = fields.validate.OneOf([str(kind) for kind in ShareKind])
_STATUS = fields.validate.OneOf([str(status) for status in ShareStatus])
_DISTRICT = fields.validate.OneOf(list(DISTRICTS))
_EMPLOYMENT = fields.validate.OneOf([str(kind) for kind in EmploymentType])
_ENTRIES = fields.validate.Length(max=MOST_ENTRIES)
_MOST_SALARY = 10**8


def _check_order(data: dict[str, Any]) -> None:
    if data["until"] is not None and data["until"] < data["since"]:
        raise ValidationError("Ends before it begins.", "until")


class CvSchoolingSchema(Schema):
    """One school or course; months as `2024-09`."""

    school = fields.Text(required=True, max_length=80)
    degree = fields.Text(required=True, max_length=40)
    field = fields.Text(required=True, max_length=80)
    since = fields.Text(required=True, pattern=MONTH)
    until = fields.Text(load_default=None, allow_none=True, pattern=MONTH)

    @validates_schema
    def _in_order(self, data: dict[str, Any], **_: object) -> None:
        _check_order(data)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Schooling:
        return Schooling(**data)


class CvOccupationSchema(Schema):
    """One post; months as `2024-09`."""

    employer = fields.Text(required=True, max_length=80)
    post = fields.Text(required=True, max_length=80)
    since = fields.Text(required=True, pattern=MONTH)
    until = fields.Text(load_default=None, allow_none=True, pattern=MONTH)
    duties = fields.Text(load_default="", min_length=0, max_length=MOST_WORDS)

    @validates_schema
    def _in_order(self, data: dict[str, Any], **_: object) -> None:
        _check_order(data)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Occupation:
        return Occupation(**data)


class CvWishSchema(Schema):
    """What somebody looks for; `salary` is the least a month, in fen."""

    districts = fields.List(
        fields.Text(validate=[_DISTRICT]), load_default=(), validate=fields.validate.Length(max=8)
    )
    salary = fields.Integer(
        load_default=None, allow_none=True, validate=fields.validate.Range(min=0, max=_MOST_SALARY)
    )
    employment_types = fields.List(
        fields.Text(validate=[_EMPLOYMENT]), load_default=(), validate=fields.validate.Length(max=5)
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Wish:
        return Wish(tuple(data["districts"]), data["salary"], tuple(data["employment_types"]))


class CvContentSchema(Schema):
    """A structured curriculum vitae."""

    name = fields.Text(required=True, max_length=60)
    phone = fields.Text(
        load_default=None, allow_none=True, pattern=r"\+?[0-9][0-9 -]{5,18}[0-9]", max_length=20
    )
    headline = fields.Text(load_default="", min_length=0, max_length=80)
    education = fields.List(fields.Nested(CvSchoolingSchema), load_default=(), validate=_ENTRIES)
    work = fields.List(fields.Nested(CvOccupationSchema), load_default=(), validate=_ENTRIES)
    skills = fields.List(
        fields.Text(max_length=40),
        load_default=(),
        validate=fields.validate.Length(max=MOST_SKILLS),
    )
    wish = fields.Nested(CvWishSchema, load_default=Wish((), None, ()))

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Curriculum:
        lists = {name: tuple(data[name]) for name in ("education", "work", "skills")}
        return Curriculum(**{**data, **lists})


class CvSchema(Schema):
    """A curriculum as its citizen sees it; `edition` counts its changes."""

    cv = fields.Nested(CvContentSchema, required=True)
    edition = fields.Integer(required=True)
    changed_at = fields.Moment(required=True)


class NewCvShareSchema(Schema):
    """To whom a curriculum is shown and for how many days; without an employer, to the pool."""

    employer_id = fields.UUID(load_default=None, allow_none=True)
    days = fields.Integer(
        required=True, validate=fields.validate.Range(min=1, max=LONGEST_SHARE.days)
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewShare:
        return NewShare(**data)


class CvShareSchema(Schema):
    """A consent to show a curriculum; `employer_id` is null for all verified employers."""

    id = fields.UUID(required=True)
    kind = fields.Text(required=True, validate=[_KIND])
    status = fields.Text(required=True, validate=[_STATUS])
    employer_id = fields.UUID(required=True, allow_none=True)
    employer = fields.Text(required=True, allow_none=True)
    application_id = fields.UUID(required=True, allow_none=True)
    given_at = fields.Moment(required=True)
    expires_at = fields.Moment(required=True)
    ended_at = fields.Moment(required=True, allow_none=True)


class CvReadingSchema(Schema):
    """That an employer saw one's curriculum: which edition, by which consent, and when."""

    id = fields.UUID(required=True)
    employer_id = fields.UUID(required=True)
    employer = fields.Text(required=True)
    share_id = fields.UUID(required=True)
    kind = fields.Text(required=True, validate=[_KIND])
    edition = fields.Integer(required=True)
    seen_at = fields.Moment(required=True)


class CvCandidateSchema(Schema):
    """That somebody shows their curriculum, without anything of it."""

    share_id = fields.UUID(required=True)
    kind = fields.Text(required=True, validate=[_KIND])
    given_at = fields.Moment(required=True)
    expires_at = fields.Moment(required=True)


class SharedCvSchema(Schema):
    """A curriculum as an employer sees it; `words` came with the application."""

    id = fields.UUID(required=True)
    cv = fields.Nested(CvContentSchema, required=True)
    words = fields.Text(required=True, min_length=0, max_length=MOST_APPLICATION_WORDS, lines=True)
    edition = fields.Integer(required=True)
    shared_until = fields.Moment(required=True)
