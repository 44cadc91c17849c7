"""What can be done with vehicles, violations, objections and fines."""

from plugins.traffic.service.attendance import attend
from plugins.traffic.service.contests import (
    add_evidence,
    ask_for_evidence,
    decide_contest,
    file_contest,
    find_contest,
    list_contests,
    list_waiting,
    read_contest,
    take_contest,
)
from plugins.traffic.service.evidence import view_evidence
from plugins.traffic.service.linking import (
    find_licence,
    find_vehicle,
    link_licence,
    link_vehicle,
    list_vehicles,
    show_licence,
    show_vehicle,
    unlink_licence,
    unlink_vehicle,
)
from plugins.traffic.service.lookups import admit_guest, look_up
from plugins.traffic.service.officers import check_department, name_badge
from plugins.traffic.service.payables import ask_payable, list_payables
from plugins.traffic.service.personal_data import erase_citizen, export_citizen
from plugins.traffic.service.postings import find_posting, post_notice
from plugins.traffic.service.refresh import refresh
from plugins.traffic.service.reliefs import (
    ask_relief,
    decide_relief,
    list_reliefs,
    list_waiting_reliefs,
)
from plugins.traffic.service.sheets import find_sheet
from plugins.traffic.service.studies import ask_study, find_points, list_studies
from plugins.traffic.service.violations import accept_violation, find_violation, list_violations

__all__ = [
    "accept_violation",
    "add_evidence",
    "admit_guest",
    "ask_for_evidence",
    "ask_payable",
    "ask_relief",
    "ask_study",
    "attend",
    "check_department",
    "decide_contest",
    "decide_relief",
    "erase_citizen",
    "export_citizen",
    "file_contest",
    "find_contest",
    "find_licence",
    "find_points",
    "find_posting",
    "find_sheet",
    "find_vehicle",
    "find_violation",
    "link_licence",
    "link_vehicle",
    "list_contests",
    "list_payables",
    "list_reliefs",
    "list_studies",
    "list_vehicles",
    "list_violations",
    "list_waiting",
    "list_waiting_reliefs",
    "look_up",
    "name_badge",
    "post_notice",
    "read_contest",
    "refresh",
    "show_licence",
    "show_vehicle",
    "take_contest",
    "unlink_licence",
    "unlink_vehicle",
    "view_evidence",
]
