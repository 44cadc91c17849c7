"""`/v1/jobs/fairs`: job fairs, booths of employers, and seats of citizens."""

from typing import Any
from uuid import UUID

from flask import Response, url_for
from flask.views import MethodView

from app.sdk import Page, PageArgs, citizen, request_unit, staff_department
from plugins.jobs import service
from plugins.jobs.routes.common import CREATED, OFFICER, blueprint, house_of, me
from plugins.jobs.schemas.fairs import (
    FairBookingSchema,
    FairBoothSchema,
    FairSchema,
    FairSlotSchema,
    FairWaitSchema,
    NewFairBoothSchema,
    NewFairSchema,
    NewFairSlotSchema,
)
from plugins.jobs.values.fairs import (
    BoothView,
    FairBookingView,
    FairView,
    FairWaitView,
    NewFair,
    NewSlot,
    SlotView,
)

_CALENDAR = {"text/calendar": {"schema": {"type": "string"}}}


@blueprint.route("/fairs")
class Fairs(MethodView):
    """The fairs that are to come."""

    @blueprint.public
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(FairSchema)
    def get(self, query: dict[str, Any]) -> Page[FairView]:
        """List the job fairs to come, the next one first."""
        return service.list_fairs(request_unit(), query["page"])


@blueprint.route("/fairs/<uuid:fair_id>")
class Fair(MethodView):
    """One fair."""

    @blueprint.public
    @blueprint.response(200, FairSchema)
    def get(self, fair_id: UUID) -> FairView:
        """Show a job fair and who exhibits."""
        return service.find_fair(request_unit(), fair_id)


@blueprint.route("/fairs/<uuid:fair_id>/slots")
class FairSlots(MethodView):
    """The times of a fair."""

    @blueprint.public
    @blueprint.page(FairSlotSchema)
    def get(self, fair_id: UUID) -> Page[SlotView]:
        """List the times of a job fair and their free seats."""
        return service.list_slots(request_unit(), fair_id)


@blueprint.route("/fair-slots/<uuid:fair_slot_id>/bookings")
class FairSlotBookings(MethodView):
    """Seats at a time of a fair."""

    @blueprint.repeatable
    @blueprint.response(201, FairBookingSchema)
    def post(self, fair_slot_id: UUID) -> tuple[FairBookingView, int, dict[str, str]]:
        """Hold a seat at a job fair.

        It is confirmed within ten minutes, or is free again. A time that is full names others.
        """
        held = service.hold_seat(house_of(), request_unit(), citizen(), fair_slot_id)
        return held, CREATED, {"Location": url_for("jobs.FairBooking", fair_booking_id=held.id)}


@blueprint.route("/fair-bookings")
class FairBookings(MethodView):
    """The bookings of the calling citizen."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(FairBookingSchema)
    def get(self, query: dict[str, Any]) -> Page[FairBookingView]:
        """List my seats at job fairs, the newest first."""
        return service.list_bookings(request_unit(), me(), query["page"])


@blueprint.route("/fair-bookings/<uuid:fair_booking_id>")
class FairBooking(MethodView):
    """One booking."""

    @blueprint.response(200, FairBookingSchema)
    def get(self, fair_booking_id: UUID) -> FairBookingView:
        """Show my seat at a job fair."""
        return service.find_booking(request_unit(), me(), fair_booking_id)


@blueprint.route("/fair-bookings/<uuid:fair_booking_id>/ics")
class FairBookingCalendar(MethodView):
    """One booking in a calendar."""

    @blueprint.doc(responses={"200": {"description": "RFC 5545", "content": _CALENDAR}})
    def get(self, fair_booking_id: UUID) -> Response:
        """Fetch my seat at a job fair for my calendar.

        A calendar that has it already replaces it, also when it was cancelled.
        """
        content = service.export_booking(request_unit(), me(), fair_booking_id)
        headers = {"Content-Disposition": 'attachment; filename="fair.ics"'}
        return Response(content, headers=headers, content_type="text/calendar; charset=utf-8")


@blueprint.route("/fair-bookings/<uuid:fair_booking_id>/confirmation")
class FairBookingConfirmation(MethodView):
    """The confirmation of a seat."""

    @blueprint.response(200, FairBookingSchema)
    def post(self, fair_booking_id: UUID) -> FairBookingView:
        """Confirm my seat at a job fair."""
        return service.confirm_booking(request_unit(), me(), fair_booking_id)


@blueprint.route("/fair-bookings/<uuid:fair_booking_id>/cancellation")
class FairBookingCancellation(MethodView):
    """The end of a booking."""

    @blueprint.response(200, FairBookingSchema)
    def post(self, fair_booking_id: UUID) -> FairBookingView:
        """Cancel my seat at a job fair."""
        return service.cancel_booking(house_of(), request_unit(), me(), fair_booking_id)


@blueprint.route("/fair-slots/<uuid:fair_slot_id>/waits")
class FairSlotWaits(MethodView):
    """Who waits for a seat."""

    @blueprint.response(201, FairWaitSchema)
    def post(self, fair_slot_id: UUID) -> FairWaitView:
        """Wait for a seat at a job fair.

        A seat that becomes free is offered to one alone for fifteen minutes, three times at most.
        """
        return service.join_queue(house_of(), request_unit(), citizen(), fair_slot_id)


@blueprint.route("/fair-waits")
class FairWaits(MethodView):
    """What the calling citizen waits for."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(FairWaitSchema)
    def get(self, query: dict[str, Any]) -> Page[FairWaitView]:
        """List what seats at job fairs I wait for."""
        return service.list_waits(request_unit(), me(), query["page"])


