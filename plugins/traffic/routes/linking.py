"""`/v1/traffic/vehicles` and `/licence`: what a citizen has linked."""

from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import Page, citizen, request_unit
from plugins.traffic import service
from plugins.traffic.routes.common import CREATED, blueprint, house_of, me
from plugins.traffic.schemas.linking import (
    LicenceSchema,
    NewLicenceSchema,
    NewVehicleSchema,
    VehicleSchema,
)
from plugins.traffic.values import LinkedLicence, LinkedVehicle, NewVehicle


@blueprint.route("/vehicles")
class Vehicles(MethodView):
    """The vehicles that the calling citizen has linked."""

    @blueprint.page(VehicleSchema)
    def get(self) -> Page[LinkedVehicle]:
        """List my vehicles."""
        return service.list_vehicles(house_of(), request_unit(), me())

    @blueprint.arguments(NewVehicleSchema)
    @blueprint.response(201, VehicleSchema)
    def post(self, wanted: NewVehicle) -> tuple[LinkedVehicle, int, dict[str, str]]:
        """Link a vehicle.

        The police confirm that plate and engine number belong together; an unknown plate and
        another engine are refused alike. Linking a vehicle again answers with the same link.
        """
        made = service.link_vehicle(house_of(), request_unit(), citizen(), wanted)
        place = url_for("traffic.OneVehicle", vehicle_id=made.id)
        return service.show_vehicle(house_of(), made), CREATED, {"Location": place}


@blueprint.route("/vehicles/<uuid:vehicle_id>")
class OneVehicle(MethodView):
    """One linked vehicle."""

    @blueprint.response(200, VehicleSchema)
    def get(self, vehicle_id: UUID) -> LinkedVehicle:
        """Show my vehicle."""
        return service.find_vehicle(house_of(), request_unit(), me(), vehicle_id)

    @blueprint.response(204)
    def delete(self, vehicle_id: UUID) -> None:
        """Unlink my vehicle."""
        service.unlink_vehicle(request_unit(), me(), vehicle_id)


@blueprint.route("/licence")
class Licence(MethodView):
    """The calling citizen's driving licence."""

    @blueprint.response(200, LicenceSchema)
    def get(self) -> LinkedLicence:
        """Show my licence."""
        return service.find_licence(house_of(), request_unit(), me())

    @blueprint.assurance("verified")
    @blueprint.arguments(NewLicenceSchema)
    @blueprint.response(201, LicenceSchema)
    def post(self, wanted: dict[str, str]) -> LinkedLicence:
        """Link my licence.

        Its number is the caller's resident ID, which they let us see by a consent.
        """
        made = service.link_licence(house_of(), request_unit(), citizen(), wanted["file_number"])
        return service.show_licence(house_of(), made)

    @blueprint.response(204)
    def delete(self) -> None:
        """Unlink my licence."""
        service.unlink_licence(request_unit(), me())
