"""What can be done about staff: invite, let in, give and take power, look at citizens."""

from app.staff.service.acts import is_id, number_to, own_acts
from app.staff.service.citizens import find_citizen, unmask_field
from app.staff.service.deps import StaffDeps
from app.staff.service.invitations import (
    accept_invitation,
    bootstrap,
    invite_again,
    invite_member,
    open_invitation,
)
from app.staff.service.janitor import close_what_is_over
from app.staff.service.log_in import (
    ask_step_up,
    begin_session,
    change_password,
    finish_session,
    step_up,
)
from app.staff.service.members import (
    create_staff,
    describe_myself,
    list_members,
    permissions_of,
    read_member,
    suspend_member,
)
from app.staff.service.reader import read_staff
from app.staff.service.requests import (
    approve_request,
    list_requests,
    read_request,
    reject_request,
    request_act,
)
from app.staff.service.sessions import (
    end_staff_session,
    issue_sandbox_token,
    list_sessions,
    renew_session,
)

__all__ = [
    "StaffDeps",
    "accept_invitation",
    "approve_request",
    "ask_step_up",
    "begin_session",
    "bootstrap",
    "change_password",
    "close_what_is_over",
    "create_staff",
    "describe_myself",
    "end_staff_session",
    "find_citizen",
    "finish_session",
    "invite_again",
    "invite_member",
    "is_id",
    "issue_sandbox_token",
    "list_members",
    "list_requests",
    "list_sessions",
    "number_to",
    "open_invitation",
    "own_acts",
    "permissions_of",
    "read_member",
    "read_request",
    "read_staff",
    "reject_request",
    "renew_session",
    "request_act",
    "step_up",
    "suspend_member",
    "unmask_field",
]
