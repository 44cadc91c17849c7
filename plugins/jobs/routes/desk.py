"""`/v1/jobs/desk`: what the department's officers check, refuse, withdraw and suspend."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, PageArgs, request_unit
from plugins.jobs import service
from plugins.jobs.routes.common import OFFICER, blueprint, desk_officer, house_of
from plugins.jobs.schemas.employers import (
    EmployerArgs,
    EmployerDecisionSchema,
    EmployerMemberSchema,
    EmployerSchema,
    EmployerSuspensionSchema,
)
from plugins.jobs.schemas.vacancies import (
    RevisionDecisionSchema,
    VacancyRevisionSchema,
    VacancySchema,
    VacancyWithdrawalSchema,
)
from plugins.jobs.values import (
    CloseCause,
    EmployerReason,
    EmployerView,
    MemberView,
    RevisionReason,
    RevisionView,
    VacancyView,
)


@blueprint.route("/desk/employers")
class DeskEmployers(MethodView):
    """Every employer."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(EmployerArgs, location="query")
    @blueprint.page(EmployerSchema)
    def get(self, query: dict[str, Any]) -> Page[EmployerView]:
        """List employers at the desk."""
        desk_officer()
        return service.list_employers(request_unit(), **query)


@blueprint.route("/desk/employers/<uuid:employer_id>/decision")
class DeskEmployerDecision(MethodView):
    """What becomes of an employer that was registered."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(EmployerDecisionSchema)
    @blueprint.response(200, EmployerSchema)
    def put(self, reason: EmployerReason | None, employer_id: UUID) -> EmployerView:
        """Verify or refuse an employer."""
        unit, who = request_unit(), desk_officer()
        return service.decide_employer(house_of(), unit, who, employer_id, reason)


@blueprint.route("/desk/employers/<uuid:employer_id>/suspension")
class DeskEmployerSuspension(MethodView):
    """That an employer may not advertise."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(EmployerSuspensionSchema)
    @blueprint.response(200, EmployerSchema)
    def put(self, reason: EmployerReason, employer_id: UUID) -> EmployerView:
        """Suspend an employer and close its vacancies."""
        unit, who = request_unit(), desk_officer()
        return service.show_employer(
            service.suspend_employer(house_of(), unit, who, employer_id, reason)
        )

    @blueprint.staff(OFFICER)
    @blueprint.response(200, EmployerSchema)
    def delete(self, employer_id: UUID) -> EmployerView:
        """Let a suspended employer advertise again."""
        return service.reinstate_employer(request_unit(), desk_officer(), employer_id)


@blueprint.route("/desk/members")
class DeskMembers(MethodView):
    """Citizens who ask to act for an employer that came by a feed."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(EmployerMemberSchema)
    def get(self, query: dict[str, Any]) -> Page[MemberView]:
        """List who asks to act for employers."""
        desk_officer()
        return service.list_requested_members(request_unit(), query["page"])


@blueprint.route("/desk/members/<uuid:member_id>/decision")
class DeskMemberDecision(MethodView):
    """Whether somebody may act for an employer."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(EmployerDecisionSchema)
    @blueprint.response(200, EmployerMemberSchema)
    def put(self, reason: EmployerReason | None, member_id: UUID) -> MemberView:
        """Let somebody act for an employer or refuse it."""
        return service.decide_member(request_unit(), desk_officer(), member_id, reason)


@blueprint.route("/desk/revisions")
class DeskRevisions(MethodView):
    """Wordings that wait."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(VacancyRevisionSchema)
    def get(self, query: dict[str, Any]) -> Page[RevisionView]:
        """List vacancies that wait for the desk."""
        desk_officer()
        return service.list_waiting(request_unit(), query["page"])


@blueprint.route("/desk/revisions/<uuid:revision_id>/decision")
class DeskRevisionDecision(MethodView):
    """What becomes of a wording."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(RevisionDecisionSchema)
    @blueprint.response(200, VacancyRevisionSchema)
    def put(self, reason: RevisionReason | None, revision_id: UUID) -> RevisionView:
        """Verify or refuse the wording of a vacancy."""
        unit, who = request_unit(), desk_officer()
        return service.decide_revision(house_of(), unit, who, revision_id, reason)


@blueprint.route("/desk/vacancies/<uuid:vacancy_id>/withdrawal")
class DeskVacancyWithdrawal(MethodView):
    """The end of a vacancy by the desk."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(VacancyWithdrawalSchema)
    @blueprint.response(200, VacancySchema)
    def put(self, cause: CloseCause, vacancy_id: UUID) -> VacancyView:
        """Withdraw a vacancy at the desk."""
        return service.withdraw_by_desk(
            house_of(), request_unit(), desk_officer(), vacancy_id, cause
        )
