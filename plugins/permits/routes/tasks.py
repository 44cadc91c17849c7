"""`/v1/permits/desk/tasks`: what departments do with their parts of applications."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, PageArgs, request_unit
from plugins.permits import service
from plugins.permits.routes.common import DESK, blueprint, caller, house_of
from plugins.permits.schemas.applications import (
    PermitAskSchema,
    PermitJudgementSchema,
    PermitVersionSchema,
)
from plugins.permits.schemas.tasks import (
    PermitConsultationSchema,
    PermitConsultationWishSchema,
    PermitMeetingSchema,
    PermitMinutesSchema,
    PermitOpinionSchema,
    PermitProcedureResultSchema,
    PermitProcedureWishSchema,
    PermitReturnSchema,
    PermitTaskArgs,
    PermitTaskLineSchema,
    PermitTaskSchema,
    PermitVerdictSchema,
)
from plugins.permits.values.tasks import ConsultationView, MeetingView, TaskLine, TaskView

_PLACE = "/desk/tasks/<uuid:task_id>"


@blueprint.route("/desk/tasks")
class DeskPermitTasks(MethodView):
    """The tasks of a department."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitTaskArgs, location="query")
    @blueprint.page(PermitTaskLineSchema)
    def get(self, query: dict[str, Any]) -> Page[TaskLine]:
        """List the tasks of my department.

        Without a status those that are open, those that have been ready for longest first.
        """
        return service.list_tasks(request_unit(), caller(), **query)


@blueprint.route(_PLACE)
class DeskPermitTask(MethodView):
    """One task."""

    @blueprint.staff(DESK)
    @blueprint.response(200, PermitTaskSchema)
    def get(self, task_id: UUID) -> TaskView:
        """Read a task of my department."""
        return service.read_task(house_of(), request_unit(), caller(), task_id)


@blueprint.route(f"{_PLACE}/claim")
class DeskPermitClaim(MethodView):
    """Claim a task of my department."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitVersionSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Claim a task of my department.

        It is the caller's for half an hour from their last act; a second claimer gets 409.
        """
        return service.claim_task(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/release")
class DeskPermitRelease(MethodView):
    """Give a task back to my department."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitVersionSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Give a task back to my department."""
        return service.release_task(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/review")
class DeskPermitReview(MethodView):
    """Begin to review a task."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitVersionSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Begin to review a task."""
        return service.begin_review(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/supplements")
class DeskPermitSupplements(MethodView):
    """Ask a citizen for what a task lacks."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitAskSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Ask a citizen for what a task lacks.

        All of it at once: a further time waits for a superior and is counted as a defect.
        """
        return service.ask_in_review(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/consultations")
class DeskPermitConsultations(MethodView):
    """Ask another department about a task."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitConsultationWishSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Ask another department about a task.

        The time of the task goes on.
        """
        return service.consult_department(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/consultations/recall")
class DeskPermitConsultationRecall(MethodView):
    """Go on without answers of other departments."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitVersionSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Go on without answers of other departments."""
        return service.recall_consultations(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/procedures")
class DeskPermitProcedures(MethodView):
    """Begin a special procedure in a task."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitProcedureWishSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Begin a special procedure in a task.

        Only one that the task allows; the time of the task stands still until it ends.
        """
        return service.begin_procedure(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/procedures/end")
class DeskPermitProcedureEnd(MethodView):
    """End the special procedure of a task."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitProcedureResultSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """End the special procedure of a task."""
        return service.end_procedure(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/meetings")
class DeskPermitMeetings(MethodView):
    """Call a joint meeting on a task."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitVersionSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Call a joint meeting on a task."""
        return service.call_meeting(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/meetings/minutes")
class DeskPermitMeetingMinutes(MethodView):
    """Close a joint meeting with its minutes."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitMinutesSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Close a joint meeting with its minutes.

        Whether all agreed is reckoned from what the invited departments said.
        """
        return service.close_meeting(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/proposal")
class DeskPermitProposal(MethodView):
    """Propose how to decide a task."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitVerdictSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Propose how to decide a task."""
        return service.propose(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/return")
class DeskPermitReturn(MethodView):
    """Send a proposal back for review."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitReturnSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Send a proposal back for review."""
        return service.send_back(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/decision")
class DeskPermitDecision(MethodView):
    """Decide a task for good."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitVerdictSchema)
    @blueprint.response(200, PermitTaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> TaskView:
        """Decide a task for good.

        Whoever proposed does not decide, unless their seat says so.
        """
        return service.decide(house_of(), request_unit(), caller(), task_id, **body)


@blueprint.route(f"{_PLACE}/supplements/<uuid:supplement_id>/judgement")
class DeskPermitJudgement(MethodView):
    """Whether a citizen may be asked once more."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitJudgementSchema)
    @blueprint.response(200, PermitTaskSchema)
    def put(self, body: dict[str, Any], task_id: UUID, supplement_id: UUID) -> TaskView:
        """Allow or decline asking once more in a task."""
        return service.judge_in_review(
            house_of(), request_unit(), caller(), task_id, supplement_id, **body
        )


@blueprint.route("/desk/consultations")
class DeskPermitQuestions(MethodView):
    """What other departments ask."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(PermitConsultationSchema)
    def get(self, query: dict[str, Any]) -> Page[ConsultationView]:
        """List what other departments ask mine."""
        return service.list_consultations(house_of(), request_unit(), caller(), query["page"])


@blueprint.route("/desk/consultations/<uuid:consultation_id>/answer")
class DeskPermitQuestionAnswer(MethodView):
    """The answer to another department."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitOpinionSchema)
    @blueprint.response(200, PermitConsultationSchema)
    def post(self, body: dict[str, Any], consultation_id: UUID) -> ConsultationView:
        """Answer what another department asks mine."""
        return service.answer_consultation(
            house_of(), request_unit(), caller(), consultation_id, **body
        )


@blueprint.route("/desk/meetings/<uuid:meeting_id>/opinion")
class DeskPermitMeetingOpinion(MethodView):
    """What a department says in a joint meeting."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitOpinionSchema)
    @blueprint.response(200, PermitMeetingSchema)
    def put(self, body: dict[str, Any], meeting_id: UUID) -> MeetingView:
        """Say what my department thinks in a joint meeting."""
        return service.give_opinion(house_of(), request_unit(), caller(), meeting_id, **body)
