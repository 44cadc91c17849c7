"""`/v1/traffic`: vehicles, violations, objections and relief, and the officers' desk."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import (
    Blueprint,
    House,
    Page,
    PageArgs,
    citizen,
    deps,
    officer,
    request_unit,
    staff_department,
)
from plugins.traffic import service
from plugins.traffic.provider import TrafficProvider
from plugins.traffic.schemas import (
    ContestArgs,
    ContestEvidenceSchema,
    ContestReasonSchema,
    ContestSchema,
    DecisionLookupSchema,
    FairnessSheetSchema,
    FoundDecisionSchema,
    LicenceSchema,
    NewBadgeSchema,
    NewContestSchema,
    NewLicenceSchema,
    NewReliefSchema,
    NewVehicleSchema,
    OfficerSchema,
    ReliefDecisionSchema,
    ReliefSchema,
    TrafficGuestSchema,
    VehicleSchema,
    VerdictSchema,
    ViolationArgs,
    ViolationSchema,
)
from plugins.traffic.service.fairness import FairnessSheet
from plugins.traffic.values import (
    AdmittedGuest,
    CitizensViolation,
    ContestView,
    FoundDecision,
    LinkedLicence,
    LinkedVehicle,
    NewContest,
    NewRelief,
    NewVehicle,
    OfficerView,
    ReliefView,
    Verdict,
)

_CREATED = 201
OFFICER = "provider.operate"

blueprint = Blueprint("traffic", __name__, description="Traffic violations and fines")


def _house() -> House:
    return deps(TrafficProvider).house


def _me() -> str:
    return citizen().reference


def _officer() -> UUID:
    service.check_department(staff_department())
    return officer()


@blueprint.route("/vehicles")
class Vehicles(MethodView):
    """The vehicles that the calling citizen has linked."""

    @blueprint.page(VehicleSchema)
    def get(self) -> Page[LinkedVehicle]:
        """List my vehicles."""
        return service.list_vehicles(_house(), request_unit(), _me())

    @blueprint.arguments(NewVehicleSchema)
    @blueprint.response(201, VehicleSchema)
    def post(self, wanted: NewVehicle) -> tuple[LinkedVehicle, int, dict[str, str]]:
        """Link a vehicle.

        The police confirm that plate and engine number belong together; an unknown plate and
        another engine are refused alike. Linking a vehicle again answers with the same link.
        """
        made = service.link_vehicle(_house(), request_unit(), citizen(), wanted)
        place = url_for("traffic.OneVehicle", vehicle_id=made.id)
        return service.show_vehicle(_house(), made), _CREATED, {"Location": place}


@blueprint.route("/vehicles/<uuid:vehicle_id>")
class OneVehicle(MethodView):
    """One linked vehicle."""

    @blueprint.response(200, VehicleSchema)
    def get(self, vehicle_id: UUID) -> LinkedVehicle:
        """Show my vehicle."""
        return service.find_vehicle(_house(), request_unit(), _me(), vehicle_id)

    @blueprint.response(204)
    def delete(self, vehicle_id: UUID) -> None:
        """Unlink my vehicle."""
        service.unlink_vehicle(request_unit(), _me(), vehicle_id)


@blueprint.route("/licence")
class Licence(MethodView):
    """The calling citizen's driving licence."""

    @blueprint.response(200, LicenceSchema)
    def get(self) -> LinkedLicence:
        """Show my licence."""
        return service.find_licence(_house(), request_unit(), _me())

    @blueprint.assurance("verified")
    @blueprint.arguments(NewLicenceSchema)
    @blueprint.response(201, LicenceSchema)
    def post(self, wanted: dict[str, str]) -> LinkedLicence:
        """Link my licence.

        Its number is the caller's resident ID, which they let us see by a consent.
        """
        made = service.link_licence(_house(), request_unit(), citizen(), wanted["file_number"])
        return service.show_licence(_house(), made)

    @blueprint.response(204)
    def delete(self) -> None:
        """Unlink my licence."""
        service.unlink_licence(request_unit(), _me())


