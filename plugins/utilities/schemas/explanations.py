"""The wire format of explanations and of what was used."""

from app.sdk import Schema, fields
from plugins.utilities.values import Doubt, FigureKind

_KIND = fields.validate.OneOf([str(kind) for kind in FigureKind])
_DOUBT = fields.validate.OneOf([str(doubt) for doubt in Doubt])


class BillFigureSchema(Schema):
    """One figure as the biller told it and as the rule makes it, as exact decimal numbers."""

    kind = fields.Text(required=True, validate=[_KIND])
    unit = fields.Text(required=True)
    told = fields.Text(required=True, allow_none=True)
    reckoned = fields.Text(required=True, allow_none=True)
    differs = fields.Flag(required=True)
    rule = fields.Text(required=True, allow_none=True)
    source = fields.Text(required=True, allow_none=True)
    doubt = fields.Text(required=True, allow_none=True, validate=[_DOUBT])
    beyond = fields.Text(required=True, allow_none=True)
    to = fields.Text(required=True, allow_none=True)
    price = fields.Text(required=True, allow_none=True)
    quantity = fields.Text(required=True, allow_none=True)


class BillExplanationSchema(Schema):
    """A bill reckoned once more; `usual` is the median of the periods before."""

    bill_id = fields.UUID(required=True)
    amount = fields.Amount(required=True)
    currency = fields.Currency(required=True)
    figures = fields.List(fields.Nested(BillFigureSchema), required=True)
    differs = fields.Flag(required=True)
    is_unusual = fields.Flag(required=True)
    usual = fields.Text(required=True, allow_none=True)


class ConsumedSchema(Schema):
    """What was used in one period and what it cost; `usual` is the median of those before."""

    bill_id = fields.UUID(required=True)
    period_from = fields.Date(required=True)
    period_to = fields.Date(required=True)
    quantity = fields.Text(required=True, allow_none=True)
    unit = fields.Text(required=True, allow_none=True)
    amount = fields.Amount(required=True)
    currency = fields.Currency(required=True)
    usual = fields.Text(required=True, allow_none=True)
    is_unusual = fields.Flag(required=True)
