"""The blueprint of this plug-in, and whom its operations ask for first."""

from uuid import UUID

from app.sdk import Blueprint, House, citizen, deps, officer, staff_department
from plugins.traffic import service
from plugins.traffic.provider import TrafficProvider

CREATED = 201
OFFICER = "provider.operate"
blueprint = Blueprint("traffic", __name__, description="Traffic violations and fines")


def house_of() -> House:
    """Return what the house gave this plug-in."""
    return deps(TrafficProvider).house


def me() -> str:
    """Return the reference of the calling citizen."""
    return citizen().reference


def officer_of_the_police() -> UUID:
    """Return the calling member of staff; raise `OtherDepartment` for one of another."""
    service.check_department(staff_department())
    return officer()
