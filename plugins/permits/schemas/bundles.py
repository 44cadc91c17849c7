"""The wire format of bundles: enough for an app to draw the form and the list of materials."""

from app.sdk import Schema, fields


class PermitBundleArgs(Schema):
    """Which version of a bundle is meant: the newest by default."""

    version = fields.QueryInteger(validate=fields.validate.Range(min=1, max=10**6))


class PermitLimitSchema(Schema):
    """A time of whole working days, and whether it begins at once or with the next working day."""

    working_days = fields.Integer(required=True)
    starts = fields.Text(required=True)


class PermitComparisonSchema(Schema):
    """A look at one answer: `equals`, `one_of`, `at_least`, `at_most` or `present`, and a value."""

    field = fields.Text(required=True)
    operator = fields.Text(required=True)
    value = fields.Raw(required=True)


class PermitConditionSchema(Schema):
    """Comparisons of which every one must hold, or any."""

    every = fields.Flag(required=True)
    of = fields.List(fields.Nested(PermitComparisonSchema), required=True)


class PermitChoiceSchema(Schema):
    """One of the answers that a field takes."""

    id = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)


class PermitFieldSchema(Schema):
    """A question of the form; what has a condition is asked only when that holds."""

    id = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    kind = fields.Text(required=True)
    required = fields.Flag(required=True)
    pattern = fields.Text(required=True, allow_none=True)
    lowest = fields.Raw(required=True, allow_none=True)
    highest = fields.Raw(required=True, allow_none=True)
    choices = fields.List(fields.Nested(PermitChoiceSchema), required=True)
    when = fields.Nested(PermitConditionSchema, required=True, allow_none=True)


class PermitMaterialTemplateSchema(Schema):
    """A document to hand in: by when it may follow, and which certificate stands in its place."""

    id = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    required = fields.Flag(required=True)
    deferrable_days = fields.Integer(required=True, allow_none=True)
    certificate = fields.Text(required=True, allow_none=True)
    when = fields.Nested(PermitConditionSchema, required=True, allow_none=True)


class PermitTaskTemplateSchema(Schema):
    """What one department decides: after which others, in which time, for which fee, by which law.

    `fee` is for each unit of the number in the field `fee_per`, where that is given.
    """

    id = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    department = fields.Text(required=True)
    permit = fields.Text(required=True, allow_none=True)
    mode = fields.Text(required=True)
    invited = fields.List(fields.Text(), required=True)
    absent_agrees = fields.Flag(required=True)
    after = fields.List(fields.Text(), required=True)
    after_any = fields.List(fields.Text(), required=True)
    when = fields.Nested(PermitConditionSchema, required=True, allow_none=True)
    limit = fields.Nested(PermitLimitSchema, required=True)
    fields_needed = fields.List(fields.Text(), required=True, attribute="fields")
    materials = fields.List(fields.Text(), required=True)
    deemed = fields.Text(required=True, allow_none=True)
    deemed_source = fields.Text(required=True, allow_none=True, max_length=500)
    procedures = fields.Dict(
        keys=fields.Text(), values=fields.Nested(PermitLimitSchema), required=True
    )
    fee = fields.Amount(required=True, allow_none=True)
    fee_per = fields.Text(required=True, allow_none=True)
    fee_returned = fields.List(fields.Text(), required=True)
    source = fields.Text(required=True, max_length=500)


class PermitBundleLineSchema(Schema):
    """A bundle in a list."""

    id = fields.Text(required=True)
    version = fields.Integer(required=True)
    title = fields.Nested(fields.Title, required=True)
    service = fields.Text(required=True)
    lead = fields.Text(required=True)
    issue = fields.Text(required=True)
    partner = fields.Text(required=True, allow_none=True)


class PermitBundleSchema(PermitBundleLineSchema):
    """A bundle: its form, its materials and its tasks; `digest` is what its version stands for."""

    intake = fields.Nested(PermitLimitSchema, required=True)
    form = fields.List(fields.Nested(PermitFieldSchema), required=True, attribute="fields")
    materials = fields.List(fields.Nested(PermitMaterialTemplateSchema), required=True)
    tasks = fields.List(fields.Nested(PermitTaskTemplateSchema), required=True)
    source = fields.Text(required=True, max_length=500)
    digest = fields.Text(required=True)
