"""`/v1/permits/applications`: a citizen's applications, from the draft to the result."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import Page, citizen, request_unit
from plugins.permits import service
from plugins.permits.routes.common import CREATED, blueprint, house_of, visible
from plugins.permits.schemas.applications import (
    PermitAnswersSchema,
    PermitApplicationArgs,
    PermitApplicationLineSchema,
    PermitApplicationSchema,
    PermitDraftSchema,
    PermitSupplementAnswerSchema,
)
from plugins.permits.values.applications import ApplicationLine, ApplicationView, DraftWish


@blueprint.route("/applications")
class PermitApplications(MethodView):
    """The applications of the calling citizen."""

    @blueprint.acting("view")
    @blueprint.arguments(PermitApplicationArgs, location="query")
    @blueprint.page(PermitApplicationLineSchema)
    def get(self, query: dict[str, Any]) -> Page[ApplicationLine]:
        """List my applications for permits."""
        return service.list_applications(
            request_unit(),
            citizen().reference,
            query["page"],
            visible(),
            status=query["status"],
        )

    @blueprint.acting("submit")
    @blueprint.assurance("verified")
    @blueprint.idempotent
    @blueprint.arguments(PermitDraftSchema)
    @blueprint.response(201, PermitApplicationSchema)
    def post(self, wish: DraftWish) -> tuple[ApplicationView, int, dict[str, str]]:
        """Begin an application for permits.

        It is a draft, whose answers are put in bit by bit, until it is submitted.
        """
        made = service.begin_application(
            house_of(), request_unit(), citizen(), wish, visible("submit")
        )
        place = url_for("permits.OnePermitApplication", application_id=made.id)
        return made, CREATED, {"Location": place}


@blueprint.route("/applications/<uuid:application_id>")
class OnePermitApplication(MethodView):
    """One application."""

    @blueprint.acting("view")
    @blueprint.response(200, PermitApplicationSchema)
    def get(self, application_id: UUID) -> ApplicationView:
        """Show my application for permits.

        With each task: which department has it, since when, and by when it must be done; and in
        the end the document of what was decided.
        """
        return service.find_application(
            house_of(), request_unit(), citizen().reference, application_id, visible()
        )


@blueprint.route("/applications/<uuid:application_id>/answers")
class PermitAnswers(MethodView):
    """The form of a draft."""

    @blueprint.acting("submit")
    @blueprint.assurance("verified")
    @blueprint.arguments(PermitAnswersSchema)
    @blueprint.response(200, PermitApplicationSchema)
    def patch(self, body: dict[str, Any], application_id: UUID) -> ApplicationView:
        """Put answers into my draft.

        Each that is given is checked; null takes one out.
        """
        return service.save_answers(
            house_of(),
            request_unit(),
            citizen().reference,
            application_id,
            body["answers"],
            visible("submit"),
        )


@blueprint.route("/applications/<uuid:application_id>/submission")
class PermitSubmission(MethodView):
    """The handing in of a draft."""

    @blueprint.acting("submit")
    @blueprint.assurance("verified")
    @blueprint.idempotent
    @blueprint.response(200, PermitApplicationSchema)
    def post(self, application_id: UUID) -> ApplicationView:
        """Submit my application for permits.

        The whole form is checked; a refusal names each field.
        """
        me = citizen()
        return service.submit_application(
            house_of(),
            request_unit(),
            me.reference,
            application_id,
            visible("submit"),
            name=me.attributes.get("name"),
        )


@blueprint.route("/applications/<uuid:application_id>/withdrawal")
class PermitWithdrawal(MethodView):
    """The taking back of an application."""

    @blueprint.acting("submit")
    @blueprint.assurance("verified")
    @blueprint.idempotent
    @blueprint.response(200, PermitApplicationSchema)
    def post(self, application_id: UUID) -> ApplicationView:
        """Withdraw my application for permits.

        Refused with 409 once everything is decided.
        """
        return service.withdraw_application(
            house_of(), request_unit(), citizen().reference, application_id, visible("submit")
        )


@blueprint.route("/applications/<uuid:application_id>/supplements/<uuid:supplement_id>/answer")
class PermitSupplementAnswer(MethodView):
    """The answer to what a department asks."""

    @blueprint.acting("submit")
    @blueprint.assurance("verified")
    @blueprint.idempotent
    @blueprint.arguments(PermitSupplementAnswerSchema)
    @blueprint.response(200, PermitApplicationSchema)
    def post(
        self, body: dict[str, Any], application_id: UUID, supplement_id: UUID
    ) -> ApplicationView:
        """Answer what a department asks of me.

        The fields it named may be answered anew; the time of the task runs on.
        """
        return service.answer_supplement(
            house_of(),
            request_unit(),
            citizen().reference,
            application_id,
            supplement_id,
            body["words"],
            body["answers"],
            visible("submit"),
        )
