"""What the staff room refuses."""

from app.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Unauthenticated,
)


class StaffNotFound(NotFound):
    """There is no member of staff with this id."""

    code = "staff-not-found"
    title_zh = "没有这个工作人员"
    title_en = "There is no such member of staff"


class DepartmentUnknown(Invalid):
    """No department of the catalogue has this id."""

    code = "department-unknown"
    title_zh = "没有这个部门"
    title_en = "There is no such department"


class InvitationInvalid(Unauthenticated):
    """The invitation is none of ours, was used, or is over: the answer is the same."""

    code = "invitation-invalid"
    title_zh = "邀请无效或已过期"
    title_en = "The invitation is not valid"


class LoginTaken(Conflict):
    """Another member of staff has this log-in name."""

    code = "login-taken"
    title_zh = "登录名已被使用"
    title_en = "The log-in name is taken"


class LogInFailed(Unauthenticated):
    """A factor is wrong, or the account is not open: which of them it is, is not said."""

    code = "log-in-failed"
    title_zh = "登录名、密码或验证码不正确"
    title_en = "The name, the password or the second factor is wrong"


class SecondFactorWrong(Invalid):
    """The code of the authenticator app is wrong, or the passkey's answer is."""

    code = "second-factor-wrong"
    title_zh = "第二重验证不正确"
    title_en = "The second factor is wrong"


class PasswordTooOld(Invalid):
    """The password is older than ninety days: send `new_password` with the second factor."""

    code = "password-too-old"
    title_zh = "密码已超过90天，请设置新密码"
    title_en = "The password is too old; send a new one"


class PasswordStillGood(Invalid):
    """A new password at log-in is taken only when the old one is too old."""

    code = "password-still-good"
    title_zh = "当前密码仍在有效期内"
    title_en = "The password need not be changed now"


class RenewalInvalid(Unauthenticated):
    """The session is over, was idle too long, or this is not its latest renewal token."""

    code = "renewal-invalid"
    title_zh = "登录已失效，请重新登录"
    title_en = "The session cannot be renewed"


class StaffSessionNotFound(NotFound):
    """There is no such session that the caller may see."""

    code = "staff-session-not-found"
    title_zh = "没有这个登录会话"
    title_en = "There is no such session"


class NotOneself(Forbidden):
    """Nobody decides about themselves."""

    code = "not-oneself"
    title_zh = "不能对本人执行此操作"
    title_en = "This cannot be done to oneself"


class OfficesApart(Conflict):
    """The person holds a role of another office; the administrators are kept apart."""

    code = "offices-apart"
    title_zh = "系统、安全、审计管理员与业务角色不得兼任"
    title_en = "Roles of two offices cannot be held by one person"


class RoleHeld(Conflict):
    """The person holds this role already."""

    code = "role-held"
    title_zh = "该人员已有此角色"
    title_en = "The person holds this role already"


class RoleNotHeld(Conflict):
    """The person does not hold this role."""

    code = "role-not-held"
    title_zh = "该人员没有此角色"
    title_en = "The person does not hold this role"


class DepartmentNeeded(Conflict):
    """A department operator acts for a department, and this person has none."""

    code = "department-needed"
    title_zh = "部门经办人须指定所属部门"
    title_en = "A department operator needs a department"


class LastSecurityAdmin(Conflict):
    """Two security administrators have to stay, or nobody could approve anything."""

    code = "last-security-admin"
    title_zh = "至少须保留两名安全管理员"
    title_en = "Two security administrators have to stay"


class ActUnknown(Invalid):
    """No dangerous act has this name."""

    code = "act-unknown"
    title_zh = "没有这种操作"
    title_en = "There is no such act"


class ParametersInvalid(Invalid):
    """The parameters are not those of this act."""

    code = "parameters-invalid"
    title_zh = "操作参数不正确"
    title_en = "These are not the parameters of this act"


class RequestNotFound(NotFound):
    """There is no request with this id that the caller may see."""

    code = "request-not-found"
    title_zh = "没有这个申请"
    title_en = "There is no such request"


class RequestDecided(Conflict):
    """The request has been decided before, or its day is over."""

    code = "request-decided"
    title_zh = "该申请已处理或已过期"
    title_en = "The request has been decided before"


class OwnRequest(Forbidden):
    """Another person has to decide: the caller has asked for it, or it concerns them."""

    code = "own-request"
    title_zh = "不能审批本人的申请"
    title_en = "Another person has to decide on this"


class NotElevatable(Forbidden):
    """None of the caller's roles may be elevated to this permission."""

    code = "not-elevatable"
    title_zh = "您的角色不能申请此权限"
    title_en = "Your roles cannot be elevated to this permission"


class AttributeAbsent(NotFound):
    """The citizen has no such field: their name has not been proven."""

    code = "attribute-absent"
    title_zh = "该市民没有此项信息"
    title_en = "The citizen has no such field"


class TooManyUnmaskings(RateLimited):
    """The day's thirty fields have been read."""

    code = "too-many-unmaskings"
    title_zh = "今日查看未脱敏信息次数已达上限"
    title_en = "Too many fields were read in clear today"


class Bootstrapped(Conflict):
    """There are security administrators: everybody else is invited by them."""

    code = "bootstrapped"
    title_zh = "安全管理员已存在"
    title_en = "There are security administrators already"


class RequesterLost(Conflict):
    """Whoever has asked for the act may not ask for it any more."""

    code = "requester-lost"
    title_zh = "申请人已不具备相应权限"
    title_en = "Whoever asked may not ask for this any more"
