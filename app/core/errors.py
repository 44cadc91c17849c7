"""The seven kinds of refusal; HTTP is spoken elsewhere (`app.http.problems`).

    DomainError
    ├── Invalid          422   understood, but not acceptable
    ├── Malformed        400   not even readable
    ├── Unauthenticated  401   who are you?
    ├── Forbidden        403   not with this assurance or permission
    ├── NotFound         404   absent, or not yours: the two look the same
    ├── Conflict         409   not in this state
    ├── RateLimited      429   later
    └── Unavailable      503   somebody we depend on does not answer

A subclass sets a stable public `code` and a title in Chinese and English. The message is a
sentence for a person; `extra` are public members of the problem document.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

STEP_UP_ACR = "step-up"
STEP_UP_SECONDS = 300
"""How long a fresh proof counts, and how a challenge names it (RFC 9470)."""


class DomainError(Exception):
    """A refusal with a stable code; raising it undoes the running unit of work."""

    code: ClassVar[str]
    title_zh: ClassVar[str]
    title_en: ClassVar[str]
    error: ClassVar[str | None] = None
    """What RFC 6749 and its successors call it, where an OAuth endpoint refuses."""

    def __init__(
        self,
        detail: str = "",
        *,
        retry_after: int | None = None,
        challenge: str | None = None,
        errors: Sequence[Mapping[str, str | int]] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail or self.title_en)
        self.detail = detail
        self.retry_after = retry_after
        self.challenge = challenge
        self.errors = errors
        self.extra = extra


class Invalid(DomainError):
    """The request was understood and cannot be accepted."""

    code = "invalid-input"
    title_zh = "填写的内容不正确"
    title_en = "The input is not valid"


class Malformed(DomainError):
    """The request could not be read."""

    code = "malformed-request"
    title_zh = "请求格式不正确"
    title_en = "The request cannot be read"


class Unauthenticated(DomainError):
    """The caller has not proven who it is."""

    code = "unauthenticated"
    title_zh = "请先登录"
    title_en = "A valid access token is needed"


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    code = "forbidden"
    title_zh = "没有权限"
    title_en = "This is not allowed"


class NotFound(DomainError):
    """The thing is absent, or is somebody else's: the answer is the same."""

    code = "not-found"
    title_zh = "没有找到"
    title_en = "There is no such thing"


class Conflict(DomainError):
    """The thing is not in a state that permits this."""

    code = "conflict"
    title_zh = "当前状态不允许此操作"
    title_en = "The present state does not permit this"


class RateLimited(DomainError):
    """Too many calls; `retry_after` says how many seconds to wait."""

    code = "rate-limited"
    title_zh = "操作过于频繁，请稍后再试"
    title_en = "Too many requests"


class Unavailable(DomainError):
    """Something we depend on does not answer now; nothing was lost, try again."""

    code = "unavailable"
    title_zh = "服务暂时不可用，请稍后再试"
    title_en = "The service is temporarily unavailable"


class AssuranceTooLow(Forbidden):
    """The service needs a higher assurance than the session has; `needed` says which (RFC 9470)."""

    code = "assurance-too-low"
    title_zh = "需要先完成实名认证"
    title_en = "A higher assurance is needed"

    def __init__(self, needed: str = "verified") -> None:
        super().__init__(
            challenge='Bearer realm="wudang", error="insufficient_user_authentication", '
            f'acr_values="{needed}"',
            needed=needed,
        )


class InsufficientScope(Forbidden):
    """The client's token does not carry the scope that this operation needs (RFC 6750)."""

    code = "insufficient-scope"
    title_zh = "应用没有获得该项授权"
    title_en = "The token does not carry the scope that is needed"


class ActingNotAllowed(Forbidden):
    """The mandate under which the caller acts does not cover this."""

    code = "acting-not-allowed"
    title_zh = "授权范围不包括此操作"
    title_en = "The mandate does not cover this"


class NotFromHere(Forbidden):
    """The operation is open from the staff's networks only, and the caller is elsewhere."""

    code = "not-from-here"
    title_zh = "不允许从当前网络访问"
    title_en = "This is not open from the caller's network"


class StepUpRequired(Unauthenticated):
    """Prove again who you are, and surely; then repeat the call (RFC 9470)."""

    code = "step-up-required"
    title_zh = "请再次验证身份后继续"
    title_en = "A fresh and stronger authentication is needed"

    def __init__(self) -> None:
        super().__init__(
            challenge='Bearer realm="wudang", error="insufficient_user_authentication", '
            f'acr_values="{STEP_UP_ACR}", max_age={STEP_UP_SECONDS}'
        )


class IllegalMove(Conflict):
    """A record was asked to go where its state machine has no edge."""

    code = "illegal-transition"
    title_zh = "当前状态不允许此操作"
    title_en = "The record cannot go from this state to that one"
