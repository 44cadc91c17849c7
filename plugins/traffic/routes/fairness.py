"""`/v1/traffic/violations/…/fairness`: what to know before paying or objecting."""

from uuid import UUID

from flask.views import MethodView

from app.sdk import request_unit
from plugins.traffic import service
from plugins.traffic.routes.common import blueprint, house_of, me
from plugins.traffic.schemas.fairness import FairnessSheetSchema
from plugins.traffic.service.fairness import FairnessSheet


@blueprint.route("/violations/<uuid:violation_id>/fairness")
class Fairness(MethodView):
    """What a citizen should know before paying or objecting."""

    @blueprint.response(200, FairnessSheetSchema)
    def get(self, violation_id: UUID) -> FairnessSheet:
        """Show the fairness sheet of my fine: figures and days, no advice."""
        service.refresh(house_of(), me())
        return service.find_sheet(request_unit(), me(), violation_id)
