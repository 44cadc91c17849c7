"""What the audit trail is told about staff."""

from dataclasses import dataclass
from uuid import UUID

from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffInvited(AuditEvent):
    """Somebody was invited to join the staff."""

    name = "staff.invited"
    title_zh = "邀请工作人员"
    title_en = "A member of staff was invited"
    staff_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationAccepted(AuditEvent):
    """An invited person has set name, password and second factor."""

    name = "staff.invitation-accepted"
    title_zh = "工作人员启用账号"
    title_en = "A member of staff accepted the invitation"
    staff_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationRefused(AuditEvent):
    """Somebody brought an invitation that is not valid."""

    name = "staff.invitation-refused"
    title_zh = "工作人员邀请无效"
    title_en = "An invitation was refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffLoggedIn(AuditEvent):
    """A member of staff logged in with both factors."""

    name = "staff.logged-in"
    title_zh = "工作人员登录"
    title_en = "A member of staff logged in"
    staff_id: UUID
    session_id: UUID
    factor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffLogInFailed(AuditEvent):
    """A log-in of staff failed at the named step."""

    name = "staff.log-in-failed"
    title_zh = "工作人员登录失败"
    title_en = "A log-in of staff failed"
    step: str
    staff_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffSteppedUp(AuditEvent):
    """A member of staff proved the second factor again."""

    name = "staff.stepped-up"
    title_zh = "工作人员再次验证身份"
    title_en = "A member of staff proved the second factor again"
    staff_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffSessionEnded(AuditEvent):
    """A session of staff was ended, by its owner or by somebody who may."""

    name = "staff.session-ended"
    title_zh = "工作人员会话结束"
    title_en = "A session of staff was ended"
    staff_id: UUID
    session_id: UUID
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffSuspended(AuditEvent):
    """An account of staff was suspended."""

    name = "staff.suspended"
    title_zh = "工作人员账号停用"
    title_en = "An account of staff was suspended"
    staff_id: UUID
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffReinstated(AuditEvent):
    """A suspended account of staff was opened again."""

    name = "staff.reinstated"
    title_zh = "工作人员账号恢复"
    title_en = "An account of staff was opened again"
    staff_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffEnded(AuditEvent):
    """An account of staff was ended for good."""

    name = "staff.ended"
    title_zh = "工作人员账号注销"
    title_en = "An account of staff was ended"
    staff_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleGranted(AuditEvent):
    """A member of staff got a role."""

    name = "staff.role-granted"
    title_zh = "授予角色"
    title_en = "A role was granted"
    staff_id: UUID
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleRevoked(AuditEvent):
    """A member of staff lost a role."""

    name = "staff.role-revoked"
    title_zh = "撤销角色"
    title_en = "A role was revoked"
    staff_id: UUID
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PermissionElevated(AuditEvent):
    """A member of staff holds a further permission for a while."""

    name = "staff.permission-elevated"
    title_zh = "临时提升权限"
    title_en = "A permission was given for a while"
    staff_id: UUID
    permission: str
    minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ActRequested(AuditEvent):
    """Somebody asked for a dangerous act."""

    name = "staff.act-requested"
    title_zh = "申请敏感操作"
    title_en = "A dangerous act was asked for"
    request_id: UUID
    act: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ActApproved(AuditEvent):
    """A second person approved a dangerous act, and it was done."""

    name = "staff.act-approved"
    title_zh = "批准敏感操作"
    title_en = "A dangerous act was approved"
    request_id: UUID
    act: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ActRejected(AuditEvent):
    """A second person rejected a dangerous act."""

    name = "staff.act-rejected"
    title_zh = "驳回敏感操作"
    title_en = "A dangerous act was rejected"
    request_id: UUID
    act: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalRefused(AuditEvent):
    """Somebody tried to decide on a request that another person has to decide on."""

    name = "staff.approval-refused"
    title_zh = "审批被拒绝"
    title_en = "A decision on a request was refused"
    request_id: UUID
    act: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CitizenSought(AuditEvent):
    """The desk looked for a citizen by a number."""

    name = "staff.citizen-sought"
    title_zh = "工作人员查找您的账号"
    title_en = "Staff looked up your account"
    staff_id: UUID
    by: str
    found: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldUnmasked(AuditEvent):
    """A member of staff read one field of a citizen in clear."""

    name = "staff.field-unmasked"
    title_zh = "工作人员查看您的未脱敏信息"
    title_en = "Staff read a field of yours in clear"
    staff_id: UUID
    unmasking_id: UUID
    attribute: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmaskingRefused(AuditEvent):
    """A member of staff was refused a field in clear."""

    name = "staff.unmasking-refused"
    title_zh = "工作人员查看未脱敏信息被拒绝"
    title_en = "Staff were refused a field in clear"
    staff_id: UUID
    attribute: str
    why: str
