"""The form of a manifest: which fields there are, and what each may hold."""

from marshmallow import RAISE, Schema, fields, validate

from app.core.tokens import LEVELS

SDK_SUPPORTED = 1
ATTRIBUTES = ("name", "phone", "resident_id")
KINDS = ("payable", "application", "listing", "guide")
POSTINGS = ("idempotent", "queryable", "neither")

PLUGIN_NAME = r"[a-z][a-z0-9]+(_[a-z0-9]+)*"
LONGEST_NAME = 30
_KEBAB = r"[a-z0-9]+(-[a-z0-9]+)*"
_CLASS = r"[A-Z][A-Za-z0-9]*"
_SETTING = r"[a-z][a-z0-9_]*"


class Strict(Schema):
    """A table without members that nobody reads."""

    class Meta:
        unknown = RAISE


def _matching(pattern: str, said: str, *, longest: int = 64) -> fields.String:
    return fields.String(
        required=True,
        validate=[
            validate.Length(max=longest),
            validate.Regexp(rf"^(?:{pattern})\Z", error=f"Must be {said}."),
        ],
    )


def _id() -> fields.String:
    return _matching(_KEBAB, "in kebab-case: lower-case words joined by hyphens")


def _text(*, required: bool = True) -> fields.String:
    return fields.String(required=required, validate=validate.Regexp(r"^\S(.*\S)?\Z"))


def _choice(*values: str, required: bool = True) -> fields.String:
    return fields.String(required=required, validate=validate.OneOf(values))


class TitleSchema(Strict):
    """A text in both languages."""

    zh = _text()
    en = _text()


class TextSchema(Strict):
    """A text in Chinese, and perhaps in English."""

    zh = _text()
    en = _text(required=False)


class PayeeSchema(Strict):
    """Who gets the money."""

    id = _id()
    title = fields.Nested(TitleSchema, required=True)
    kind = _id()


class MaterialSchema(Strict):
    """A paper that a citizen brings, or that is fetched for them."""

    name = fields.Nested(TitleSchema, required=True)
    necessity = _choice("required", "conditional", "deferrable")
    source = _choice("applicant", "certificate-library", "data-exchange")


class LimitSchema(Strict):
    """How long it may take."""

    days = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))
    unit = _choice("working", "calendar")


class FeeSchema(Strict):
    """What it costs, in fen, and by which standard."""

    name = fields.Nested(TextSchema, required=True)
    amount = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))
    basis = fields.Nested(TextSchema, required=True)


class ServiceSchema(Strict):
    """One service: what the registry needs, and what the catalogue shows."""

    id = _id()
    title = fields.Nested(TitleSchema, required=True)
    category = _id()
    department = _id()
    kind = _choice(*KINDS)
    action = _choice("query", "book", "pay", "handle")
    assurance = _choice(*LEVELS)
    keywords = fields.List(_text())
    posting = _choice(*POSTINGS, required=False)
    audience = _choice("citizen", "organisation", "both", required=False)
    conditions = fields.List(fields.Nested(TextSchema))
    materials = fields.List(fields.Nested(MaterialSchema))
    statutory_limit = fields.Nested(LimitSchema)
    promised_limit = fields.Nested(LimitSchema)
    fees = fields.List(fields.Nested(FeeSchema))
    channels = fields.List(_choice("online", "hall", "phone", "self-service"))
    results = fields.List(fields.Nested(TextSchema))


class ManifestSchema(Strict):
    """The whole of `manifest.toml`."""

    name = _matching(PLUGIN_NAME, "lower-case words joined by underscores", longest=LONGEST_NAME)
    title = fields.Nested(TitleSchema, required=True)
    owner = _id()
    sdk = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Equal(SDK_SUPPORTED, error="This house speaks SDK {other} only."),
    )
    provider = fields.String(
        validate=validate.Regexp(rf"^(?:{_CLASS})\Z", error="Must be the name of a class.")
    )
    settings = fields.List(_matching(_SETTING, "lower-case letters, digits and underscores"))
    tier = _choice("bronze", "silver")
    personal_data = fields.Boolean(truthy={True}, falsy={False})
    citizen_attributes = fields.List(_choice(*ATTRIBUTES))
    payees = fields.List(fields.Nested(PayeeSchema))
    services = fields.List(
        fields.Nested(ServiceSchema), required=True, validate=validate.Length(min=1)
    )
