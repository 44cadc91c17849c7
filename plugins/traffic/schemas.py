"""The wire format of vehicles, violations, objections and relief."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.sdk import PageArgs, Schema, fields
from plugins.traffic.values import (
    BADGE,
    DIGEST,
    ENGINE_TAIL,
    FILE_NUMBER,
    MAX_FINE,
    PLATE,
    POLICE_NUMBER,
    SECOND_FACT,
    ContestKind,
    ContestStatus,
    Ground,
    NewContest,
    NewRelief,
    NewVehicle,
    ReliefKind,
    Verdict,
    ViolationStatus,
)

MAX_STATEMENT, MAX_REASON, MAX_FILES = 4_000, 500, 10


def _one_of(kind: Any) -> fields.validate.OneOf:  # noqa: ANN401 - any StrEnum
    return fields.validate.OneOf([str(one) for one in kind])


class NewVehicleSchema(Schema):
    """A vehicle to link: its plate, and the last six of its engine's number."""

    plate = fields.Text(required=True, max_length=8, pattern=PLATE)
    engine_tail = fields.Text(required=True, max_length=6, pattern=ENGINE_TAIL)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewVehicle:
        return NewVehicle(**data)


class VehicleSchema(Schema):
    """A linked vehicle; its plate is never shown in full."""

    id = fields.UUID(required=True)
    plate_masked = fields.Text(required=True)
    status = fields.Text(required=True)
    linked_at = fields.Moment(required=True)
    refreshed_at = fields.Moment(required=True, allow_none=True)


class NewLicenceSchema(Schema):
    """The caller's own licence: its number is their resident ID, its file number the proof."""

    file_number = fields.Text(required=True, max_length=12, pattern=FILE_NUMBER)


class LicenceSchema(Schema):
    """A linked licence; its number is never shown in full."""

    id = fields.UUID(required=True)
    number_masked = fields.Text(required=True)
    licence_class = fields.Text(required=True)
    issued_on = fields.Date(required=True)
    status = fields.Text(required=True)
    linked_at = fields.Moment(required=True)
    refreshed_at = fields.Moment(required=True, allow_none=True)


class ViolationArgs(PageArgs):
    """Which violations to list."""

    status = fields.Text(load_default=None, validate=[_one_of(ViolationStatus)])


class MeasuredSpeedSchema(Schema):
    """What was measured and what is allowed, in km/h."""

    measured = fields.Integer(required=True)
    limit = fields.Integer(required=True)


class ViolationEvidenceSchema(Schema):
    """A picture or a film of the police, and its SHA-256."""

    kind = fields.Text(required=True)
    sha256 = fields.Text(required=True)
    url = fields.Text(required=True, max_length=2_000)


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


class ViolationSchema(Schema):
    """A violation, its decision and what it costs today."""

    id = fields.UUID(required=True)
    status = fields.Text(required=True, validate=[_one_of(ViolationStatus)])
    notice_no = fields.Text(required=True)
    plate_masked = fields.Text(required=True)
    vehicle_class = fields.Text(required=True)
    offence_code = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    legal_basis = fields.Text(required=True)
    place = fields.Text(required=True)
    occurred_at = fields.Moment(required=True)
    speed = fields.Nested(MeasuredSpeedSchema, required=True, allow_none=True)
    evidence = fields.List(fields.Nested(ViolationEvidenceSchema), required=True)
    authority = fields.Text(required=True)
    points = fields.Integer(required=True)
    fine = fields.Amount(required=True)
    currency = fields.Currency(required=True)
    notified_at = fields.Moment(required=True, allow_none=True)
    defend_by = fields.Date(required=True, allow_none=True)
    decision_no = fields.Text(required=True, allow_none=True)
    outcome = fields.Text(required=True, allow_none=True)
    decided_at = fields.Moment(required=True, allow_none=True)
    served_on = fields.Date(required=True, allow_none=True)
    served_by = fields.Text(required=True, allow_none=True)
    reconsider_by = fields.Date(required=True, allow_none=True)
    litigate_by = fields.Date(required=True, allow_none=True)
    dues = fields.List(fields.Nested(FineDueSchema), required=True)
    seen_at = fields.Moment(required=True)


class ContestFileSchema(Schema):
    """A file that the citizen keeps: what it is, and its SHA-256."""

    name = fields.Text(required=True, max_length=100)
    media_type = fields.Text(required=True, max_length=100, pattern=r"[a-z]+/[a-z0-9.+-]+")
    sha256 = fields.Text(required=True, max_length=64, pattern=DIGEST)


_FILES = fields.validate.Length(max=MAX_FILES)


class NewContestSchema(Schema):
    """An objection to file."""

    kind = fields.Text(required=True, validate=[_one_of(ContestKind)])
    ground = fields.Text(required=True, validate=[_one_of(Ground)])
    statement = fields.Text(required=True, max_length=MAX_STATEMENT, lines=True)
    evidence = fields.List(fields.Nested(ContestFileSchema), load_default=list, validate=_FILES)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewContest:
        return NewContest(
            ContestKind(data["kind"]),
            Ground(data["ground"]),
            data["statement"],
            tuple(data["evidence"]),
        )


