"""Facts of the room, and what the audit trail is told."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.core.events import Event
from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointDue(Event):
    """Something waits to be sent to an endpoint."""

    name: ClassVar[str] = "webhook_endpoint.due"
    endpoint_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplicationMoved(Event):
    """A plug-in has announced how somebody's application goes on; `at` is in RFC 3339."""

    name: ClassVar[str] = "application.moved"
    source_id: UUID
    citizen_id: UUID
    service: str
    reference: str
    step: str
    part: str
    at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookEndpointChanged(AuditEvent):
    """An integrator made or changed a place that events are sent to, or its key."""

    name = "webhook.endpoint_changed"
    title_zh = "接入方的通知地址已登记或变更"
    title_en = "An integrator's endpoint was made or changed"
    client_id: UUID
    endpoint_id: UUID
    fields: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookServicesSet(AuditEvent):
    """Staff said of which services a client is told."""

    name = "webhook.services_set"
    title_zh = "接入方可接收通知的服务已变更"
    title_en = "Of which services a client is told was changed"
    client_id: UUID
    services: str
