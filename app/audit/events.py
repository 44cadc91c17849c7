"""What the audit room itself has to tell the trail."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class TrailExported(AuditEvent):
    """The whole trail was written to a file by an operator."""

    name: ClassVar[str] = "audit.exported"
    title_zh: ClassVar[str] = "导出了审计记录"
    title_en: ClassVar[str] = "The audit trail was exported"

    entries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TrailRetired(AuditEvent):
    """Entries older than the retention were taken out of keeping, as whole sealed batches."""

    name: ClassVar[str] = "audit.retired"
    title_zh: ClassVar[str] = "到期的审计记录已清理"
    title_en: ClassVar[str] = "Audit entries past their retention were removed"

    through: int
    entries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgeryFound(AuditEvent):
    """The sealer met a row that the house has not written; it is sealed and marked."""

    name: ClassVar[str] = "audit.forgery-found"
    title_zh: ClassVar[str] = "发现伪造的审计记录"
    title_en: ClassVar[str] = "A forged audit entry was found"

    seal: int
    entries: int
