"""The form of an agreement's file: which members there are, and what each may hold."""

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from app.consent.values import AgreementKind, Basis

_ID = validate.Regexp(r"^(?=.{1,64}\Z)[a-z0-9]+(-[a-z0-9]+)*\Z", error="Must be in kebab-case.")
_CONSUMER = validate.Regexp(
    r"^(plugin|client|department):[A-Za-z0-9._-]{1,200}\Z",
    error="Must be plugin:…, client:… or department:….",
)
SENSITIVITIES = ("ordinary", "sensitive")


class Strict(Schema):
    """A table without members that nobody reads."""

    class Meta:
        unknown = RAISE


def _text(*, required: bool = True) -> fields.String:
    return fields.String(required=required, validate=validate.Length(min=1, max=20_000))


class BilingualSchema(Strict):
    """A text in Chinese and English."""

    zh = _text()
    en = _text()


class AttributeSchema(Strict):
    """One thing about a person that the agreement covers."""

    name = fields.String(required=True, validate=validate.Regexp(r"^[a-z][a-z0-9_]{0,39}\Z"))
    source = _text()
    sensitivity = fields.String(required=True, validate=validate.OneOf(SENSITIVITIES))
    category = _text()


class AgreementSchema(Strict):
    """The whole of one file of `config/agreements`."""

    id = fields.String(required=True, validate=_ID)
    version = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    kind = fields.String(required=True, validate=validate.OneOf([k.value for k in AgreementKind]))
    controller = _text()
    title = fields.Nested(BilingualSchema, required=True)
    purpose = fields.Nested(BilingualSchema, required=True)
    legal_basis = fields.String(required=True, validate=validate.OneOf([b.value for b in Basis]))
    attributes = fields.List(fields.Nested(AttributeSchema))
    retention_days = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))
    jurisdiction = _text()
    dpia_ref = _text(required=False)
    forgettable = fields.Boolean(required=True, truthy={True}, falsy={False})
    consumer = fields.String(validate=_CONSUMER)
    text = fields.Nested(BilingualSchema)

    @validates_schema(skip_on_field_errors=True)
    def _fits_its_kind(self, data: dict[str, Any], **_: object) -> None:
        if data["kind"] == AgreementKind.SHARING:
            if not data.get("attributes"):
                raise ValidationError("name what is shared", "attributes")
            if data["legal_basis"] != Basis.CONSENT:
                raise ValidationError("what a citizen is asked for rests on consent", "legal_basis")
        elif "text" not in data:
            raise ValidationError("write what citizens accept", "text")