class ContestEvidenceSchema(Schema):
    """What an officer asked for."""

    evidence = fields.List(
        fields.Nested(ContestFileSchema),
        required=True,
        validate=fields.validate.Length(min=1, max=MAX_FILES),
    )


class ContestSchema(Schema):
    """An objection; lists for officers leave its text out."""

    id = fields.UUID(required=True)
    violation_id = fields.UUID(required=True)
    kind = fields.Text(required=True)
    ground = fields.Text(required=True)
    statement = fields.Text(required=True, allow_none=True, max_length=MAX_STATEMENT, lines=True)
    evidence = fields.List(fields.Nested(ContestFileSchema), required=True)
    status = fields.Text(required=True, validate=[_one_of(ContestStatus)])
    filed_at = fields.Moment(required=True)
    decided_at = fields.Moment(required=True, allow_none=True)
    reduced_to = fields.Amount(required=True, allow_none=True)
    reason = fields.Text(required=True, allow_none=True, max_length=MAX_REASON)


class ContestArgs(PageArgs):
    """Which objections to list; without a state those that are open."""

    status = fields.Text(load_default=None, validate=[_one_of(ContestStatus)])


class ContestReasonSchema(Schema):
    """What is asked of the citizen."""

    reason = fields.Text(required=True, max_length=MAX_REASON)


class VerdictSchema(Schema):
    """What an officer decides: a reduction names the fine that stands."""

    outcome = fields.Text(
        required=True,
        validate=[fields.validate.OneOf(["upheld", "reduced", "cancelled"])],
    )
    reduced_to = fields.Integer(
        load_default=None, validate=fields.validate.Range(min=1, max=MAX_FINE)
    )
    reason = fields.Text(required=True, max_length=MAX_REASON)

    @validates_schema
    def _figure(self, data: dict[str, Any], **_: object) -> None:
        if (data["outcome"] == ContestStatus.REDUCED) != (data["reduced_to"] is not None):
            raise ValidationError("Said of a reduction, and of nothing else.", "reduced_to")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> Verdict:
        return Verdict(ContestStatus(data["outcome"]), data["reduced_to"], data["reason"])


class NewReliefSchema(Schema):
    """What somebody in hardship asks for: a later day, or a number of parts."""

    kind = fields.Text(required=True, validate=[_one_of(ReliefKind)])
    statement = fields.Text(required=True, max_length=MAX_STATEMENT, lines=True)
    until = fields.Date(load_default=None)
    parts = fields.Integer(load_default=None, validate=fields.validate.Range(min=2, max=24))

    @validates_schema
    def _wish(self, data: dict[str, Any], **_: object) -> None:
        is_deferral = data["kind"] == ReliefKind.DEFERRAL
        if (data["until"] is not None, data["parts"] is not None) != (is_deferral, not is_deferral):
            raise ValidationError("A deferral names `until`, instalments name `parts`.")

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewRelief:
        return NewRelief(**{**data, "kind": ReliefKind(data["kind"])})


class ReliefSchema(Schema):
    """A request to pay later or in parts."""

    id = fields.UUID(required=True)
    violation_id = fields.UUID(required=True)
    kind = fields.Text(required=True)
    statement = fields.Text(required=True, allow_none=True, max_length=MAX_STATEMENT, lines=True)
    until = fields.Date(required=True, allow_none=True)
    parts = fields.Integer(required=True, allow_none=True)
    status = fields.Text(required=True)
    asked_at = fields.Moment(required=True)
    decided_at = fields.Moment(required=True, allow_none=True)
    reason = fields.Text(required=True, allow_none=True, max_length=MAX_REASON)


class ReliefDecisionSchema(Schema):
    """What an officer decides of a request."""

    granted = fields.Flag(required=True)
    reason = fields.Text(required=True, max_length=MAX_REASON)


class NewBadgeSchema(Schema):
    """The badge that a member of staff wears."""

    badge = fields.Text(required=True, max_length=20, pattern=BADGE)


class OfficerSchema(Schema):
    """A member of staff with a badge."""

    staff_id = fields.UUID(required=True)
    badge = fields.Text(required=True)
    named_at = fields.Moment(required=True)


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
    surcharge_source = fields.Text(required=True, max_length=500)


class DecisionLookupSchema(Schema):
    """A decision's number and a second fact.

    The last six of the engine's number, or the last four of the driver's licence.
    """

    decision_no = fields.Text(required=True, max_length=40, pattern=POLICE_NUMBER)
    digits = fields.Text(required=True, max_length=6, pattern=SECOND_FACT)


class FoundDecisionSchema(Schema):
    """A decision, masked; it can be paid by whoever asked until `payable_until`."""

    decision_no = fields.Text(required=True)
    status = fields.Text(required=True)
    title = fields.Nested(fields.Title, required=True)
    plate_masked = fields.Text(required=True)
    dues = fields.List(fields.Nested(FineDueSchema), required=True)
    payable_until = fields.Moment(required=True)


class TrafficGuestSchema(Schema):
    """What somebody without an account may pay, and the token to pay it with until then."""

    decision = fields.Nested(FoundDecisionSchema, required=True)
    service = fields.Text(required=True)
    reference = fields.Text(required=True)
    token = fields.Text(required=True, max_length=4096)
