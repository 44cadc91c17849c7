"""What others reckon with: the event log of an application."""

from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.sdk import citizen, request_unit
from plugins.permits import service
from plugins.permits.routes.common import blueprint, visible

_XES = {"application/xml": {"schema": {"type": "string"}}}


@blueprint.route("/applications/<uuid:application_id>/xes")
class PermitEventLog(MethodView):
    """What has happened to an application, for process mining."""

    @blueprint.acting("view")
    @blueprint.sheddable
    @blueprint.doc(responses={"200": {"description": "XES (IEEE 1849)", "content": _XES}})
    def get(self, application_id: UUID) -> Response:
        """Fetch the event log of my application as XES.

        It names departments, and no people.
        """
        content = service.export_xes(request_unit(), citizen().reference, application_id, visible())
        headers = {"Content-Disposition": f'attachment; filename="{application_id}.xes"'}
        return Response(content, headers=headers, content_type="application/xml; charset=utf-8")
