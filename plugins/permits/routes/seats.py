"""`/v1/permits/desk/seats`: who may do what inside a department."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, request_unit
from plugins.permits import service
from plugins.permits.routes.common import blueprint
from plugins.permits.schemas.seats import PermitSeatArgs, PermitSeatSchema, PermitSeatWishSchema
from plugins.permits.values.seats import SeatView

MANAGE = "staff.manage"


@blueprint.route("/desk/seats")
class Seats(MethodView):
    """The seats of the departments."""

    @blueprint.staff(MANAGE)
    @blueprint.arguments(PermitSeatArgs, location="query")
    @blueprint.page(PermitSeatSchema)
    def get(self, query: dict[str, Any]) -> Page[SeatView]:
        """List the seats of a department."""
        return service.list_seats(request_unit(), query["department"], query["page"])


@blueprint.route("/desk/seats/<uuid:staff_id>/<slug:role>")
class Seat(MethodView):
    """One role of one member of staff."""

    @blueprint.staff(MANAGE)
    @blueprint.arguments(PermitSeatWishSchema)
    @blueprint.response(200, PermitSeatSchema)
    def put(self, body: dict[str, Any], staff_id: UUID, role: str) -> SeatView:
        """Give a member of staff a seat.

        `role` is `clerk`, `decider`, `superior` or `supervisor`. It counts while they are of this
        department.
        """
        return service.give_seat(request_unit(), staff_id, service.seat_role(role), **body)

    @blueprint.staff(MANAGE)
    @blueprint.response(204)
    def delete(self, staff_id: UUID, role: str) -> None:
        """Take a seat away."""
        service.take_seat(request_unit(), staff_id, service.seat_role(role))
