"""What the audit trail is told of jobs."""

from dataclasses import dataclass
from uuid import UUID

from app.sdk import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedClientAdmitted(AuditEvent):
    """Staff let a client send a feed of vacancies, or took that back."""

    name = "jobs.feed_client_admitted"
    title_zh = "招聘数据接入方的授权已变更"
    title_en = "Who sends a feed of vacancies was changed"
    feed: str
    client_id: UUID
    admitted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedRefused(AuditEvent):
    """A client reached for a feed that is not its own."""

    name = "jobs.feed_refused"
    title_zh = "招聘数据接入方的越权被拒绝"
    title_en = "A client reached for another's feed of vacancies"
    feed: str
    client_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedTaken(AuditEvent):
    """A file of vacancies was taken."""

    name = "jobs.feed_taken"
    title_zh = "招聘岗位数据已导入"
    title_en = "A file of vacancies was imported"
    feed: str
    file_id: UUID
    lines: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CvRead(AuditEvent):
    """A member of an employer read a citizen's curriculum; the citizen's own list names it."""

    name = "jobs.cv_read"
    title_zh = "用人单位查看了简历"
    title_en = "An employer read a curriculum"
    share_id: UUID
    employer_id: UUID
