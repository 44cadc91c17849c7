"""The wire format of the fairness sheet."""

from app.sdk import Schema, fields


class SheetDueSchema(Schema):
    """What is to be paid: fine, surcharge, both together."""

    fine = fields.Amount(required=True)
    surcharge = fields.Amount(required=True)
    total = fields.Amount(required=True)


class SheetOutcomeSchema(Schema):
    """How an objection may end, what would be due then, and what would go back."""

    ending = fields.Text(required=True)
    fine = fields.Amount(required=True)
    due = fields.Nested(SheetDueSchema, required=True)
    back = fields.Amount(required=True)


class SheetProspectSchema(Schema):
    """What an objection made today may come to, if the answer takes all the time it may."""

    review = fields.Text(required=True)
    answer_by = fields.Date(required=True)
    unopposed = fields.Nested(SheetDueSchema, required=True)
    outcomes = fields.List(fields.Nested(SheetOutcomeSchema), required=True)


class SheetRemedySchema(Schema):
    """A way to have a decision looked at, and its last day."""

    kind = fields.Text(required=True)
    state = fields.Text(required=True)
    until = fields.Date(required=True, allow_none=True)
    days_left = fields.Integer(required=True)
    stops_surcharge = fields.Flag(required=True)
    basis = fields.Text(required=True)
    source = fields.Text(required=True, max_length=500)


class SheetDeadlinesSchema(Schema):
    """The last days of a decision's terms, each included."""

    received_on = fields.Date(required=True)
    pay_by = fields.Date(required=True)
    reconsider_by = fields.Date(required=True)
    litigate_by = fields.Date(required=True, allow_none=True)
    review_first = fields.Flag(required=True)


class SheetSimilarSchema(Schema):
    """How others' objections on one ground ended: whole blocks of at least ten persons."""

    ground = fields.Text(required=True)
    decided = fields.Integer(required=True)
    upheld = fields.Integer(required=True)
    reduced = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)


class FairnessSheetSchema(Schema):
    """What a citizen should know before paying or objecting: figures and days, no advice."""

    on = fields.Date(required=True)
    due = fields.Nested(SheetDueSchema, required=True)
    paid = fields.Amount(required=True)
    back = fields.Amount(required=True)
    most = fields.Amount(required=True)
    tomorrow = fields.Amount(required=True)
    full_on = fields.Date(required=True, allow_none=True)
    stopped_by = fields.List(fields.Text(), required=True)
    stops = fields.List(fields.Text(), required=True)
    deadlines = fields.Nested(SheetDeadlinesSchema, required=True)
    remedies = fields.List(fields.Nested(SheetRemedySchema), required=True)
    prospect = fields.Nested(SheetProspectSchema, required=True, allow_none=True)
    similar = fields.List(fields.Nested(SheetSimilarSchema), required=True)
    surcharge_source = fields.Text(required=True, max_length=500)