@blueprint.route("/violations")
class Violations(MethodView):
    """The violations of the calling citizen's vehicles and licence."""

    @blueprint.arguments(ViolationArgs, location="query")
    @blueprint.page(ViolationSchema)
    def get(self, query: dict[str, Any]) -> Page[CitizensViolation]:
        """List my violations.

        The police are asked when they were last asked ten seconds ago or more; when they do not
        answer, violations are shown as they are stored: see `seen_at`.
        """
        service.refresh(_house(), _me())
        return service.list_violations(_house(), request_unit(), _me(), **query)


@blueprint.route("/violations/<uuid:violation_id>")
class OneViolation(MethodView):
    """One violation."""

    @blueprint.response(200, ViolationSchema)
    def get(self, violation_id: UUID) -> CitizensViolation:
        """Show my violation with its evidence."""
        service.refresh(_house(), _me())
        return service.find_violation(_house(), request_unit(), _me(), violation_id)


@blueprint.route("/violations/<uuid:violation_id>/fairness")
class Fairness(MethodView):
    """What a citizen should know before paying or objecting."""

    @blueprint.response(200, FairnessSheetSchema)
    def get(self, violation_id: UUID) -> FairnessSheet:
        """Show the fairness sheet of my fine: figures and days, no advice."""
        service.refresh(_house(), _me())
        return service.find_sheet(request_unit(), _me(), violation_id)


@blueprint.route("/violations/<uuid:violation_id>/acceptance")
class Acceptance(MethodView):
    """The citizen's word that a notice is right."""

    @blueprint.response(200, ViolationSchema)
    def post(self, violation_id: UUID) -> CitizensViolation:
        """Accept a notice, and have it decided."""
        return service.accept_violation(_house(), request_unit(), _me(), violation_id)


@blueprint.route("/violations/<uuid:violation_id>/contests")
class Contests(MethodView):
    """Objections to one violation."""

    @blueprint.page(ContestSchema)
    def get(self, violation_id: UUID) -> Page[ContestView]:
        """List my objections to a violation."""
        return service.list_contests(_house(), request_unit(), _me(), violation_id)

    @blueprint.arguments(NewContestSchema)
    @blueprint.response(201, ContestSchema)
    def post(self, wanted: NewContest, violation_id: UUID) -> ContestView:
        """Object to a notice or a decision.

        A reconsideration and an action before a court stop the surcharge from that day.
        """
        return service.file_contest(_house(), request_unit(), _me(), violation_id, wanted)


@blueprint.route("/contests/<uuid:contest_id>")
class OneContest(MethodView):
    """One objection."""

    @blueprint.response(200, ContestSchema)
    def get(self, contest_id: UUID) -> ContestView:
        """Show my objection."""
        return service.find_contest(_house(), request_unit(), _me(), contest_id)


@blueprint.route("/contests/<uuid:contest_id>/evidence")
class ContestEvidence(MethodView):
    """What an officer asked for."""

    @blueprint.arguments(ContestEvidenceSchema)
    @blueprint.response(200, ContestSchema)
    def post(self, wanted: dict[str, Any], contest_id: UUID) -> ContestView:
        """Add the evidence that was asked for."""
        evidence = wanted["evidence"]
        return service.add_evidence(_house(), request_unit(), _me(), contest_id, evidence)


@blueprint.route("/violations/<uuid:violation_id>/reliefs")
class Reliefs(MethodView):
    """Requests to pay a fine later or in parts."""

    @blueprint.page(ReliefSchema)
    def get(self, violation_id: UUID) -> Page[ReliefView]:
        """List my requests for relief."""
        return service.list_reliefs(_house(), request_unit(), _me(), violation_id)

    @blueprint.arguments(NewReliefSchema)
    @blueprint.response(201, ReliefSchema)
    def post(self, wanted: NewRelief, violation_id: UUID) -> ReliefView:
        """Ask to pay a fine later or in parts."""
        return service.ask_relief(_house(), request_unit(), _me(), violation_id, wanted)


