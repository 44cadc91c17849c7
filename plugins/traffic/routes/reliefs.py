"""`/v1/traffic/…/reliefs`: more time or parts, and the officers who grant them."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, PageArgs, citizen, request_unit
from plugins.traffic import service
from plugins.traffic.routes.common import OFFICER, blueprint, house_of, me, officer_of_the_police
from plugins.traffic.schemas.reliefs import NewReliefSchema, ReliefDecisionSchema, ReliefSchema
from plugins.traffic.values import NewRelief, ReliefView


@blueprint.route("/violations/<uuid:violation_id>/reliefs")
class Reliefs(MethodView):
    """Requests to pay a fine later or in parts."""

    @blueprint.page(ReliefSchema)
    def get(self, violation_id: UUID) -> Page[ReliefView]:
        """List my requests for relief."""
        return service.list_reliefs(house_of(), request_unit(), me(), violation_id)

    @blueprint.arguments(NewReliefSchema)
    @blueprint.response(201, ReliefSchema)
    def post(self, wanted: NewRelief, violation_id: UUID) -> ReliefView:
        """Ask to pay a fine later or in parts."""
        return service.ask_relief(house_of(), request_unit(), citizen(), violation_id, wanted)


@blueprint.route("/desk/reliefs")
class DeskReliefs(MethodView):
    """Requests for relief that wait."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(ReliefSchema)
    def get(self, query: dict[str, Any]) -> Page[ReliefView]:
        """List requests for relief."""
        officer_of_the_police()
        return service.list_waiting_reliefs(house_of(), request_unit(), query["page"])


@blueprint.route("/desk/reliefs/<uuid:relief_id>/decision")
class DeskReliefDecision(MethodView):
    """What becomes of a request for relief."""

    @blueprint.staff(OFFICER)
    @blueprint.arguments(ReliefDecisionSchema)
    @blueprint.response(200, ReliefSchema)
    def put(self, wanted: dict[str, Any], relief_id: UUID) -> ReliefView:
        """Grant or refuse a request for relief."""
        return service.decide_relief(
            house_of(), request_unit(), officer_of_the_police(), relief_id, **wanted
        )
