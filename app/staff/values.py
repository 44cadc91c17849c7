"""The permission table, the states of the room's records, and what the room takes and gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.core.unit_of_work import UnitOfWork


class Office(StrEnum):
    """The powers that are kept apart (MLPS 3): one person holds roles of one office only."""

    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"
    OPERATIONS = "operations"


class Role(StrEnum):
    """What a member of staff is there for."""

    SYSTEM_ADMIN = "system-admin"
    SECURITY_ADMIN = "security-admin"
    AUDITOR = "auditor"
    FINANCE = "finance"
    FINANCE_APPROVER = "finance-approver"
    CATALOG_EDITOR = "catalog-editor"
    DEPARTMENT_OPERATOR = "department-operator"
    COUNTER_CLERK = "counter-clerk"
    CITIZEN_SUPPORT = "citizen-support"
    IDENTITY_OFFICER = "identity-officer"


SELF = "self"
"""What every member of staff may do: read and end their own sessions, ask for more."""


@dataclass(frozen=True, slots=True)
class Words:
    """A title in Chinese and English."""

    zh: str
    en: str


PERMISSIONS_BY_NAME: Mapping[str, Words] = {
    SELF: Words("管理本人的登录与申请", "Manage one's own sessions and requests"),
    "jobs.operate": Words("处置后台任务", "Operate background jobs"),
    "catalog.operate": Words("维护服务目录", "Maintain the catalogue of services"),
    "staff.manage": Words("管理工作人员账号与角色", "Manage accounts and roles of staff"),
    "integrators.manage": Words("管理接入方", "Manage integrators"),
    "providers.review": Words("审核服务提供方", "Review providers of services"),
    "providers.operate": Words("暂停服务提供方与灰度", "Suspend providers, set their share"),
    "sessions.end": Words("强制下线", "End other people's sessions"),
    "ledger.read": Words("查看账簿", "Read the ledger"),
    "ledger.correct": Words("提出账簿更正", "Propose corrections of the ledger"),
    "ledger.approve": Words("批准账簿更正", "Approve corrections of the ledger"),
    "settlement.read": Words("查看结算与对账单", "Read settlements and statements"),
    "settlement.propose": Words("编制结算批次与收款账户", "Propose settlements and bank accounts"),
    "settlement.approve": Words("批准结算批次与收款账户", "Approve settlements and bank accounts"),
    "payments.read": Words("查看支付记录", "Read payments"),
    "payments.review": Words("复核支付", "Review payments"),
    "refunds.request": Words("申请退款", "Ask for refunds"),
    "refunds.approve": Words("批准退款", "Approve refunds"),
    "reconciliation.operate": Words("处理对账", "Operate reconciliation"),
    "reconciliation.read": Words("查看对账", "Read reconciliation"),
    "audit.read": Words("查看审计记录", "Read the audit trail"),
    "provider.operate": Words("办理本部门业务", "Operate one's department's services"),
    "identity.confirm": Words("当面核验市民身份", "Confirm a citizen's identity at the counter"),
    "delegation.confirm": Words(
        "当面核验代办与监护", "Confirm mandates and guardians at the counter"
    ),
    "identity.find": Words("按手机号或身份证号查找市民", "Find a citizen by number"),
    "corrections.review": Words("审核更正申请", "Decide requests for correction"),
    "identity.unmask": Words("查看市民未脱敏信息", "Read a citizen's masked field in clear"),
}
"""Every permission there is; what is not here can be given to nobody."""


@dataclass(frozen=True, slots=True)
class RoleCard:
    """One row of the permission table: what a role may do, and what it may be elevated to."""

    office: Office
    title: Words
    permissions: frozenset[str]
    elevations: frozenset[str] = frozenset()


# The three administrators are kept apart: who operates cannot read the trail, who reads the trail
# cannot change anything, who grants rights can do neither.
ROLES: Mapping[Role, RoleCard] = {
    Role.SYSTEM_ADMIN: RoleCard(
        Office.SYSTEM,
        Words("系统管理员", "System administrator"),
        frozenset({"jobs.operate", "catalog.operate", "providers.operate"}),
    ),
    Role.SECURITY_ADMIN: RoleCard(
        Office.SECURITY,
        Words("安全管理员", "Security administrator"),
        frozenset({"staff.manage", "integrators.manage", "sessions.end"}),
    ),
    Role.AUDITOR: RoleCard(
        Office.AUDIT,
        Words("审计管理员", "Audit administrator"),
        frozenset({"ledger.read", "payments.read", "reconciliation.read", "audit.read"}),
    ),
    Role.FINANCE: RoleCard(
        Office.OPERATIONS,
        Words("财务人员", "Finance officer"),
        frozenset(
            {
                "ledger.read",
                "payments.read",
                "payments.review",
                "refunds.request",
                "refunds.approve",
                "reconciliation.read",
                "reconciliation.operate",
                "ledger.correct",
                "settlement.read",
                "settlement.propose",
            }
        ),
    ),
    Role.FINANCE_APPROVER: RoleCard(
        Office.OPERATIONS,
        Words("财务复核人员", "Finance approver"),
        frozenset(
            {
                "ledger.read",
                "ledger.approve",
                "payments.read",
                "settlement.read",
                "settlement.approve",
            }
        ),
    ),
    Role.CATALOG_EDITOR: RoleCard(
        Office.OPERATIONS,
        Words("目录编辑", "Catalogue editor"),
        frozenset({"catalog.operate", "providers.review"}),
    ),
    Role.DEPARTMENT_OPERATOR: RoleCard(
        Office.OPERATIONS,
        Words("部门经办人", "Department operator"),
        frozenset({"provider.operate", "refunds.request"}),
    ),
    Role.COUNTER_CLERK: RoleCard(
        Office.OPERATIONS,
        Words("窗口人员", "Counter clerk"),
        frozenset({"identity.confirm", "delegation.confirm"}),
    ),
    Role.CITIZEN_SUPPORT: RoleCard(
        Office.OPERATIONS,
        Words("市民客服", "Citizen support"),
        frozenset({"identity.find"}),
        elevations=frozenset({"identity.unmask"}),
    ),
    Role.IDENTITY_OFFICER: RoleCard(
        Office.OPERATIONS,
        Words("身份核验员", "Identity officer"),
        frozenset({"identity.find", "identity.unmask", "corrections.review"}),
    ),
}
"""The permission table: the only place where a role gets what it may do (docs/roles.md)."""

PERMISSIONS: Mapping[Role, frozenset[str]] = {
    role: card.permissions | {SELF} for role, card in ROLES.items()
}


class StaffStatus(StrEnum):
    """The states of a member of staff."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class StaffSessionStatus(StrEnum):
    """The states of a session: nothing is open before the second factor."""

    WAITING = "waiting"
    ACTIVE = "active"
    ENDED = "ended"