@blueprint.route("/decision-lookups")
class DecisionLookups(MethodView):
    """Decisions that are not the caller's, by two facts."""

    @blueprint.arguments(DecisionLookupSchema)
    @blueprint.response(201, FoundDecisionSchema)
    def post(self, wanted: dict[str, str]) -> FoundDecision:
        """Look up a decision by its number and a second fact.

        An unknown number and a wrong fact are refused alike, ten tries an hour for each citizen
        and for each number.
        """
        return service.look_up(_house(), request_unit(), _me(), **wanted)


@blueprint.route("/guests")
class Guests(MethodView):
    """People without an account who pay a fine."""

    @blueprint.public
    @blueprint.arguments(DecisionLookupSchema)
    @blueprint.response(201, TrafficGuestSchema)
    def post(self, wanted: dict[str, str]) -> AdmittedGuest:
        """Pay a fine without an account.

        Whoever knows a decision's number and a second fact gets a token that pays `service` and
        `reference` at `POST /v1/payments`, and nothing else. Refused as a look-up is; thirty tries
        an hour for each address, ten for each number.
        """
        return service.admit_guest(_house(), request_unit(), **wanted)


@blueprint.route("/desk/contests")
class DeskContests(MethodView):
    """What officers have before them."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(ContestArgs, location="query")
    @blueprint.page(ContestSchema)
    def get(self, query: dict[str, Any]) -> Page[ContestView]:
        """List objections for officers."""
        _officer()
        return service.list_waiting(_house(), request_unit(), **query)


@blueprint.route("/desk/contests/<uuid:contest_id>")
class DeskContest(MethodView):
    """One objection as an officer reads it."""

    @blueprint.staff(OFFICER)
    @blueprint.response(200, ContestSchema)
    def get(self, contest_id: UUID) -> ContestView:
        """Read an objection."""
        return service.read_contest(_house(), request_unit(), _officer(), contest_id)


@blueprint.route("/desk/contests/<uuid:contest_id>/review")
class DeskReview(MethodView):
    """Who reviews an objection."""

    @blueprint.staff(OFFICER)
    @blueprint.response(200, ContestSchema)
    def put(self, contest_id: UUID) -> ContestView:
        """Take an objection for review.

        Whoever recorded the violation is refused.
        """
        return service.take_contest(_house(), request_unit(), _officer(), contest_id)


@blueprint.route("/desk/contests/<uuid:contest_id>/evidence-request")
class DeskEvidenceRequest(MethodView):
    """What is asked of the citizen."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(ContestReasonSchema)
    @blueprint.response(200, ContestSchema)
    def put(self, wanted: dict[str, str], contest_id: UUID) -> ContestView:
        """Ask the citizen for evidence."""
        unit, who = request_unit(), _officer()
        return service.ask_for_evidence(_house(), unit, who, contest_id, wanted["reason"])


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
        return service.decide_contest(_house(), request_unit(), _officer(), contest_id, verdict)


@blueprint.route("/desk/reliefs")
class DeskReliefs(MethodView):
    """Requests for relief that wait."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(ReliefSchema)
    def get(self, query: dict[str, Any]) -> Page[ReliefView]:
        """List requests for relief."""
        _officer()
        return service.list_waiting_reliefs(_house(), request_unit(), query["page"])


@blueprint.route("/desk/reliefs/<uuid:relief_id>/decision")
class DeskReliefDecision(MethodView):
    """What becomes of a request for relief."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(ReliefDecisionSchema)
    @blueprint.response(200, ReliefSchema)
    def put(self, wanted: dict[str, Any], relief_id: UUID) -> ReliefView:
        """Grant or refuse a request for relief."""
        return service.decide_relief(_house(), request_unit(), _officer(), relief_id, **wanted)


@blueprint.route("/desk/officers/<uuid:officer_id>")
class DeskOfficer(MethodView):
    """Which badge a member of staff wears."""

    @blueprint.staff("staff.manage")
    @blueprint.arguments(NewBadgeSchema)
    @blueprint.response(200, OfficerSchema)
    def put(self, wanted: dict[str, str], officer_id: UUID) -> OfficerView:
        """Say which badge a member of staff wears."""
        return service.name_badge(request_unit(), officer_id, wanted["badge"])
