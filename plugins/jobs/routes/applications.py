"""`/v1/jobs/applications`: applying for vacancies, and what employers answer."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import Page, citizen, request_unit
from plugins.jobs import service
from plugins.jobs.routes.common import blueprint, house_of
from plugins.jobs.schemas.applications import (
    JobAnsweringSchema,
    JobAnswerSchema,
    JobApplicationArgs,
    JobApplicationSchema,
    JobHireDenialSchema,
    JobHireUndoingSchema,
    JobInterviewAnswerSchema,
    JobInterviewSchema,
    NewJobApplicationSchema,
    NewJobInterviewSchema,
    ReceivedApplicationArgs,
)
from plugins.jobs.values.applications import (
    Answer,
    AnsweringRecord,
    ApplicationView,
    CancelCause,
    InterviewView,
    NewInterview,
)

_CREATED = 201
_RECEIVED = "/employers/<uuid:employer_id>/applications"


@blueprint.route("/vacancies/<uuid:vacancy_id>/applications")
class VacancyApplications(MethodView):
    """Applications for one vacancy."""

    @blueprint.repeatable
    @blueprint.arguments(NewJobApplicationSchema)
    @blueprint.response(201, JobApplicationSchema)
    def post(
        self, body: dict[str, Any], vacancy_id: UUID
    ) -> tuple[ApplicationView, int, dict[str, str]]:
        """Apply for a vacancy with my curriculum.

        A copy of it goes along, and is shown to this employer until the application ends.
        """
        made = service.apply_for(house_of(), request_unit(), citizen(), vacancy_id, body["words"])
        place = url_for("jobs.JobApplication", application_id=made.id)
        return made, _CREATED, {"Location": place}


@blueprint.route("/applications")
class JobApplications(MethodView):
    """The applications of the calling citizen."""

    @blueprint.arguments(JobApplicationArgs, location="query")
    @blueprint.page(JobApplicationSchema)
    def get(self, query: dict[str, Any]) -> Page[ApplicationView]:
        """List my applications for vacancies, the newest first."""
        return service.list_applications(request_unit(), citizen().reference, **query)


@blueprint.route("/applications/<uuid:application_id>")
class JobApplication(MethodView):
    """One application."""

    @blueprint.response(200, JobApplicationSchema)
    def get(self, application_id: UUID) -> ApplicationView:
        """Show my application for a vacancy."""
        return service.find_application(request_unit(), citizen().reference, application_id)


@blueprint.route("/applications/<uuid:application_id>/withdrawal")
class JobApplicationWithdrawal(MethodView):
    """The end of an application by its citizen."""

    @blueprint.response(200, JobApplicationSchema)
    def post(self, application_id: UUID) -> ApplicationView:
        """Withdraw my application and what went with it."""
        return service.withdraw_application(request_unit(), citizen().reference, application_id)


@blueprint.route("/applications/<uuid:application_id>/hire-cancellation")
class JobApplicationHireCancellation(MethodView):
    """The end of a hire by its citizen."""

    @blueprint.arguments(JobHireDenialSchema)
    @blueprint.response(200, JobApplicationSchema)
    def post(self, reason: CancelCause, application_id: UUID) -> ApplicationView:
        """Say that I was not hired or do not come.

        Applications that the hire had ended are looked at again where the vacancies are open. It is
        possible for some weeks after the hire.
        """
        return service.undo_own_hire(
            house_of(), request_unit(), citizen().reference, application_id, reason
        )


@blueprint.route("/interviews/<uuid:interview_id>/answer")
class JobInterviewAnswer(MethodView):
    """What a citizen says to an invitation."""

    @blueprint.arguments(JobInterviewAnswerSchema)
    @blueprint.response(200, JobInterviewSchema)
    def put(self, body: dict[str, Any], interview_id: UUID) -> InterviewView:
        """Accept or decline my invitation to an interview."""
        return service.answer_invitation(
            house_of(), request_unit(), citizen().reference, interview_id, **body
        )


@blueprint.route(_RECEIVED)
class ReceivedApplications(MethodView):
    """The applications that an employer has received."""

    @blueprint.arguments(ReceivedApplicationArgs, location="query")
    @blueprint.page(JobApplicationSchema)
    def get(self, query: dict[str, Any], employer_id: UUID) -> Page[ApplicationView]:
        """List the applications my firm has received, the newest first."""
        return service.list_received(request_unit(), citizen().reference, employer_id, **query)


@blueprint.route(f"{_RECEIVED}/<uuid:application_id>")
class ReceivedApplication(MethodView):
    """One application that an employer has received."""

    @blueprint.response(200, JobApplicationSchema)
    def get(self, employer_id: UUID, application_id: UUID) -> ApplicationView:
        """Show an application my firm has received."""
        return service.find_received(
            request_unit(), citizen().reference, employer_id, application_id
        )


@blueprint.route(f"{_RECEIVED}/<uuid:application_id>/answer")
class ReceivedApplicationAnswer(MethodView):
    """How an employer moves an application."""

    @blueprint.arguments(JobAnswerSchema)
    @blueprint.response(200, JobApplicationSchema)
    def put(self, answer: Answer, employer_id: UUID, application_id: UUID) -> ApplicationView:
        """Answer an application my firm has received."""
        return service.answer_application(
            house_of(), request_unit(), citizen().reference, employer_id, application_id, answer
        )


@blueprint.route(f"{_RECEIVED}/<uuid:application_id>/hire")
class ReceivedApplicationHire(MethodView):
    """A hire."""

    @blueprint.response(200, JobApplicationSchema)
    def put(self, employer_id: UUID, application_id: UUID) -> ApplicationView:
        """Hire an applicant.

        It fills a position. The last one fills the vacancy, and everybody else is told.
        """
        return service.hire_applicant(
            house_of(), request_unit(), citizen().reference, employer_id, application_id
        )


@blueprint.route(f"{_RECEIVED}/<uuid:application_id>/hire-cancellation")
class ReceivedApplicationHireCancellation(MethodView):
    """The end of a hire by its employer."""

    @blueprint.arguments(JobHireUndoingSchema)
    @blueprint.response(200, JobApplicationSchema)
    def post(self, reason: CancelCause, employer_id: UUID, application_id: UUID) -> ApplicationView:
        """Undo a hire of my firm.

        The position is free again, and the vacancy open as long as it could be. Whoever was marked
        by mistake is looked at again; with any other reason the application is cancelled. It is
        possible for some weeks after the hire.
        """
        return service.undo_hire(
            house_of(), request_unit(), citizen().reference, employer_id, application_id, reason
        )


@blueprint.route(f"{_RECEIVED}/<uuid:application_id>/interviews")
class ReceivedApplicationInterviews(MethodView):
    """Invitations to interviews."""

    @blueprint.repeatable
    @blueprint.arguments(NewJobInterviewSchema)
    @blueprint.response(201, JobInterviewSchema)
    def post(
        self, wanted: NewInterview, employer_id: UUID, application_id: UUID
    ) -> tuple[InterviewView, int]:
        """Invite an applicant to an interview."""
        made = service.invite_applicant(
            house_of(), request_unit(), citizen().reference, employer_id, application_id, wanted
        )
        return made, _CREATED


@blueprint.route("/employers/<uuid:employer_id>/answering")
class EmployerAnswering(MethodView):
    """How an employer answers."""

    @blueprint.public
    @blueprint.response(200, JobAnsweringSchema)
    def get(self, employer_id: UUID) -> AnsweringRecord:
        """Show how an employer answers applications.

        Figures of the last year, and none of fewer than five applications.
        """
        return service.show_answering(request_unit(), employer_id)
