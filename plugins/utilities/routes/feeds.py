"""`/v1/utilities/due-feed`: what is due, in a citizen's own calendar."""

from typing import Any

from flask import Response, url_for
from flask.views import MethodView

from app.sdk import citizen, request_unit
from plugins.utilities import service
from plugins.utilities.routes.common import blueprint, house_of
from plugins.utilities.schemas.feeds import DueFeedSchema, OpenedDueFeedSchema

_CALENDAR = {"text/calendar": {"schema": {"type": "string"}}}


@blueprint.route("/due-feed")
class DueFeed(MethodView):
    """The calling citizen's private address for calendars."""

    @blueprint.response(200, DueFeedSchema)
    def get(self) -> dict[str, Any]:
        """Tell whether calendars may read what I owe."""
        return {"made_at": service.find_feed(request_unit(), citizen().reference)}

    @blueprint.response(201, OpenedDueFeedSchema)
    def post(self) -> dict[str, Any]:
        """Make a private address of what I owe for my calendar.

        Whoever has the address reads what is due and when, without names and accounts. It is shown
        this once; another one takes its place.
        """
        made = service.open_feed(request_unit(), citizen().reference)
        path = url_for("utilities.DueCalendar", secret=made.secret)
        return {"path": path, "made_at": made.made_at}

    @blueprint.response(204)
    def delete(self) -> None:
        """Take my private address of what I owe back."""
        service.close_feed(request_unit(), citizen().reference)


@blueprint.route("/due-feeds/<slug:secret>")
class DueCalendar(MethodView):
    """What stands at a private address."""

    @blueprint.public
    @blueprint.doc(responses={"200": {"description": "RFC 5545", "content": _CALENDAR}})
    def get(self, secret: str) -> Response:
        """Read what is due as a calendar.

        The address is the permission: it was made by the citizen, who can take it back.
        """
        content = service.read_feed(house_of(), secret)
        headers = {"Content-Disposition": 'attachment; filename="due.ics"'}
        return Response(content, headers=headers, content_type="text/calendar; charset=utf-8")
