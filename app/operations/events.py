"""What the audit trail is told about operations."""

from dataclasses import dataclass

from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationCalled(AuditEvent):
    """A citizen's app had a provider do something; which attributes it was shown is disclosed."""

    name = "operation.called"
    title_zh = "调用服务提供方操作"
    title_en = "An operation of a provider was called"
    provider: str
    service: str
    operation: str
