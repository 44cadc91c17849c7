"""Webhooks over HTTP: a client's own, in its own name; and staff, who say what it is told of."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs
from app.webhooks import service
from app.webhooks.schemas import (
    ClientServicesSchema,
    DeliveryArgs,
    InspectedWebhookDeliverySchema,
    NewWebhookEndpointSchema,
    WebhookDeliverySchema,
    WebhookEndpointChangeSchema,
    WebhookEndpointSchema,
    WebhookEventsArgs,
    WebhookEventSchema,
    WebhookEventsSchema,
    WebhookReplayedSchema,
    WebhookReplaySchema,
)
from app.webhooks.service import WebhooksDeps
from app.webhooks.values import DeliveryView, EndpointView, Events, EventView, NewEndpoint, Span

SCOPE = "webhooks.manage"

blueprint = Blueprint("webhooks", __name__, description="What integrators are told, and how surely")


@blueprint.route("/endpoints")
class Endpoints(MethodView):
    """The endpoints of my client."""

    @blueprint.integrator(SCOPE)
    @blueprint.repeatable
    @blueprint.arguments(NewWebhookEndpointSchema)
    @blueprint.response(201, WebhookEndpointSchema)
    def post(self, wanted: NewEndpoint) -> tuple[EndpointView, int, dict[str, str]]:
        """Make an endpoint."""
        made = service.create_endpoint(unit(), deps(WebhooksDeps), principal().id, wanted)
        return made, 201, {"Location": f"/v1/webhooks/endpoints/{made.id}"}

    @blueprint.integrator(SCOPE)
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(WebhookEndpointSchema)
    def get(self, wanted: dict[str, Any]) -> Page[EndpointView]:
        """List my endpoints."""
        return service.list_endpoints(unit(), deps(WebhooksDeps), principal().id, wanted["page"])


@blueprint.route("/endpoints/<uuid:endpoint_id>")
class OneEndpoint(MethodView):
    """One endpoint."""

    @blueprint.integrator(SCOPE)
    @blueprint.response(200, WebhookEndpointSchema)
    def get(self, endpoint_id: UUID) -> EndpointView:
        """Read an endpoint."""
        return service.read_endpoint(unit(), deps(WebhooksDeps), principal().id, endpoint_id)

    @blueprint.integrator(SCOPE)
    @blueprint.arguments(WebhookEndpointChangeSchema)
    @blueprint.response(200, WebhookEndpointSchema)
    def patch(self, changes: dict[str, Any], endpoint_id: UUID) -> EndpointView:
        """Change an endpoint, or switch it off or on."""
        return service.change_endpoint(
            unit(), deps(WebhooksDeps), principal().id, endpoint_id, changes
        )

    @blueprint.integrator(SCOPE)
    @blueprint.response(204)
    def delete(self, endpoint_id: UUID) -> None:
        """Remove an endpoint for good."""
        service.remove_endpoint(unit(), principal().id, endpoint_id)


@blueprint.route("/endpoints/<uuid:endpoint_id>/keys")
class EndpointKeys(MethodView):
    """What an endpoint's events are signed with."""

    @blueprint.integrator(SCOPE)
    @blueprint.repeatable
    @blueprint.response(201, WebhookEndpointSchema)
    def post(self, endpoint_id: UUID) -> EndpointView:
        """Change the key of an endpoint."""
        return service.rotate_key(unit(), deps(WebhooksDeps), principal().id, endpoint_id)


@blueprint.route("/endpoints/<uuid:endpoint_id>/tests")
class EndpointTests(MethodView):
    """Events that say nothing."""

    @blueprint.integrator(SCOPE)
    @blueprint.repeatable
    @blueprint.response(202, WebhookEventSchema)
    def post(self, endpoint_id: UUID) -> EventView:
        """Send a test event."""
        return service.send_test(unit(), principal().id, endpoint_id)


@blueprint.route("/endpoints/<uuid:endpoint_id>/replays")
class EndpointReplays(MethodView):
    """Events that are sent again."""

    @blueprint.integrator(SCOPE)
    @blueprint.repeatable
    @blueprint.arguments(WebhookReplaySchema)
    @blueprint.response(202, WebhookReplayedSchema)
    def post(self, span: Span, endpoint_id: UUID) -> dict[str, int]:
        """Send a span of events again."""
        return {"queued": service.replay_span(unit(), principal().id, endpoint_id, span)}


@blueprint.route("/deliveries")
class Deliveries(MethodView):
    """What was and will be sent."""

    @blueprint.integrator(SCOPE)
    @blueprint.arguments(DeliveryArgs, location="query")
    @blueprint.page(WebhookDeliverySchema)
    def get(self, wanted: dict[str, Any]) -> Page[DeliveryView]:
        """List deliveries of my events."""
        return service.list_deliveries(unit(), principal().id, wanted["filter"], wanted["page"])


@blueprint.route("/deliveries/<uuid:delivery_id>")
class OneDelivery(MethodView):
    """One delivery."""

    @blueprint.integrator(SCOPE)
    @blueprint.response(200, InspectedWebhookDeliverySchema)
    def get(self, delivery_id: UUID) -> DeliveryView:
        """Inspect a delivery."""
        return service.read_delivery(unit(), principal().id, delivery_id)


@blueprint.route("/deliveries/<uuid:delivery_id>/replay")
class DeliveryReplay(MethodView):
    """One event that is sent again."""

    @blueprint.integrator(SCOPE)
    @blueprint.repeatable
    @blueprint.response(202, WebhookDeliverySchema)
    def post(self, delivery_id: UUID) -> DeliveryView:
        """Send a delivery again."""
        return service.replay_delivery(unit(), principal().id, delivery_id)


@blueprint.route("/events")
class WebhookEvents(MethodView):
    """Everything that my client was told."""

    @blueprint.integrator(SCOPE)
    @blueprint.problems(409)
    @blueprint.arguments(WebhookEventsArgs, location="query")
    @blueprint.response(200, WebhookEventsSchema)
    def get(self, wanted: dict[str, Any]) -> Events:
        """Fetch my events."""
        return service.list_events(unit(), principal().id, wanted["after"], wanted["limit"])


@blueprint.route("/clients/<uuid:client_id>/services")
class ClientServices(MethodView):
    """Of which services a client is told."""

    @blueprint.staff("integrators.manage")
    @blueprint.response(200, ClientServicesSchema)
    def get(self, client_id: UUID) -> dict[str, Sequence[str]]:
        """Read of which services a client is told."""
        found = service.read_services(unit(), deps(WebhooksDeps), client_id)
        return {"services": found}

    @blueprint.staff("integrators.manage")
    @blueprint.arguments(ClientServicesSchema)
    @blueprint.response(200, ClientServicesSchema)
    def put(self, wanted: dict[str, list[str]], client_id: UUID) -> dict[str, Sequence[str]]:
        """Say of which services a client is told."""
        found = service.set_services(
            unit(), deps(WebhooksDeps), client_id, frozenset(wanted["services"])
        )
        return {"services": found}
