"""What becomes known about providers, and what the audit trail is told of them."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.core.events import Event
from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckupDue(Event):
    """It is time to ask a remote provider how it is."""

    name: ClassVar[str] = "provider.checkup_due"

    provider_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderSuspended(AuditEvent):
    """Staff threw the kill switch of a provider, or changed what citizens read meanwhile."""

    name = "provider.suspended"
    title_zh = "暂停服务提供方"
    title_en = "A provider was suspended"
    provider_id: UUID
    provider: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderResumed(AuditEvent):
    """Staff let a suspended provider go on."""

    name = "provider.resumed"
    title_zh = "恢复服务提供方"
    title_en = "A provider was resumed"
    provider_id: UUID
    provider: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderMoved(AuditEvent):
    """Staff moved a provider to another state of the marketplace."""

    name = "provider.moved"
    title_zh = "变更服务提供方状态"
    title_en = "A provider was moved to another state"
    provider_id: UUID
    provider: str
    to_state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CanaryChanged(AuditEvent):
    """Staff changed the share of citizens to whom a provider is shown."""

    name = "provider.canary-changed"
    title_zh = "调整灰度比例"
    title_en = "The share of a canary was changed"
    provider_id: UUID
    provider: str
    percent: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestReleased(AuditEvent):
    """Staff made a version of a manifest the one that is served."""

    name = "provider.manifest-released"
    title_zh = "发布接入清单版本"
    title_en = "A version of a manifest was released"
    provider_id: UUID
    provider: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BadgeRecorded(AuditEvent):
    """Staff recorded a conformance badge."""

    name = "provider.badge-recorded"
    title_zh = "登记一致性测试凭证"
    title_en = "A conformance badge was recorded"
    provider_id: UUID
    provider: str
    badge_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderKeyChanged(AuditEvent):
    """An integrator added or retired a key of its provider."""

    name = "provider.key-changed"
    title_zh = "变更服务提供方密钥"
    title_en = "A key of a provider was added or retired"
    provider_id: UUID
    provider: str
    kid: str
    change: str
