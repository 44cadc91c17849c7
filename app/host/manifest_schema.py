"""The form of a manifest: which fields there are, and what each may hold."""

from marshmallow import RAISE, Schema, fields, validate

from app.catalog.service.entry_schemas import ServiceEntrySchema, TitleEntrySchema
from app.consent.values import Basis

SDK_SUPPORTED = 1
ATTRIBUTES = ("name", "phone", "resident_id")
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


def matching(pattern: str, said: str, *, longest: int = 64) -> fields.String:
    """Return a member of a certain form, which a fault calls `said`."""
    return fields.String(
        required=True,
        validate=[
            validate.Length(max=longest),
            validate.Regexp(rf"^(?:{pattern})\Z", error=f"Must be {said}."),
        ],
    )


def kebab() -> fields.String:
    """Return a member that holds an id."""
    return matching(_KEBAB, "in kebab-case: lower-case words joined by hyphens")


def choice(*values: str, required: bool = True) -> fields.String:
    """Return a member that holds one of some words."""
    return fields.String(required=required, validate=validate.OneOf(values))


class PayeeSchema(Strict):
    """Who gets the money."""

    id = kebab()
    title = fields.Nested(TitleEntrySchema, required=True)
    kind = kebab()


class AttributesBasisSchema(Strict):
    """The ground of the law on which a plug-in sees citizens' attributes without their consent."""

    basis = choice(*(basis.value for basis in Basis if basis is not Basis.CONSENT))
    purpose = fields.Nested(TitleEntrySchema, required=True)


class ServiceSchema(ServiceEntrySchema):
    """One service: what the catalogue shows, and what the registry needs besides."""

    posting = choice(*POSTINGS, required=False)
    autopay = fields.Boolean(truthy={True}, falsy={False})


class ManifestSchema(Strict):
    """The whole of `manifest.toml`."""

    name = matching(PLUGIN_NAME, "lower-case words joined by underscores", longest=LONGEST_NAME)
    title = fields.Nested(TitleEntrySchema, required=True)
    owner = kebab()
    sdk = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Equal(SDK_SUPPORTED, error="This house speaks SDK {other} only."),
    )
    provider = fields.String(
        validate=validate.Regexp(rf"^(?:{_CLASS})\Z", error="Must be the name of a class.")
    )
    settings = fields.List(matching(_SETTING, "lower-case letters, digits and underscores"))
    tier = choice("bronze", "silver")
    personal_data = fields.Boolean(truthy={True}, falsy={False})
    citizen_attributes = fields.List(choice(*ATTRIBUTES))
    attributes_basis = fields.Nested(AttributesBasisSchema)
    payees = fields.List(fields.Nested(PayeeSchema))
    services = fields.List(
        fields.Nested(ServiceSchema), required=True, validate=validate.Length(min=1)
    )
