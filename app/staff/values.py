"""The states of a member of staff, and who of them may do what."""

from collections.abc import Mapping
from enum import StrEnum


class StaffStatus(StrEnum):
    """The states of a member of staff."""

    ACTIVE = "active"
    ENDED = "ended"


class Role(StrEnum):
    """What a member of staff is there for."""

    SYSTEM_ADMIN = "system-admin"
    SECURITY_ADMIN = "security-admin"
    AUDITOR = "auditor"
    FINANCE = "finance"
    CATALOG_EDITOR = "catalog-editor"
    DEPARTMENT_OPERATOR = "department-operator"
    COUNTER_CLERK = "counter-clerk"


# The three administrators are kept apart (MLPS 3): who operates cannot read the trail, who reads
# the trail cannot change anything, who grants rights can do neither.
PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.SYSTEM_ADMIN: frozenset({"jobs.operate", "catalog.operate"}),
    Role.SECURITY_ADMIN: frozenset({"staff.manage", "integrators.manage", "sessions.end"}),
    Role.AUDITOR: frozenset({"ledger.read", "payments.read", "audit.read"}),
    Role.FINANCE: frozenset(
        {
            "ledger.read",
            "payments.read",
            "payments.review",
            "refunds.request",
            "refunds.approve",
            "reconciliation.operate",
        }
    ),
    Role.CATALOG_EDITOR: frozenset({"catalog.operate"}),
    Role.DEPARTMENT_OPERATOR: frozenset({"provider.operate"}),
    Role.COUNTER_CLERK: frozenset({"identity.confirm", "delegation.confirm"}),
}
