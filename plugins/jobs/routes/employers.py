"""`/v1/jobs/employers`: employers, and the citizens who act for them."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import Page, citizen, request_unit
from plugins.jobs import service
from plugins.jobs.routes.common import CREATED, blueprint, me
from plugins.jobs.schemas.employers import (
    EmployerCodeSchema,
    EmployerInvitationSchema,
    EmployerMemberSchema,
    EmployerSchema,
    NewEmployerSchema,
)
from plugins.jobs.values import EmployerView, Invitation, MemberView, NewEmployer


@blueprint.route("/employers")
class Employers(MethodView):
    """The employers that the calling citizen acts for."""

    @blueprint.page(EmployerSchema)
    def get(self) -> Page[EmployerView]:
        """List the employers that I act for."""
        return Page(service.list_my_employers(request_unit(), me()))

    @blueprint.assurance("verified")
    @blueprint.arguments(NewEmployerSchema)
    @blueprint.response(201, EmployerSchema)
    def post(self, wanted: NewEmployer) -> tuple[EmployerView, int, dict[str, str]]:
        """Register an employer that I act for.

        The desk verifies it. A credit code that somebody acts for already is refused: they invite
        others. Registering again answers as it stands.
        """
        made = service.register_employer(request_unit(), citizen(), wanted)
        place = url_for("jobs.OneEmployer", employer_id=made.id)
        return made, CREATED, {"Location": place}


@blueprint.route("/employers/<uuid:employer_id>")
class OneEmployer(MethodView):
    """One employer."""

    @blueprint.response(200, EmployerSchema)
    def get(self, employer_id: UUID) -> EmployerView:
        """Show an employer that I act for."""
        return service.find_my_employer(request_unit(), me(), employer_id)


@blueprint.route("/employers/<uuid:employer_id>/members")
class EmployerMembers(MethodView):
    """Who acts for an employer."""

    @blueprint.page(EmployerMemberSchema)
    def get(self, employer_id: UUID) -> Page[MemberView]:
        """List who acts for my employer."""
        return Page(service.list_members(request_unit(), me(), employer_id))


@blueprint.route("/employers/<uuid:employer_id>/membership")
class EmployerMembership(MethodView):
    """The calling citizen's own part in an employer."""

    @blueprint.response(204)
    def delete(self, employer_id: UUID) -> None:
        """Act for an employer no longer."""
        service.leave_employer(request_unit(), me(), employer_id)


@blueprint.route("/employers/<uuid:employer_id>/invitations")
class EmployerInvitations(MethodView):
    """How more citizens come to act for an employer."""

    @blueprint.response(201, EmployerInvitationSchema)
    def post(self, employer_id: UUID) -> Invitation:
        """Invite somebody to act for my employer.

        The code is shown this once, and works once within a week.
        """
        return service.invite_member(request_unit(), me(), employer_id)


@blueprint.route("/invitations")
class AcceptedInvitations(MethodView):
    """Invitations that were taken up."""

    @blueprint.assurance("verified")
    @blueprint.rate("20/hour")
    @blueprint.arguments(EmployerCodeSchema)
    @blueprint.response(201, EmployerSchema)
    def post(self, wanted: dict[str, Any]) -> EmployerView:
        """Accept an invitation to act for an employer."""
        return service.accept_invitation(request_unit(), citizen(), wanted["code"])