class RequestStatus(StrEnum):
    """The states of a dangerous act that somebody has asked for."""

    REQUESTED = "requested"
    APPROVED = "approved"
    EXECUTED = "executed"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Factor(StrEnum):
    """What can be a second factor."""

    TOTP = "totp"
    PASSKEY = "passkey"


class Attribute(StrEnum):
    """A field of a citizen that is shown masked, and in clear for a reason."""

    PHONE = "phone"
    NAME = "name"
    RESIDENT_ID = "resident_id"


Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its act sees it: who asked, who approved, why, with which parameters."""

    id: UUID
    requested_by: UUID
    approved_by: UUID | None
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Act:
    """A dangerous act: what it takes, who may ask for it, who may approve it, and what it does.

    `parameters` names each parameter with a check; all of them must come and nothing else.
    `examine` raises when the act could not be done now; it is asked before a request is kept and
    again before `execute`, which runs in the transaction of the approval. `subject_of` names the
    member of staff whom the act concerns: they can neither approve it nor (unless `for_oneself`)
    ask for it.
    """

    name: str
    title: Words
    may_request: str
    may_approve: str
    parameters: Mapping[str, Callable[[object], bool]]
    execute: Callable[[UnitOfWork, Asked], None]
    examine: Callable[[UnitOfWork, Asked], None] | None = None
    subject_of: Callable[[Asked], UUID | None] | None = None
    for_oneself: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The figures of the room (MLPS 3, NIST SP 800-63B)."""

    idle: timedelta = timedelta(minutes=15)
    absolute: timedelta = timedelta(hours=8)
    second_factor_within: timedelta = timedelta(minutes=5)
    invitation: timedelta = timedelta(hours=72)
    dormant: timedelta = timedelta(days=90)
    request: timedelta = timedelta(hours=24)
    unmaskings: int = 30


POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation as the inviter sees it, this once."""

    id: UUID
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """What an invited person sets a second factor up with."""

    label: str
    totp_secret: str
    totp_uri: str
    passkey: Mapping[str, Any]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What an invited person chooses: a name, a password, and one second factor."""

    token: str
    login: str
    password: str
    totp_code: str | None = None
    passkey: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """A second factor: a code of an authenticator app, or what a passkey has answered."""

    totp_code: str | None = None
    passkey: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A log-in after its first step: nothing is open; the ticket belongs to the second."""

    id: UUID
    ticket: str
    factors: tuple[str, ...]
    passkey: Mapping[str, Any] | None
    password_expired: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StepUpAsked:
    """Which factors somebody has, and what a passkey would have to answer."""

    factors: tuple[str, ...]
    passkey: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Elevated:
    """A permission that somebody holds for a while."""

    permission: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class StaffView:
    """A member of staff as others of the staff see them."""

    id: UUID
    label: str
    login: str | None
    department: str | None
    status: str
    roles: tuple[str, ...]
    last_seen_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StaffMe:
    """A member of staff as they see themselves."""

    id: UUID
    label: str
    login: str | None
    department: str | None
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    elevations: tuple[Elevated, ...]


@dataclass(frozen=True, slots=True)
class StaffSessionView:
    """A session as its owner sees it."""

    id: UUID
    means: str
    second_factor: str | None
    created_at: datetime
    last_seen_at: datetime
    idle_until: datetime
    expires_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class StaffSignedIn:
    """The tokens of a session of staff, shown once."""

    access_token: str
    expires_in: int
    renewal_token: str
    session_id: UUID
    idle_until: datetime
    expires_at: datetime
    token_type: str = "Bearer"  # noqa: S105 - a word of RFC 6749

    @property
    def session(self) -> Mapping[str, object]:
        """Return the session as it is shown."""
        return {"id": self.session_id, "idle_until": self.idle_until, "expires_at": self.expires_at}


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as its requester and its approvers see it."""

    id: UUID
    act: str
    title: Words
    parameters: Parameters
    reason: str
    status: str
    requested_by: UUID
    decided_by: UUID | None
    created_at: datetime
    decided_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FoundCitizen:
    """A citizen as the desk finds them: masked."""

    id: UUID
    phone: str
    name: str | None
    resident_id: str | None
    assurance: str
    status: str


@dataclass(frozen=True, slots=True)
class Unmasked:
    """One field of one citizen in clear."""

    id: UUID
    citizen_id: UUID
    attribute: str
    value: str
    at: datetime
