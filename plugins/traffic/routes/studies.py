"""`/v1/traffic/licence/points` and `/studies`: points, and study that takes some away."""

from flask.views import MethodView

from app.sdk import Page, citizen, request_unit
from plugins.traffic import service
from plugins.traffic.routes.common import blueprint, house_of, me
from plugins.traffic.schemas.studies import LicencePointsSchema, NewStudySchema, StudySchema
from plugins.traffic.values import PointsView, StudyView


@blueprint.route("/licence/points")
class LicencePoints(MethodView):
    """The points of the calling citizen's licence."""

    @blueprint.response(200, LicencePointsSchema)
    def get(self) -> PointsView:
        """Show the points of my licence."""
        service.refresh(house_of(), me())
        return service.find_points(request_unit(), me())


@blueprint.route("/licence/studies")
class Studies(MethodView):
    """Courses that take points away."""

    @blueprint.page(StudySchema)
    def get(self) -> Page[StudyView]:
        """List my requests to have points taken away."""
        return service.list_studies(request_unit(), me())

    @blueprint.arguments(NewStudySchema)
    @blueprint.response(201, StudySchema)
    def post(self, wanted: dict[str, str]) -> StudyView:
        """Have points taken away for a course that I passed.

        The police prove it; the rules say how many points, and how many in a cycle.
        """
        service.refresh(house_of(), me())
        return service.ask_study(house_of(), request_unit(), citizen(), wanted["study_no"])