@blueprint.route("/fair-waits/<uuid:fair_wait_id>")
class FairWait(MethodView):
    """One place in a queue."""

    @blueprint.response(204)
    def delete(self, fair_wait_id: UUID) -> None:
        """Wait for a seat at a job fair no longer."""
        service.leave_queue(house_of(), request_unit(), me(), fair_wait_id)


@blueprint.route("/employers/<uuid:employer_id>/booths")
class FairBooths(MethodView):
    """The booths of an employer."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(FairBoothSchema)
    def get(self, query: dict[str, Any], employer_id: UUID) -> Page[BoothView]:
        """List the booths of my employer at job fairs."""
        return service.list_booths(request_unit(), me(), employer_id, query["page"])

    @blueprint.repeatable
    @blueprint.arguments(NewFairBoothSchema)
    @blueprint.response(201, FairBoothSchema)
    def post(self, body: dict[str, Any], employer_id: UUID) -> tuple[BoothView, int]:
        """Book a booth at a job fair for my employer."""
        booked = service.book_booth(
            request_unit(), me(), employer_id, body["fair_id"], body["number"]
        )
        return booked, CREATED


@blueprint.route("/employers/<uuid:employer_id>/booths/<uuid:booth_id>")
class FairBooth(MethodView):
    """One booth."""

    @blueprint.response(204)
    def delete(self, employer_id: UUID, booth_id: UUID) -> None:
        """Give back a booth of my employer."""
        service.give_up_booth(request_unit(), me(), employer_id, booth_id)


@blueprint.route("/desk/fairs")
class DeskFairs(MethodView):
    """Fairs as the desk plans them."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(NewFairSchema)
    @blueprint.response(201, FairSchema)
    def post(self, wanted: NewFair) -> tuple[FairView, int]:
        """Plan a job fair."""
        return service.plan_fair(request_unit(), staff_department(), wanted), CREATED


@blueprint.route("/desk/fairs/<uuid:fair_id>/slots")
class DeskFairSlots(MethodView):
    """The times of a fair as the desk plans them."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(NewFairSlotSchema)
    @blueprint.response(201, FairSlotSchema)
    def post(self, wanted: NewSlot, fair_id: UUID) -> tuple[SlotView, int]:
        """Add a time to a job fair or change its capacity."""
        added = service.add_slot(house_of(), request_unit(), staff_department(), fair_id, wanted)
        return added, CREATED


@blueprint.route("/desk/fairs/<uuid:fair_id>/publication")
class DeskFairPublication(MethodView):
    """The publication of a fair."""

    @blueprint.staff(OFFICER)
    @blueprint.response(200, FairSchema)
    def post(self, fair_id: UUID) -> FairView:
        """Publish a job fair."""
        return service.publish_fair(request_unit(), staff_department(), fair_id)


@blueprint.route("/desk/fairs/<uuid:fair_id>/cancellation")
class DeskFairCancellation(MethodView):
    """The end of a fair that will not be."""

    @blueprint.staff(OFFICER)
    @blueprint.response(200, FairSchema)
    def post(self, fair_id: UUID) -> FairView:
        """Cancel a job fair.

        Whoever has booked is told.
        """
        return service.cancel_fair(request_unit(), staff_department(), fair_id)


@blueprint.route("/desk/fair-slots/<uuid:fair_slot_id>/bookings")
class DeskFairBookings(MethodView):
    """Who comes at a time of a fair."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(FairBookingSchema)
    def get(self, query: dict[str, Any], fair_slot_id: UUID) -> Page[FairBookingView]:
        """List the bookings of a time of a job fair."""
        return service.list_slot_bookings(
            request_unit(), staff_department(), fair_slot_id, query["page"]
        )


@blueprint.route("/desk/fair-bookings/<uuid:fair_booking_id>/check-in")
class DeskFairCheckIn(MethodView):
    """That somebody has come."""

    @blueprint.staff(OFFICER)
    @blueprint.response(200, FairBookingSchema)
    def post(self, fair_booking_id: UUID) -> FairBookingView:
        """Check somebody in at a job fair."""
        return service.check_in(request_unit(), staff_department(), fair_booking_id)
