"""What the audit trail is told about settlement."""

from dataclasses import dataclass
from uuid import UUID

from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class BankAccountProposed(AuditEvent):
    """Somebody proposed a bank account of a payee."""

    name = "settlement.account-proposed"
    title_zh = "登记收款账户"
    title_en = "A bank account of a payee was proposed"
    account_id: UUID
    payee: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BankAccountDecided(AuditEvent):
    """A second person decided on a bank account of a payee."""

    name = "settlement.account-decided"
    title_zh = "复核收款账户"
    title_en = "A bank account of a payee was decided on"
    account_id: UUID
    payee: str
    verdict: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchDecided(AuditEvent):
    """A second person decided on a settlement batch."""

    name = "settlement.batch-decided"
    title_zh = "复核结算批次"
    title_en = "A settlement batch was decided on"
    batch_id: UUID
    verdict: str
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionRefused(AuditEvent):
    """Somebody tried to decide on what they drew up themselves."""

    name = "settlement.decision-refused"
    title_zh = "拒绝复核本人编制的事项"
    title_en = "A decision on one's own draft was refused"
    record_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchFileRead(AuditEvent):
    """Somebody took a batch's file: it has the bank accounts in clear."""

    name = "settlement.file-read"
    title_zh = "下载结算文件"
    title_en = "The file of a settlement batch was read"
    batch_id: UUID
    file: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StatementRead(AuditEvent):
    """Somebody took a statement of a payee as a file."""

    name = "settlement.statement-read"
    title_zh = "下载收款单位对账单"
    title_en = "A statement of a payee was read"
    payee: str
    period: str
    file: str
