"""The wire format of what is to be paid."""

from app.sdk import Schema, fields


class FineDueSchema(Schema):
    """One thing to pay, and the surcharge of today; what is paid shows what was paid."""

    reference = fields.Text(required=True)
    number = fields.Integer(required=True)
    fine = fields.Amount(required=True)
    surcharge = fields.Amount(required=True)
    amount = fields.Amount(required=True)
    pay_by = fields.Date(required=True)
    status = fields.Text(required=True)
    paid_at = fields.Moment(required=True, allow_none=True)
