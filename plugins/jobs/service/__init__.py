"""What can be done with employers and vacancies; one file for each topic."""

from collections.abc import Callable

from app.sdk import House
from plugins.jobs.service.applications import (
    answer_application,
    apply_for,
    cancel_hire,
    deny_hire,
    find_application,
    find_received,
    hire_applicant,
    list_applications,
    list_received,
    withdraw_application,
)
from plugins.jobs.service.closing import close_vacancy, expire_vacancies
from plugins.jobs.service.employers import (
    accept_invitation,
    check_desk,
    decide_employer,
    decide_member,
    find_my_employer,
    invite_member,
    leave_employer,
    list_employers,
    list_members,
    list_my_employers,
    list_requested_members,
    register_employer,
    reinstate_employer,
    show_employer,
)
from plugins.jobs.service.feeds import (
    admit_feed_client,
    dismiss_feed_client,
    list_files,
    take_file,
    take_own_file,
)
from plugins.jobs.service.interviews import (
    answer_invitation,
    invite_applicant,
)
from plugins.jobs.service.personal_data import erase_citizen, export_citizen
from plugins.jobs.service.profiles import (
    find_cv,
    keep_cv,
    remove_cv,
)
from plugins.jobs.service.promises import (
    close_unanswered,
    remind_employers,
    show_answering,
)
from plugins.jobs.service.search import search_vacancies
from plugins.jobs.service.shares import (
    expire_shares,
    find_share,
    give_share,
    list_candidates,
    list_readings,
    list_shares,
    read_shared_cv,
    withdraw_all_shares,
    withdraw_share,
)
from plugins.jobs.service.vacancies import (
    decide_revision,
    fill_vacancy,
    find_job_posting,
    find_own_vacancy,
    find_vacancy,
    list_own_vacancies,
    list_revisions,
    list_waiting,
    post_vacancy,
    publish_vacancy,
    revise_vacancy,
    suspend_employer,
    withdraw_by_desk,
    withdraw_vacancy,
)

ATTENDED: tuple[Callable[[House], None], ...] = (
    expire_vacancies,
    remind_employers,
    close_unanswered,
    expire_shares,
)
"""What is due from time to time, a bounded part of it at each call; each may run twice at once."""

__all__ = [
    "ATTENDED",
    "accept_invitation",
    "admit_feed_client",
    "answer_application",
    "answer_invitation",
    "apply_for",
    "cancel_hire",
    "check_desk",
    "close_vacancy",
    "decide_employer",
    "decide_member",
    "decide_revision",
    "deny_hire",
    "dismiss_feed_client",
    "erase_citizen",
    "export_citizen",
    "fill_vacancy",
    "find_application",
    "find_cv",
    "find_job_posting",
    "find_my_employer",
    "find_own_vacancy",
    "find_received",
    "find_share",
    "find_vacancy",
    "give_share",
    "hire_applicant",
    "invite_applicant",
    "invite_member",
    "keep_cv",
    "leave_employer",
    "list_applications",
    "list_candidates",
    "list_employers",
    "list_files",
    "list_members",
    "list_my_employers",
    "list_own_vacancies",
    "list_readings",
    "list_received",
    "list_requested_members",
    "list_revisions",
    "list_shares",
    "list_waiting",
    "post_vacancy",
    "publish_vacancy",
    "read_shared_cv",
    "register_employer",
    "reinstate_employer",
    "remove_cv",
    "revise_vacancy",
    "search_vacancies",
    "show_answering",
    "show_employer",
    "suspend_employer",
    "take_file",
    "take_own_file",
    "withdraw_all_shares",
    "withdraw_application",
    "withdraw_by_desk",
    "withdraw_share",
    "withdraw_vacancy",
]
