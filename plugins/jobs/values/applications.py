"""Applications: their states, why an employer says no, and what both sides see of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class ApplicationStatus(StrEnum):
    """How far an application has come; the first five can still become a hire."""

    NEW = "new"
    PROCESSING = "processing"
    POSTPONED = "postponed"
    POOL = "pool"
    PRIOR_TO_HIRE = "prior_to_hire"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    OBSOLETE = "obsolete"
    WITHDRAWN = "withdrawn"
    CLOSED_NO_ANSWER = "closed_no_answer"


LIVING = (
    ApplicationStatus.NEW,
    ApplicationStatus.PROCESSING,
    ApplicationStatus.POSTPONED,
    ApplicationStatus.POOL,
    ApplicationStatus.PRIOR_TO_HIRE,
)
UNANSWERED = (ApplicationStatus.NEW, ApplicationStatus.PROCESSING)
"""In these an application that nobody has answered waits for what was promised."""
ANSWERS = frozenset(
    {
        ApplicationStatus.POSTPONED,
        ApplicationStatus.POOL,
        ApplicationStatus.PRIOR_TO_HIRE,
        ApplicationStatus.ACCEPTED,
        ApplicationStatus.REFUSED,
    }
)
"""What an employer says to somebody; that it is being looked at is no answer."""

STATE_TITLES: Mapping[ApplicationStatus, Mapping[str, str]] = {
    ApplicationStatus.NEW: {"zh": "已投递", "en": "sent"},
    ApplicationStatus.PROCESSING: {"zh": "处理中", "en": "being looked at"},
    ApplicationStatus.POSTPONED: {"zh": "暂缓", "en": "postponed"},
    ApplicationStatus.POOL: {"zh": "进入人才库", "en": "kept for other posts"},
    ApplicationStatus.PRIOR_TO_HIRE: {"zh": "录用准备中", "en": "on the way to a hire"},
    ApplicationStatus.ACCEPTED: {"zh": "已录用", "en": "hired"},
    ApplicationStatus.REFUSED: {"zh": "未通过", "en": "refused"},
    ApplicationStatus.CANCELLED: {"zh": "已取消", "en": "cancelled"},
    ApplicationStatus.OBSOLETE: {"zh": "已在别处录用", "en": "hired elsewhere"},
    ApplicationStatus.WITHDRAWN: {"zh": "已撤回", "en": "withdrawn"},
    ApplicationStatus.CLOSED_NO_ANSWER: {"zh": "逾期未答复", "en": "closed without an answer"},
}


class RefusalReason(StrEnum):
    """Why an employer refuses an application."""

    POSITION_FILLED = "position_filled"
    LACKS_SKILLS = "lacks_skills"
    LACKS_EXPERIENCE = "lacks_experience"
    LACKS_QUALIFICATION = "lacks_qualification"
    LACKS_LICENCE = "lacks_licence"
    OVERQUALIFIED = "overqualified"
    SALARY_WISH = "salary_wish"
    WORKING_HOURS = "working_hours"
    TOO_FAR_AWAY = "too_far_away"
    STARTS_TOO_LATE = "starts_too_late"
    NOT_REACHABLE = "not_reachable"
    MISSED_INTERVIEW = "missed_interview"
    POSITION_WITHDRAWN = "position_withdrawn"
    OTHER = "other"


REFUSAL_TITLES: Mapping[RefusalReason, Mapping[str, str]] = {
    RefusalReason.POSITION_FILLED: {"zh": "职位已招满", "en": "The position is filled"},
    RefusalReason.LACKS_SKILLS: {"zh": "技能不符合要求", "en": "Skills do not fit"},
    RefusalReason.LACKS_EXPERIENCE: {"zh": "工作经验不足", "en": "Too little experience"},
    RefusalReason.LACKS_QUALIFICATION: {
        "zh": "学历或专业不符合要求",
        "en": "The degree does not fit",
    },
    RefusalReason.LACKS_LICENCE: {"zh": "缺少职业资格证书", "en": "A licence is missing"},
    RefusalReason.OVERQUALIFIED: {"zh": "资历高于职位要求", "en": "Overqualified"},
    RefusalReason.SALARY_WISH: {"zh": "薪资期望不一致", "en": "The wages wished for do not fit"},
    RefusalReason.WORKING_HOURS: {"zh": "工作时间不合适", "en": "The working hours do not fit"},
    RefusalReason.TOO_FAR_AWAY: {"zh": "距离过远", "en": "The way to work is too long"},
    RefusalReason.STARTS_TOO_LATE: {"zh": "到岗时间不合适", "en": "Cannot begin in time"},
    RefusalReason.NOT_REACHABLE: {"zh": "无法取得联系", "en": "Could not be reached"},
    RefusalReason.MISSED_INTERVIEW: {"zh": "未参加面试", "en": "Did not come to the interview"},
    RefusalReason.POSITION_WITHDRAWN: {"zh": "职位不再招聘", "en": "Nobody is hired after all"},
    RefusalReason.OTHER: {"zh": "其他原因", "en": "Another reason"},
}


class CancelCause(StrEnum):
    """Why nothing came of an application that nobody had refused."""

    VACANCY_WITHDRAWN = "vacancy_withdrawn"
    VACANCY_REMOVED = "vacancy_removed"
    EMPLOYER_SUSPENDED = "employer_suspended"
    HIRE_FELL_THROUGH = "hire_fell_through"
    HIRE_DENIED = "hire_denied"
    HIRED_BY_MISTAKE = "hired_by_mistake"
    DID_NOT_START = "did_not_start"
    OFFER_DECLINED = "offer_declined"


CANCEL_TITLES: Mapping[CancelCause, Mapping[str, str]] = {
    CancelCause.VACANCY_WITHDRAWN: {"zh": "职位已撤回", "en": "The vacancy was withdrawn"},
    CancelCause.VACANCY_REMOVED: {"zh": "职位已被下架", "en": "The vacancy was taken down"},
    CancelCause.EMPLOYER_SUSPENDED: {"zh": "用人单位已被暂停", "en": "The employer is suspended"},
    CancelCause.HIRE_FELL_THROUGH: {"zh": "录用未成", "en": "The hire fell through"},
    CancelCause.HIRE_DENIED: {"zh": "本人否认录用", "en": "The applicant denies the hire"},
    CancelCause.HIRED_BY_MISTAKE: {"zh": "误标录用", "en": "Marked as hired by mistake"},
    CancelCause.DID_NOT_START: {"zh": "未到岗", "en": "Did not start work"},
    CancelCause.OFFER_DECLINED: {"zh": "本人放弃入职", "en": "The applicant declined the post"},
}

EMPLOYER_UNDOES = (
    CancelCause.HIRED_BY_MISTAKE,
    CancelCause.DID_NOT_START,
    CancelCause.OFFER_DECLINED,
    CancelCause.HIRE_FELL_THROUGH,
)
CITIZEN_UNDOES = (CancelCause.HIRE_DENIED, CancelCause.OFFER_DECLINED)
"""Why each side undoes a hire."""
MOST_UNDO_DAYS = 90


class InterviewStatus(StrEnum):
    """How an invitation to an interview stands."""

    INVITED = "invited"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"


MOST_LIVING = 50
"""So many living applications a citizen may have."""
MOST_APPLICATION_WORDS = 1_000
SCORED_FOR = timedelta(days=365)
FEWEST_SCORED = 5
"""Fewer applications than these would tell of single persons, and nothing of an employer."""
_REMINDED_BEFORE = timedelta(days=2)


def promise_moments(applied_at: datetime, days: int) -> tuple[datetime, datetime]:
    """Return when an employer is reminded of a promised answer, and when the promise is broken.

    Two days before, or half-way where less than four days were promised.
    """
    promised = timedelta(days=days)
    until = applied_at + promised
    return until - min(_REMINDED_BEFORE, promised / 2), until


def read_undo_term(settings: Mapping[str, str]) -> timedelta:
    """Return for how long a hire can be undone; raise `ValueError` for no days, or too many."""
    days = int(settings["hire_undo_days"])
    if not 1 <= days <= MOST_UNDO_DAYS:
        raise ValueError(f"hire_undo_days is between 1 and {MOST_UNDO_DAYS}, not {days}")
    return timedelta(days=days)


@dataclass(frozen=True, slots=True)
class InterviewView:
    """An invitation as both sides see it."""

    id: UUID
    application_id: UUID
    status: str
    at: datetime
    place: str
    invited_at: datetime


@dataclass(frozen=True, slots=True)
class NewInterview:
    """When and where somebody is invited."""

    at: datetime
    place: str


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application as both sides see it; nobody is named in it.

    `share_id` says by which consent the curriculum is shown; null when it is not shown any more.
    """

    id: UUID
    vacancy_id: UUID
    vacancy_title: str
    employer_id: UUID
    employer: str
    status: str
    reason: str | None
    reason_title: Mapping[str, str] | None
    applied_at: datetime
    promised_until: datetime
    answered_at: datetime | None
    share_id: UUID | None
    interview: InterviewView | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an employer says to an application; a reason belongs to a refusal, and to it alone."""

    status: ApplicationStatus
    reason: RefusalReason | None = None


@dataclass(frozen=True, slots=True)
class AnsweringRecord:
    """How an employer answers applications; figures only where they are of enough people."""

    employer_id: UUID
    applications: int | None
    answered_in_time_percent: int | None
    median_days: float | None
