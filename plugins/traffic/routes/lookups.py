"""`/v1/traffic/decision-lookups` and `/guests`: other people's decisions, by two facts."""

from flask.views import MethodView

from app.sdk import request_unit
from plugins.traffic import service
from plugins.traffic.routes.common import blueprint, house_of, me
from plugins.traffic.schemas.lookups import (
    DecisionLookupSchema,
    FoundDecisionSchema,
    TrafficGuestSchema,
)
from plugins.traffic.values import AdmittedGuest, FoundDecision


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
        return service.look_up(house_of(), request_unit(), me(), **wanted)


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
        return service.admit_guest(house_of(), request_unit(), **wanted)
