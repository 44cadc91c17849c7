"""The wire format of billers, of their terms, and of what staff does for them."""

from app.sdk import Schema, fields


class BillerSchema(Schema):
    """A company whose bills can be paid here, and the service they belong to."""

    id = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    service = fields.Text(required=True)


class CustomerParamSchema(Schema):
    """A field of the form by which a biller finds an account; `pattern` is a regular expression."""

    name = fields.Text(required=True)
    label = fields.Nested(fields.Title, required=True)
    pattern = fields.Text(required=True)
    optional = fields.Flag(required=True)


class BillerTermsSchema(Schema):
    """What a biller asks for and allows: enough to draw its form.

    `reversals` is what follows when it takes a payment back, by its reason.
    """

    customer_params = fields.List(fields.Nested(CustomerParamSchema), required=True)
    fetch = fields.Text(required=True)
    amount_rule = fields.Text(required=True)
    partial_allowed = fields.Flag(required=True)
    advance_allowed = fields.Flag(required=True)
    min_amount = fields.Amount(required=True)
    pending = fields.Text(required=True)
    top_up = fields.Text(required=True)
    settlement_day = fields.Integer(required=True)
    reversals = fields.Dict(keys=fields.Text(), values=fields.Text(), required=True)


class BillFileSchema(Schema):
    """What became of a bill file."""

    id = fields.UUID(required=True)
    biller = fields.Text(required=True)
    lines = fields.Integer(required=True)
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    imported_at = fields.Moment(required=True)


class DeskClientSchema(Schema):
    """A client that may speak for a biller."""

    client_id = fields.UUID(required=True)
    admitted_at = fields.Moment(required=True)
