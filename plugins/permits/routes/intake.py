"""`/v1/permits/desk/applications`: what the lead department says of an application."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, request_unit
from plugins.permits import service
from plugins.permits.routes.common import DESK, blueprint, caller, house_of
from plugins.permits.schemas.applications import (
    PermitApplicationArgs,
    PermitApplicationLineSchema,
    PermitApplicationSchema,
    PermitAskSchema,
    PermitJudgementSchema,
    PermitNonAcceptanceSchema,
    PermitSupplementSchema,
    PermitVersionSchema,
)
from plugins.permits.values.applications import ApplicationLine, ApplicationView, SupplementView

_PLACE = "/desk/applications/<uuid:application_id>"


@blueprint.route("/desk/applications")
class DeskPermitApplications(MethodView):
    """The applications that a department leads."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitApplicationArgs, location="query")
    @blueprint.page(PermitApplicationLineSchema)
    def get(self, query: dict[str, Any]) -> Page[ApplicationLine]:
        """List the applications that my department leads.

        Without a status those that wait for intake.
        """
        return service.list_desk_applications(
            request_unit(), caller(), query["page"], status=query["status"]
        )


@blueprint.route(_PLACE)
class DeskPermitApplication(MethodView):
    """One application at the lead department."""

    @blueprint.staff(DESK)
    @blueprint.response(200, PermitApplicationSchema)
    def get(self, application_id: UUID) -> ApplicationView:
        """Read an application that my department leads."""
        return service.read_desk_application(house_of(), request_unit(), caller(), application_id)


@blueprint.route(f"{_PLACE}/acceptance")
class DeskPermitAcceptance(MethodView):
    """The acceptance of an application."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitVersionSchema)
    @blueprint.response(200, PermitApplicationSchema)
    def post(self, body: dict[str, Any], application_id: UUID) -> ApplicationView:
        """Accept an application for permits.

        Its tasks are opened; those that wait for nothing are ready.
        """
        return service.accept_application(
            house_of(), request_unit(), caller(), application_id, **body
        )


@blueprint.route(f"{_PLACE}/supplements")
class DeskPermitIntakeSupplements(MethodView):
    """What is missing in an application."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitAskSchema)
    @blueprint.response(200, PermitSupplementSchema)
    def post(self, body: dict[str, Any], application_id: UUID) -> SupplementView:
        """Ask for what an application lacks.

        All of it at once: a further time waits for a superior and is counted as a defect.
        """
        return service.ask_at_intake(house_of(), request_unit(), caller(), application_id, **body)


@blueprint.route(f"{_PLACE}/supplements/<uuid:supplement_id>/judgement")
class DeskPermitIntakeJudgement(MethodView):
    """Whether a citizen may be asked once more."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitJudgementSchema)
    @blueprint.response(200, PermitSupplementSchema)
    def put(
        self, body: dict[str, Any], application_id: UUID, supplement_id: UUID
    ) -> SupplementView:
        """Allow or decline asking once more at intake."""
        return service.judge_at_intake(
            house_of(), request_unit(), caller(), application_id, supplement_id, **body
        )


@blueprint.route(f"{_PLACE}/non-acceptance")
class DeskPermitNonAcceptance(MethodView):
    """An application that is not accepted."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitNonAcceptanceSchema)
    @blueprint.response(200, PermitApplicationSchema)
    def post(self, body: dict[str, Any], application_id: UUID) -> ApplicationView:
        """Decline to accept an application for permits."""
        return service.refuse_intake(house_of(), request_unit(), caller(), application_id, **body)
