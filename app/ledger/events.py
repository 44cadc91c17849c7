"""What the audit trail is told about the books."""

from dataclasses import dataclass
from uuid import UUID

from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerCorrected(AuditEvent):
    """Two people have corrected the books by a new transaction; none was changed."""

    name = "ledger.corrected"
    title_zh = "账簿更正"
    title_en = "The books were corrected"
    transaction_id: UUID
    reversal_of: UUID | None
    proposed_by: UUID
    approved_by: UUID
    grounds: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRulesPublished(AuditEvent):
    """New versions of split rules were published."""

    name = "ledger.split-rules-published"
    title_zh = "发布分账规则"
    title_en = "Split rules were published"
    rules: tuple[str, ...]
