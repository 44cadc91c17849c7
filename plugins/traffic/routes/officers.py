"""`/v1/traffic/desk/officers`: who wears which badge."""

from uuid import UUID

from flask.views import MethodView

from app.sdk import request_unit
from plugins.traffic import service
from plugins.traffic.routes.common import blueprint
from plugins.traffic.schemas.officers import NewBadgeSchema, OfficerSchema
from plugins.traffic.values import OfficerView


@blueprint.route("/desk/officers/<uuid:officer_id>")
class DeskOfficer(MethodView):
    """Which badge a member of staff wears."""

    @blueprint.staff("staff.manage")
    @blueprint.arguments(NewBadgeSchema)
    @blueprint.response(200, OfficerSchema)
    def put(self, wanted: dict[str, str], officer_id: UUID) -> OfficerView:
        """Say which badge a member of staff wears."""
        return service.name_badge(request_unit(), officer_id, wanted["badge"])
