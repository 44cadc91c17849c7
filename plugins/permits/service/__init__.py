"""What can be done with bundles, applications, tasks and their clocks."""

from plugins.permits.service.alarms import list_alarms, see_alarm
from plugins.permits.service.answers import (
    conditions_hold,
    fee_for,
    materials_for,
    read_answers,
    tasks_for,
)
from plugins.permits.service.application_clock import export_clock, find_clock
from plugins.permits.service.applications import (
    answer_supplement,
    begin_application,
    find_application,
    list_applications,
    save_answers,
    submit_application,
    withdraw_application,
)
from plugins.permits.service.bpmn import export_bpmn
from plugins.permits.service.bundles import find_bundle, list_bundles, load_bundles
from plugins.permits.service.calendar import find_year, set_day
from plugins.permits.service.consultations import (
    answer_consultation,
    consult_department,
    list_consultations,
    recall_consultations,
)
from plugins.permits.service.decisions import decide, propose, send_back
from plugins.permits.service.fee_deadlines import attend_fees
from plugins.permits.service.fee_terms import find_fee_terms
from plugins.permits.service.fees import (
    find_payment,
    get_payable,
    list_payables,
    return_fees,
    take_payment,
)
from plugins.permits.service.handing_in import (
    hand_in,
    hand_in_at_desk,
    list_desk_materials,
    list_my_materials,
    list_task_materials,
    read_desk_file,
    read_my_file,
    read_task_file,
    undertake,
    use_certificate,
)
from plugins.permits.service.intake import (
    accept_application,
    ask_at_intake,
    judge_at_intake,
    list_desk_applications,
    read_desk_application,
    refuse_intake,
)
from plugins.permits.service.lamps import attend_clocks
from plugins.permits.service.meetings import call_meeting, close_meeting, give_opinion
from plugins.permits.service.personal_data import erase_citizen, export_citizen
from plugins.permits.service.promises import return_broken
from plugins.permits.service.ratings import (
    answer_rating,
    assign_rating,
    call_back,
    close_rating,
    contact_rater,
    find_rating,
    list_figures,
    list_rating_cases,
    rate_application,
    read_rating_case,
)
from plugins.permits.service.results import issue_decided
from plugins.permits.service.seats import give_seat, list_seats, seat_role, take_seat
from plugins.permits.service.tasks import (
    ask_in_review,
    begin_procedure,
    begin_review,
    claim_task,
    end_procedure,
    judge_in_review,
    list_tasks,
    read_task,
    release_task,
)
from plugins.permits.service.xes import export_xes

ATTENDED = (
    attend_clocks,
    return_broken,
    issue_decided,
    attend_fees,
    return_fees,
)
"""What is done by the clock, in this order; each a bounded part, and safe to run again."""

__all__ = [
    "ATTENDED",
    "accept_application",
    "answer_consultation",
    "answer_rating",
    "answer_supplement",
    "ask_at_intake",
    "ask_in_review",
    "assign_rating",
    "attend_clocks",
    "attend_fees",
    "begin_application",
    "begin_procedure",
    "begin_review",
    "call_back",
    "call_meeting",
    "claim_task",
    "close_meeting",
    "close_rating",
    "conditions_hold",
    "consult_department",
    "contact_rater",
    "decide",
    "end_procedure",
    "erase_citizen",
    "export_bpmn",
    "export_citizen",
    "export_clock",
    "export_xes",
    "fee_for",
    "find_application",
    "find_bundle",
    "find_clock",
    "find_fee_terms",
    "find_payment",
    "find_rating",
    "find_year",
    "get_payable",
    "give_opinion",
    "give_seat",
    "hand_in",
    "hand_in_at_desk",
    "issue_decided",
    "judge_at_intake",
    "judge_in_review",
    "list_alarms",
    "list_applications",
    "list_bundles",
    "list_consultations",
    "list_desk_applications",
    "list_desk_materials",
    "list_figures",
    "list_my_materials",
    "list_payables",
    "list_rating_cases",
    "list_seats",
    "list_task_materials",
    "list_tasks",
    "load_bundles",
    "materials_for",
    "propose",
    "rate_application",
    "read_answers",
    "read_desk_application",
    "read_desk_file",
    "read_my_file",
    "read_rating_case",
    "read_task",
    "read_task_file",
    "recall_consultations",
    "refuse_intake",
    "release_task",
    "return_broken",
    "return_fees",
    "save_answers",
    "seat_role",
    "see_alarm",
    "send_back",
    "set_day",
    "submit_application",
    "take_payment",
    "take_seat",
    "tasks_for",
    "undertake",
    "use_certificate",
    "withdraw_application",
]
