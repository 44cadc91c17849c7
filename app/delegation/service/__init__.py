"""What can be done for others: asking, agreeing, acting, and ending it."""

from app.delegation.service.acting import (
    allow_payment,
    issue_acting_token,
    list_acts,
    list_guardians_acts,
    mandated,
    note_act,
    read_delegate,
    tell_delegates_payment,
)
from app.delegation.service.by_sms import ask_by_sms, read_answers, send_question
from app.delegation.service.counter import consent_at_counter, draft_at_counter
from app.delegation.service.deps import DelegationDeps
from app.delegation.service.drafting import draft_mandate, send_invitation
from app.delegation.service.guardianships import (
    claim_guardianship,
    confirm_guardianship,
    end_guardianship,
    find_guardianship,
    link_child,
    list_guardianships,
    view_guardianship,
)
from app.delegation.service.janitor import TICK_SECONDS, end_what_is_due
from app.delegation.service.mandates import (
    accept_mandate,
    consent_to_mandate,
    count_live_mandates,
    decline_mandate,
    find_mandate,
    list_mandates,
    revoke_mandate,
    revoke_scope,
)
from app.delegation.service.obligations import count_open
from app.delegation.service.organisations import (
    claim_organisation,
    close_organisation,
    find_organisation,
    list_agents,
    list_organisations,
    set_organisation_status,
    view_organisation,
)
from app.delegation.service.powers import mandate_of
from app.delegation.service.views import view_mandate

__all__ = [
    "TICK_SECONDS",
    "DelegationDeps",
    "accept_mandate",
    "allow_payment",
    "ask_by_sms",
    "claim_guardianship",
    "claim_organisation",
    "close_organisation",
    "confirm_guardianship",
    "consent_at_counter",
    "consent_to_mandate",
    "count_live_mandates",
    "count_open",
    "decline_mandate",
    "draft_at_counter",
    "draft_mandate",
    "end_guardianship",
    "end_what_is_due",
    "find_guardianship",
    "find_mandate",
    "find_organisation",
    "issue_acting_token",
    "link_child",
    "list_acts",
    "list_agents",
    "list_guardians_acts",
    "list_guardianships",
    "list_mandates",
    "list_organisations",
    "mandate_of",
    "mandated",
    "note_act",
    "read_answers",
    "read_delegate",
    "revoke_mandate",
    "revoke_scope",
    "send_invitation",
    "send_question",
    "set_organisation_status",
    "tell_delegates_payment",
    "view_guardianship",
    "view_mandate",
    "view_organisation",
]
