"""`/v1/utilities/complaints`: what is wrong with a bill, and what its biller says to it."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import Page, PageArgs, citizen, integrator, request_unit
from plugins.utilities import service
from plugins.utilities.routes.common import blueprint, house_of
from plugins.utilities.routes.desk import DESK_RATE
from plugins.utilities.schemas.complaints import (
    ComplaintArgs,
    ComplaintSchema,
    ComplaintUnitSchema,
    ComplaintWordsSchema,
    NewComplaintSchema,
    ResolutionSchema,
)
from plugins.utilities.values import ComplaintView, NewComplaint, Resolution

COMPLAINTS = "utilities.complaints.answer"
"""The scope with which a biller's own system sees to complaints."""
_CREATED = 201


@blueprint.route("/complaints")
class Complaints(MethodView):
    """The complaints of the calling citizen."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(ComplaintSchema)
    def get(self, query: dict[str, Any]) -> Page[ComplaintView]:
        """List my complaints, the first registered first."""
        return service.list_complaints(
            house_of(), request_unit(), citizen().reference, query["page"]
        )

    @blueprint.repeatable
    @blueprint.arguments(NewComplaintSchema)
    @blueprint.response(201, ComplaintSchema)
    def post(self, wanted: NewComplaint) -> tuple[ComplaintView, int, dict[str, str]]:
        """Complain of a bill or an order of mine.

        The evidence is filled in: how the bill explains itself, or how the order stands.
        """
        made = service.register_complaint(house_of(), request_unit(), citizen(), wanted)
        place = url_for("utilities.Complaint", complaint_id=made.id)
        return made, _CREATED, {"Location": place}


@blueprint.route("/complaints/<uuid:complaint_id>")
class Complaint(MethodView):
    """One complaint."""

    @blueprint.response(200, ComplaintSchema)
    def get(self, complaint_id: UUID) -> ComplaintView:
        """Show my complaint."""
        return service.find_complaint(house_of(), request_unit(), citizen().reference, complaint_id)


@blueprint.route("/complaints/<uuid:complaint_id>/closing")
class ComplaintClosing(MethodView):
    """The end of a complaint."""

    @blueprint.response(200, ComplaintSchema)
    def post(self, complaint_id: UUID) -> ComplaintView:
        """Close my complaint, whose answer satisfies me."""
        return service.close_complaint(
            house_of(), request_unit(), citizen().reference, complaint_id
        )


@blueprint.route("/complaints/<uuid:complaint_id>/reopening")
class ComplaintReopening(MethodView):
    """A complaint whose answer does not satisfy."""

    @blueprint.arguments(ComplaintWordsSchema)
    @blueprint.response(200, ComplaintSchema)
    def post(self, body: dict[str, Any], complaint_id: UUID) -> ComplaintView:
        """Reopen my complaint, whose answer does not satisfy me."""
        return service.reopen_complaint(
            house_of(), request_unit(), citizen().reference, complaint_id, body["words"]
        )


@blueprint.route("/desk/billers/<slug:biller_id>/complaints")
class DeskComplaints(MethodView):
    """What citizens complain of at a biller."""

    @blueprint.integrator(COMPLAINTS)
    @blueprint.rate(DESK_RATE)
    @blueprint.arguments(ComplaintArgs, location="query")
    @blueprint.page(ComplaintSchema)
    def get(self, query: dict[str, Any], biller_id: str) -> Page[ComplaintView]:
        """List the complaints of my biller."""
        return service.list_desk_complaints(
            house_of(), request_unit(), integrator(), biller_id, **query
        )


@blueprint.route("/desk/billers/<slug:biller_id>/complaints/<uuid:complaint_id>/assignment")
class DeskComplaintAssignment(MethodView):
    """Which unit sees to a complaint."""

    @blueprint.integrator(COMPLAINTS)
    @blueprint.rate(DESK_RATE)
    @blueprint.arguments(ComplaintUnitSchema)
    @blueprint.response(200, ComplaintSchema)
    def put(self, body: dict[str, Any], biller_id: str, complaint_id: UUID) -> ComplaintView:
        """Assign a complaint of my biller to a unit."""
        return service.assign_complaint(
            house_of(), request_unit(), integrator(), biller_id, complaint_id, body["unit"]
        )


@blueprint.route("/desk/billers/<slug:biller_id>/complaints/<uuid:complaint_id>/resolution")
class DeskComplaintResolution(MethodView):
    """What a biller answers."""

    @blueprint.integrator(COMPLAINTS)
    @blueprint.rate(DESK_RATE)
    @blueprint.arguments(ResolutionSchema)
    @blueprint.response(200, ComplaintSchema)
    def post(self, resolution: Resolution, biller_id: str, complaint_id: UUID) -> ComplaintView:
        """Answer a complaint of my biller.

        Its citizen is told that there is an answer.
        """
        return service.resolve_complaint(
            house_of(), request_unit(), integrator(), biller_id, complaint_id, resolution
        )
