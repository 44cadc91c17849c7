"""What happened to citizens and their sessions, and what the audit trail is told of it."""

from dataclasses import dataclass
from uuid import UUID

from app.core.events import Event
from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengeOpened(Event):
    """A code waits, sealed in its row, to be sent."""

    name = "challenge.opened"
    challenge_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PhoneChanged(Event):
    """A citizen has another number; the old one is to be told."""

    name = "phone.changed"
    change_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PasskeyBound(Event):
    """A citizen has a passkey that cannot leave its device."""

    name = "passkey.bound"
    citizen_id: UUID
    passkey_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionEnded(Event):
    """A session is over; its tokens are worth nothing."""

    name = "session.ended"
    session_id: UUID
    citizen_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class CitizenVerified(Event):
    """The register has confirmed a citizen's name."""

    name = "citizen.verified"
    citizen_id: UUID
    verification_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class AssuranceChanged(Event):
    """A citizen's level is another one: something was proven, or has ended."""

    name = "assurance.changed"
    citizen_id: UUID
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CitizenLocked(Event):
    """An account was locked: its sessions are over, and nothing speaks for it any more."""

    name = "citizen.locked"
    citizen_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountClosed(Event):
    """An account is over for good; whatever else speaks for it ends."""

    name = "account.closed"
    citizen_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ProofTried(AuditEvent):
    """Somebody tried to prove who they are; `kind` is the evidence it would have been."""

    name = "identity.proof-tried"
    title_zh = "进行了身份核验"
    title_en = "A proof of identity was tried"
    kind: str
    verification_id: UUID
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelChanged(AuditEvent):
    """The level of an account was raised or lowered by its evidence."""

    name = "identity.level-changed"
    title_zh = "认证级别发生变化"
    title_en = "The level of the account changed"
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionClosed(AuditEvent):
    """A session was ended: by its citizen, for a newer one, or since a refresh token was copied."""

    name = "session.closed"
    title_zh = "登录会话已结束"
    title_en = "A session was ended"
    session_id: UUID
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLocked(AuditEvent):
    """Staff locked the account and ended its sessions."""

    name = "account.locked"
    title_zh = "账号被锁定"
    title_en = "The account was locked"
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountUnlocked(AuditEvent):
    """Staff unlocked the account."""

    name = "account.unlocked"
    title_zh = "账号被解锁"
    title_en = "The account was unlocked"
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedIn(AuditEvent):
    """A session began; `means` says how its citizen proved who they are."""

    name = "login.succeeded"
    title_zh = "登录成功"
    title_en = "Logged in"
    session_id: UUID
    means: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginRefused(AuditEvent):
    """Somebody tried to log in; the subject is whose account it was, where there is one."""

    name = "login.refused"
    title_zh = "登录失败"
    title_en = "A log-in was refused"
    means: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeRefused(AuditEvent):
    """A code was wrong, over or used."""

    name = "code.refused"
    title_zh = "验证码校验失败"
    title_en = "A code was wrong"
    purpose: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordReset(AuditEvent):
    """A password was reset, or somebody tried to; `proof` says with what."""

    name = "password.reset"
    title_zh = "重置密码"
    title_en = "The password was reset"
    proof: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PhoneReplaced(AuditEvent):
    """An account has another number."""

    name = "phone.replaced"
    title_zh = "更换了手机号"
    title_en = "The phone number was changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class PrefixBraked(AuditEvent):
    """Of two hundred codes to one block of numbers, few were used: it gets none for an hour."""

    name = "sms-prefix.braked"
    title_zh = "号段短信已限流"
    title_en = "Codes to a block of numbers were stopped"
    prefix: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSteppedUp(AuditEvent):
    """A session proved itself again, or somebody in it tried to; `means` says with what."""

    name = "session.stepped-up"
    title_zh = "再次验证身份"
    title_en = "The session proved itself again"
    session_id: UUID
    means: str
