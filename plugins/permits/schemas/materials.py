"""The wire format of files of applications."""

from app.sdk import Schema, fields
from plugins.permits.values.materials import FileKind, MaterialState, UploadedBy

_KIND = fields.validate.OneOf([str(kind) for kind in FileKind])
_STATE = fields.validate.OneOf([str(state) for state in MaterialState])
_BY = fields.validate.OneOf([str(by) for by in UploadedBy])
_MATERIAL = "[a-z0-9][a-z0-9-]{0,62}"


class PermitFileArgs(Schema):
    """What a file is called by whoever hands it in; it is only shown."""

    name = fields.Text(load_default="file", max_length=200)


class PermitFileSchema(Schema):
    """A version of a material; `seen_in` are the stages of decisions that were made with it."""

    id = fields.UUID(required=True)
    material_id = fields.Text(required=True)
    version = fields.Integer(required=True)
    kind = fields.Text(required=True, validate=[_KIND])
    size = fields.Integer(required=True)
    sha256 = fields.Text(required=True)
    name = fields.Text(required=True, allow_none=True)
    uploaded_by = fields.Text(required=True, validate=[_BY])
    uploaded_at = fields.Moment(required=True)
    seen_in = fields.List(fields.Text(), required=True)


class PermitMaterialSchema(Schema):
    """A material of an application, and whether it or something in its place is there."""

    id = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    required = fields.Flag(required=True)
    state = fields.Text(required=True, validate=[_STATE])
    deferrable_days = fields.Integer(required=True, allow_none=True)
    due_at = fields.Moment(required=True, allow_none=True)
    certificate_type = fields.Text(required=True, allow_none=True)
    certificate = fields.Text(required=True, allow_none=True)
    files = fields.List(fields.Nested(PermitFileSchema), required=True)


class PermitUndertakingSchema(Schema):
    """The materials that one promises to hand in later; each within its own days."""

    materials = fields.List(
        fields.Text(pattern=_MATERIAL, max_length=63),
        required=True,
        validate=fields.validate.Length(min=1, max=30),
    )
