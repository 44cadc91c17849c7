"""`/v1/traffic/violations/…/pictures`: the evidence of the police, marked."""

from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.sdk import request_unit
from plugins.traffic import service
from plugins.traffic.routes.common import blueprint, house_of, me
from plugins.traffic.values import PNG

_PICTURE = {"schema": {"type": "string", "format": "binary"}}


@blueprint.route("/violations/<uuid:violation_id>/pictures/<slug:picture_id>/content")
class Evidence(MethodView):
    """One picture of a violation."""

    @blueprint.problems(409)
    @blueprint.doc(responses={"200": {"description": "The picture", "content": {PNG: _PICTURE}}})
    def get(self, violation_id: UUID, picture_id: str) -> Response:
        """View a picture of my violation.

        A picture is named by its SHA-256, as the notice says it.
        Who looked and when is written across the picture, and each view is in the trail.
        """
        seen = service.view_evidence(house_of(), request_unit(), me(), violation_id, picture_id)
        return Response(seen.content, mimetype=seen.media_type)
