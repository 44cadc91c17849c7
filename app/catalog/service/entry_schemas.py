"""The form of the catalogue's files: which fields there are, and what each may hold."""

from marshmallow import RAISE, Schema, fields, validate

from app.catalog.values import (
    ACTIONS,
    AUDIENCES,
    CHANNELS,
    KINDS,
    NECESSITIES,
    SOURCES,
    UNITS,
)
from app.core.money import MAX_AMOUNT
from app.core.tokens import LEVELS

_ID = validate.Regexp(
    r"^(?=.{1,64}\Z)[a-z0-9]+(-[a-z0-9]+)*\Z",
    error="Must be in kebab-case: lower-case words joined by hyphens, at most 64 characters",
)
_TEXT = validate.Regexp(
    r"^[^\s\x00-\x1f](.*[^\s\x00-\x1f])?\Z",
    error="Must be one line of text without space around it",
)


class Strict(Schema):
    """A table without members that nobody reads."""

    class Meta:
        unknown = RAISE


def _id() -> fields.String:
    return fields.String(required=True, validate=_ID)


def _text(*, required: bool = True) -> fields.String:
    return fields.String(required=required, validate=_TEXT)


def _choice(*values: str) -> fields.String:
    return fields.String(required=True, validate=validate.OneOf(values))


class TitleEntrySchema(Strict):
    """A text in Chinese and English."""

    zh = _text()
    en = _text()


class TextEntrySchema(Strict):
    """A text in Chinese, and perhaps in English."""

    zh = _text()
    en = _text(required=False)


class CategoryEntrySchema(Strict):
    """One of the categories of the service entry."""

    id = _id()
    title = fields.Nested(TitleEntrySchema, required=True)
    icon = _id()


class ContactEntrySchema(Strict):
    """Where citizens ask."""

    phone = _text()
    address = _text()


class DepartmentEntrySchema(Strict):
    """One department or company that answers for services."""

    id = _id()
    title = fields.Nested(TitleEntrySchema, required=True)
    short = fields.Nested(TextEntrySchema, required=True)
    contact = fields.Nested(ContactEntrySchema, required=True)


class MaterialEntrySchema(Strict):
    """One thing to bring, and where it comes from."""

    name = fields.Nested(TitleEntrySchema, required=True)
    necessity = _choice(*NECESSITIES)
    source = _choice(*SOURCES)


class LimitEntrySchema(Strict):
    """How long it may take."""

    days = fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=3660))
    unit = _choice(*UNITS)


class FeeEntrySchema(Strict):
    """What it costs, in fen, and by which rule."""

    name = fields.Nested(TextEntrySchema, required=True)
    amount = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=0, max=MAX_AMOUNT)
    )
    basis = fields.Nested(TextEntrySchema, required=True)


class ServiceEntrySchema(Strict):
    """One service; what a plug-in's manifest may leave out has its default here."""

    id = _id()
    title = fields.Nested(TitleEntrySchema, required=True)
    category = _id()
    department = _id()
    kind = _choice(*KINDS)
    action = _choice(*ACTIONS)
    assurance = _choice(*LEVELS)
    audience = fields.String(load_default="both", validate=validate.OneOf(AUDIENCES))
    keywords = fields.List(_text(), load_default=list)
    conditions = fields.List(fields.Nested(TextEntrySchema), load_default=list)
    materials = fields.List(fields.Nested(MaterialEntrySchema), load_default=list)
    statutory_limit = fields.Nested(LimitEntrySchema, load_default=None)
    promised_limit = fields.Nested(LimitEntrySchema, load_default=None)
    fees = fields.List(fields.Nested(FeeEntrySchema), load_default=list)
    channels = fields.List(_choice(*CHANNELS), load_default=lambda: ["online"])
    results = fields.List(fields.Nested(TextEntrySchema), load_default=list)


class SynonymsEntrySchema(Strict):
    """Groups of words for the same thing."""

    groups = fields.List(fields.List(_text(), validate=validate.Length(min=2)), required=True)
