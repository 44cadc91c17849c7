"""The blueprint of this plug-in, and what its operations ask first."""

from app.sdk import Blueprint, House, acts_within, deps, officer, staff_department
from plugins.permits import service
from plugins.permits.errors import SeatNeeded
from plugins.permits.provider import PermitsProvider
from plugins.permits.values.tasks import Caller

DESK = "provider.operate"
"""The permission with which departments work at the desk; seats say what each may do."""
CREATED = 201

blueprint = Blueprint("permits", __name__, description="One application for many permits")


def house_of() -> House:
    """Return what the house gave this plug-in."""
    return deps(PermitsProvider).house


def visible(action: str = "view") -> list[str]:
    """Return the services that the caller may see, or submit to: all, but for a delegate."""
    services = {bundle.service for bundle in service.list_bundles()}
    return sorted(name for name in services if acts_within(name, action))


def caller() -> Caller:
    """Return who calls from which department, or raise `SeatNeeded` for staff of none."""
    department = staff_department()
    if department is None:
        raise SeatNeeded
    return Caller(officer(), department)
