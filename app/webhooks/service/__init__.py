"""What can be done about what integrators are told: a file for each concern, one list of names."""

from app.webhooks.service.delivering import TICK_SECONDS, deliver_due, question_due
from app.webhooks.service.deps import Clients, WebhooksDeps
from app.webhooks.service.endpoints import (
    change_endpoint,
    create_endpoint,
    list_endpoints,
    read_endpoint,
    remove_endpoint,
    rotate_key,
)
from app.webhooks.service.feed import forget_old, list_events
from app.webhooks.service.inspecting import (
    list_deliveries,
    read_delivery,
    replay_delivery,
    replay_span,
)
from app.webhooks.service.telling import (
    send_test,
    tell_of_application,
    tell_of_payment,
    tell_of_refund,
)
from app.webhooks.service.topics import read_services, set_services

__all__ = [
    "TICK_SECONDS",
    "Clients",
    "WebhooksDeps",
    "change_endpoint",
    "create_endpoint",
    "deliver_due",
    "forget_old",
    "list_deliveries",
    "list_endpoints",
    "list_events",
    "question_due",
    "read_delivery",
    "read_endpoint",
    "read_services",
    "remove_endpoint",
    "replay_delivery",
    "replay_span",
    "rotate_key",
    "send_test",
    "set_services",
    "tell_of_application",
    "tell_of_payment",
    "tell_of_refund",
]
