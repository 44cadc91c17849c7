"""What can be done with utility accounts, bills, postings and bill files."""

from plugins.utilities.service.accounts import (
    find_account,
    link_account,
    list_accounts,
    move_out,
    unlink_account,
)
from plugins.utilities.service.bills import (
    find_bill,
    list_bills,
    list_editions,
    list_open_bills,
    refresh_bills,
)
from plugins.utilities.service.complaints import (
    assign_complaint,
    close_complaint,
    find_complaint,
    list_complaints,
    list_desk_complaints,
    register_complaint,
    reopen_complaint,
    resolve_complaint,
)
from plugins.utilities.service.days import (
    compare_day,
    list_postings,
    make_posting_file,
    read_statement,
)
from plugins.utilities.service.desk import (
    admit_client,
    amend_bill,
    dismiss_client,
    list_clients,
    upload_bills,
    withdraw_open_bill,
)
from plugins.utilities.service.explanation import explain_bill
from plugins.utilities.service.feeds import close_feed, find_feed, open_feed, read_feed
from plugins.utilities.service.imports import import_bill_file
from plugins.utilities.service.look_ups import look_up_account
from plugins.utilities.service.meter_loads import ask_meters
from plugins.utilities.service.order_views import find_order, list_orders
from plugins.utilities.service.orders import mint_order, mint_order_for_others
from plugins.utilities.service.payables import ask_payable, list_payables
from plugins.utilities.service.personal_data import erase_citizen, export_citizen
from plugins.utilities.service.postings import find_posting, post_notice
from plugins.utilities.service.previews import preview_costs
from plugins.utilities.service.reminders import remind
from plugins.utilities.service.reversals import (
    reverse_posting,
    send_money_back,
    take_reversals,
)
from plugins.utilities.service.terms import find_terms
from plugins.utilities.service.usage import list_consumption

__all__ = [
    "admit_client",
    "amend_bill",
    "ask_meters",
    "ask_payable",
    "assign_complaint",
    "close_complaint",
    "close_feed",
    "compare_day",
    "dismiss_client",
    "erase_citizen",
    "explain_bill",
    "export_citizen",
    "find_account",
    "find_bill",
    "find_complaint",
    "find_feed",
    "find_order",
    "find_posting",
    "find_terms",
    "import_bill_file",
    "link_account",
    "list_accounts",
    "list_bills",
    "list_clients",
    "list_complaints",
    "list_consumption",
    "list_desk_complaints",
    "list_editions",
    "list_open_bills",
    "list_orders",
    "list_payables",
    "list_postings",
    "look_up_account",
    "make_posting_file",
    "mint_order",
    "mint_order_for_others",
    "move_out",
    "open_feed",
    "post_notice",
    "preview_costs",
    "read_feed",
    "read_statement",
    "refresh_bills",
    "register_complaint",
    "remind",
    "reopen_complaint",
    "resolve_complaint",
    "reverse_posting",
    "send_money_back",
    "take_reversals",
    "unlink_account",
    "upload_bills",
    "withdraw_open_bill",
]
