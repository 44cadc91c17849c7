"""What the door itself tells the trail: acts of staff, refusals, tokens that are worthless."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffActed(AuditEvent):
    """A member of staff used an operation, to read or write; `path` has the ids of its address."""

    name: ClassVar[str] = "staff.acted"
    title_zh: ClassVar[str] = "工作人员执行了操作"
    title_en: ClassVar[str] = "A member of staff used an operation"

    operation: str
    path: Mapping[str, str]
    status: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessRefused(AuditEvent):
    """Somebody asked for what they may not do, and did so `more` times since the last record."""

    name: ClassVar[str] = "access.refused"
    title_zh: ClassVar[str] = "越权访问被拒绝"
    title_en: ClassVar[str] = "An access that was not permitted was refused"

    operation: str
    code: str
    more: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRefused(AuditEvent):
    """A token that does not hold was refused; so were `more` since the record before this one."""

    name: ClassVar[str] = "token.refused"
    title_zh: ClassVar[str] = "无效的登录凭证被拒绝"
    title_en: ClassVar[str] = "A token that does not hold was refused"

    operation: str
    code: str
    more: int
