"""The wire format of job fairs, booths and bookings."""

from typing import Any

from marshmallow import post_load

from app.sdk import Schema, fields
from plugins.jobs.values.fairs import (
    MOST_BOOTHS,
    MOST_CAPACITY,
    BoothStatus,
    FairBookingStatus,
    FairStatus,
    FairWaitStatus,
    NewFair,
    NewSlot,
)

_FAIR = fields.validate.OneOf([str(status) for status in FairStatus])
_BOOTH = fields.validate.OneOf([str(status) for status in BoothStatus])
_BOOKING = fields.validate.OneOf([str(status) for status in FairBookingStatus])
_WAIT = fields.validate.OneOf([str(status) for status in FairWaitStatus])


class NewFairSchema(Schema):
    """A fair as the desk plans it."""

    title_zh = fields.Text(required=True, max_length=60)
    title_en = fields.Text(required=True, max_length=80)
    place = fields.Text(required=True, max_length=120)
    starts_at = fields.Moment(required=True)
    ends_at = fields.Moment(required=True)
    booths = fields.Integer(required=True, validate=fields.validate.Range(min=0, max=MOST_BOOTHS))

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewFair:
        return NewFair(**data)


class NewFairSlotSchema(Schema):
    """A time at which so many citizens may come."""

    starts_at = fields.Moment(required=True)
    ends_at = fields.Moment(required=True)
    capacity = fields.Integer(
        required=True, validate=fields.validate.Range(min=1, max=MOST_CAPACITY)
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewSlot:
        return NewSlot(**data)


class FairExhibitorSchema(Schema):
    """An employer at a fair, and its booth."""

    employer_id = fields.UUID(required=True)
    employer = fields.Text(required=True)
    number = fields.Integer(required=True)


class FairSchema(Schema):
    """A job fair."""

    id = fields.UUID(required=True)
    status = fields.Text(required=True, validate=[_FAIR])
    title_zh = fields.Text(required=True)
    title_en = fields.Text(required=True)
    place = fields.Text(required=True)
    starts_at = fields.Moment(required=True)
    ends_at = fields.Moment(required=True)
    booths = fields.Integer(required=True)
    exhibitors = fields.List(fields.Nested(FairExhibitorSchema), required=True)


class FairSlotSchema(Schema):
    """A time of a fair, and how many seats are free."""

    id = fields.UUID(required=True)
    fair_id = fields.UUID(required=True)
    starts_at = fields.Moment(required=True)
    ends_at = fields.Moment(required=True)
    capacity = fields.Integer(required=True)
    free = fields.Integer(required=True)


class NewFairBoothSchema(Schema):
    """Which booth an employer wants; without a number, the first that is free."""

    fair_id = fields.UUID(required=True)
    number = fields.Integer(
        load_default=None, allow_none=True, validate=fields.validate.Range(min=1, max=MOST_BOOTHS)
    )


class FairBoothSchema(Schema):
    """A booth of an employer."""

    id = fields.UUID(required=True)
    fair_id = fields.UUID(required=True)
    employer_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    status = fields.Text(required=True, validate=[_BOOTH])
    booked_at = fields.Moment(required=True)


class FairBookingSchema(Schema):
    """A booking; `hold_until` says until when it must be confirmed."""

    id = fields.UUID(required=True)
    fair_id = fields.UUID(required=True)
    slot_id = fields.UUID(required=True)
    title_zh = fields.Text(required=True)
    title_en = fields.Text(required=True)
    place = fields.Text(required=True)
    starts_at = fields.Moment(required=True)
    ends_at = fields.Moment(required=True)
    status = fields.Text(required=True, validate=[_BOOKING])
    hold_until = fields.Moment(required=True, allow_none=True)
    made_at = fields.Moment(required=True)


class FairWaitSchema(Schema):
    """That somebody waits for a seat; `booking_id` is what is offered to them."""

    id = fields.UUID(required=True)
    fair_id = fields.UUID(required=True)
    slot_id = fields.UUID(required=True)
    status = fields.Text(required=True, validate=[_WAIT])
    offers = fields.Integer(required=True)
    queued_at = fields.Moment(required=True)
    booking_id = fields.UUID(required=True, allow_none=True)
