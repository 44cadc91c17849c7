"""The wire format of vehicles and licences."""

from typing import Any

from marshmallow import post_load

from app.sdk import Schema, fields
from plugins.traffic.values import ENGINE_TAIL, FILE_NUMBER, PLATE, NewVehicle


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
