"""`/v1/traffic/…/contests`: objections, and the officers who decide on them."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, citizen, request_unit
from plugins.traffic import service
from plugins.traffic.routes.common import OFFICER, blueprint, house_of, me, officer_of_the_police
from plugins.traffic.schemas.contests import (
    ContestArgs,
    ContestEvidenceSchema,
    ContestReasonSchema,
    ContestSchema,
    NewContestSchema,
    VerdictSchema,
)
from plugins.traffic.values import ContestView, NewContest, Verdict


@blueprint.route("/violations/<uuid:violation_id>/contests")
class Contests(MethodView):
    """Objections to one violation."""

    @blueprint.page(ContestSchema)
    def get(self, violation_id: UUID) -> Page[ContestView]:
        """List my objections to a violation."""
        return service.list_contests(house_of(), request_unit(), me(), violation_id)

    @blueprint.arguments(NewContestSchema)
    @blueprint.response(201, ContestSchema)
    def post(self, wanted: NewContest, violation_id: UUID) -> ContestView:
        """Object to a notice or a decision.

        A reconsideration and an action before a court stop the surcharge from that day.
        """
        return service.file_contest(house_of(), request_unit(), citizen(), violation_id, wanted)


@blueprint.route("/contests/<uuid:contest_id>")
class OneContest(MethodView):
    """One objection."""

    @blueprint.response(200, ContestSchema)
    def get(self, contest_id: UUID) -> ContestView:
        """Show my objection."""
        return service.find_contest(house_of(), request_unit(), me(), contest_id)


@blueprint.route("/contests/<uuid:contest_id>/evidence")
class ContestEvidence(MethodView):
    """What an officer asked for."""

    @blueprint.arguments(ContestEvidenceSchema)
    @blueprint.response(200, ContestSchema)
    def post(self, wanted: dict[str, Any], contest_id: UUID) -> ContestView:
        """Add the evidence that was asked for."""
        evidence = wanted["evidence"]
        return service.add_evidence(house_of(), request_unit(), me(), contest_id, evidence)


@blueprint.route("/desk/contests")
class DeskContests(MethodView):
    """What officers have before them."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(ContestArgs, location="query")
    @blueprint.page(ContestSchema)
    def get(self, query: dict[str, Any]) -> Page[ContestView]:
        """List objections for officers."""
        officer_of_the_police()
        return service.list_waiting(house_of(), request_unit(), **query)


@blueprint.route("/desk/contests/<uuid:contest_id>")
class DeskContest(MethodView):
    """One objection as an officer reads it."""

    @blueprint.staff(OFFICER)
    @blueprint.response(200, ContestSchema)
    def get(self, contest_id: UUID) -> ContestView:
        """Read an objection."""
        return service.read_contest(house_of(), request_unit(), officer_of_the_police(), contest_id)


@blueprint.route("/desk/contests/<uuid:contest_id>/review")
class DeskReview(MethodView):
    """Who reviews an objection."""

    @blueprint.staff(OFFICER)
    @blueprint.response(200, ContestSchema)
    def put(self, contest_id: UUID) -> ContestView:
        """Take an objection for review.

        Whoever recorded the violation is refused.
        """
        return service.take_contest(house_of(), request_unit(), officer_of_the_police(), contest_id)


@blueprint.route("/desk/contests/<uuid:contest_id>/evidence-request")
class DeskEvidenceRequest(MethodView):
    """What is asked of the citizen."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(ContestReasonSchema)
    @blueprint.response(200, ContestSchema)
    def put(self, wanted: dict[str, str], contest_id: UUID) -> ContestView:
        """Ask the citizen for evidence."""
        unit, who = request_unit(), officer_of_the_police()
        return service.ask_for_evidence(house_of(), unit, who, contest_id, wanted["reason"])


@blueprint.route("/desk/contests/<uuid:contest_id>/verdict")
class DeskVerdict(MethodView):
    """What becomes of an objection."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(VerdictSchema)
    @blueprint.response(200, ContestSchema)
    def put(self, verdict: Verdict, contest_id: UUID) -> ContestView:
        """Decide on an objection.

        What was paid too much goes back by itself.
        """
        return service.decide_contest(
            house_of(), request_unit(), officer_of_the_police(), contest_id, verdict
        )
