"""What happened to grants and clients, and what the audit trail is told."""

from dataclasses import dataclass
from uuid import UUID

from app.core.events import Event
from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantEnded(Event):
    """A client's power over a citizen's data is over; its tokens are worth nothing."""

    name = "grant.ended"
    grant_id: UUID
    client_id: UUID
    citizen_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogoutDue(Event):
    """A client has to be told that a citizen has logged out (OpenID Back-Channel Logout)."""

    name = "logout.due"
    grant_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientChanged(AuditEvent):
    """Staff made or changed a client."""

    name = "client.changed"
    title_zh = "接入方已登记或变更"
    title_en = "A client was registered or changed"
    client_id: UUID
    fields: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientRefused(AuditEvent):
    """Somebody could not prove to be the client that they named."""

    name = "client.refused"
    title_zh = "接入方身份验证失败"
    title_en = "A client could not prove itself"
    client_id: UUID | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationGranted(AuditEvent):
    """A citizen let a client in."""

    name = "authorization.granted"
    title_zh = "您已授权第三方应用"
    title_en = "You let an app use your account"
    client_id: UUID
    grant_id: UUID
    scopes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationRefused(AuditEvent):
    """A client was not let in."""

    name = "authorization.refused"
    title_zh = "第三方应用的授权请求未通过"
    title_en = "An app was not let into your account"
    client_id: UUID | None
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientTokenIssued(AuditEvent):
    """A client was given tokens."""

    name = "client_token.issued"
    title_zh = "已向应用签发访问令牌"
    title_en = "An app was given tokens"
    client_id: UUID
    grant_id: UUID
    grant_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientTokenRefused(AuditEvent):
    """A client was refused tokens."""

    name = "client_token.refused"
    title_zh = "应用的令牌请求未通过"
    title_en = "An app was refused tokens"
    client_id: UUID
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeReused(AuditEvent):
    """A code or refresh token was shown again after its use: whatever it gave was taken back."""

    name = "code.reused"
    title_zh = "授权凭据被重复使用，相关授权已撤销"
    title_en = "A credential of an app was used twice; what it gave was taken back"
    client_id: UUID
    grant_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantRevoked(AuditEvent):
    """A grant was ended before its time."""

    name = "grant.revoked"
    title_zh = "对应用的授权已终止"
    title_en = "What you let an app do is over"
    client_id: UUID
    grant_id: UUID
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryOpened(AuditEvent):
    """A citizen asked to be led from the city's app into the page of a service."""

    name = "entry.opened"
    title_zh = "您已从应用进入第三方页面"
    title_en = "You went from the app to the page of a service"
    client_id: UUID
    service: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryTaken(AuditEvent):
    """An entry from the city's app stood for a log-in at a client, in the browser it led to."""

    name = "entry.taken"
    title_zh = "已凭应用登录状态登录第三方页面"
    title_en = "Your log-in of the app was taken for the page of a service"
    client_id: UUID
    service: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryRefused(AuditEvent):
    """A way in, or its hint, was used before, is over, or was shown by whom it is not for."""

    name = "entry.refused"
    title_zh = "进入第三方页面的凭据无效"
    title_en = "A way into the page of a service was refused"
    client_id: UUID | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowserLoggedOut(AuditEvent):
    """A browser was logged out at the wish of an app or a citizen."""

    name = "browser.logged_out"
    title_zh = "网页登录已退出"
    title_en = "A browser was logged out"
    client_id: UUID | None
