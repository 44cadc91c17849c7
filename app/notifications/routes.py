"""A citizen's inbox over HTTP."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import principal, unit
from app.notifications import service
from app.notifications.models import InboxMessage
from app.notifications.schemas import InboxFilterSchema, InboxMessageSchema

blueprint = Blueprint(
    "inbox", __name__, url_prefix="/v1/me/inbox", description="What the city told me"
)


@blueprint.route("")
class Inbox(MethodView):
    """The messages of the caller."""

    @blueprint.scope("messages.read")
    @blueprint.arguments(InboxFilterSchema, location="query")
    @blueprint.page(InboxMessageSchema)
    def get(self, wanted: dict[str, Any]) -> Page[InboxMessage]:
        """List my messages."""
        return service.list_inbox(unit(), principal().id, **wanted)


@blueprint.route("/<uuid:message_id>/read")
class InboxMessageRead(MethodView):
    """Whether a message was read."""

    @blueprint.response(204)
    def put(self, message_id: UUID) -> None:
        """Mark a message as read."""
        service.mark_read(unit(), principal().id, message_id)
