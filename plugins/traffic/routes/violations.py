"""`/v1/traffic/violations`: what the police have of a citizen's vehicles and licence."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, request_unit
from plugins.traffic import service
from plugins.traffic.routes.common import blueprint, house_of, me
from plugins.traffic.schemas.violations import ViolationArgs, ViolationSchema
from plugins.traffic.values import CitizensViolation


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
        service.refresh(house_of(), me())
        return service.list_violations(house_of(), request_unit(), me(), **query)


@blueprint.route("/violations/<uuid:violation_id>")
class OneViolation(MethodView):
    """One violation."""

    @blueprint.response(200, ViolationSchema)
    def get(self, violation_id: UUID) -> CitizensViolation:
        """Show my violation with its evidence."""
        service.refresh(house_of(), me())
        return service.find_violation(house_of(), request_unit(), me(), violation_id)


@blueprint.route("/violations/<uuid:violation_id>/acceptance")
class Acceptance(MethodView):
    """The citizen's word that a notice is right."""

    @blueprint.response(200, ViolationSchema)
    def post(self, violation_id: UUID) -> CitizensViolation:
        """Accept a notice, and have it decided."""
        return service.accept_violation(house_of(), request_unit(), me(), violation_id)
