"""What the audit trail is told about credentials."""

from dataclasses import dataclass
from uuid import UUID

from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class _OfOwner(AuditEvent):
    """Something that happened to the credentials of a citizen or a member of staff."""

    owner_kind: str
    owner_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordSet(_OfOwner):
    """A password was set or replaced."""

    name = "password.set"
    title_zh = "设置或修改了密码"
    title_en = "A password was set"


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordRemoved(_OfOwner):
    """A password was taken away."""

    name = "password.removed"
    title_zh = "删除了密码"
    title_en = "The password was removed"


@dataclass(frozen=True, kw_only=True, slots=True)
class PasskeyAdded(_OfOwner):
    """A passkey was registered."""

    name = "passkey.added"
    title_zh = "添加了通行密钥"
    title_en = "A passkey was added"
    passkey_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PasskeyRemoved(_OfOwner):
    """A passkey was taken away."""

    name = "passkey.removed"
    title_zh = "删除了通行密钥"
    title_en = "A passkey was removed"
    passkey_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PasskeyRejected(_OfOwner):
    """The answer of a known passkey did not hold; `reason` tells a copied one (its counter)."""

    name = "passkey.rejected"
    title_zh = "通行密钥验证未通过"
    title_en = "A passkey was not accepted"
    passkey_id: UUID
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryCodesMade(_OfOwner):
    """Ten recovery codes were made; the ones before are worth nothing."""

    name = "recovery-codes.made"
    title_zh = "生成了恢复码"
    title_en = "Recovery codes were made"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryCodeUsed(_OfOwner):
    """A recovery code was used up."""

    name = "recovery-codes.used"
    title_zh = "使用了恢复码"
    title_en = "A recovery code was used"


@dataclass(frozen=True, kw_only=True, slots=True)
class TotpConfirmed(_OfOwner):
    """An authenticator app was bound."""

    name = "totp.confirmed"
    title_zh = "绑定了动态口令"
    title_en = "An authenticator app was bound"


@dataclass(frozen=True, kw_only=True, slots=True)
class TotpRemoved(_OfOwner):
    """An authenticator app was taken away."""

    name = "totp.removed"
    title_zh = "解除了动态口令"
    title_en = "The authenticator app was removed"


@dataclass(frozen=True, kw_only=True, slots=True)
class GuessRefused(AuditEvent):
    """A wrong password or code, or one more than may be tried; `owner_id` where it is known."""

    name = "credentials.guessed"
    title_zh = "凭证校验失败"
    title_en = "A password or code was wrong"
    means: str
    owner_kind: str | None = None
    owner_id: UUID | None = None
