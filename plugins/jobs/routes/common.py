"""The blueprint of this plug-in, and what its operations ask first."""

from uuid import UUID

from app.sdk import Blueprint, House, citizen, deps, officer, staff_department
from plugins.jobs import service
from plugins.jobs.provider import JobsProvider

CREATED = 201
OFFICER = "provider.operate"

blueprint = Blueprint("jobs", __name__, description="Employers, vacancies and applications")


def house_of() -> House:
    """Return what the house gave this plug-in."""
    return deps(JobsProvider).house


def me() -> str:
    """Return the calling citizen's reference."""
    return citizen().reference


def desk_officer() -> UUID:
    """Return the calling officer; those of other departments are refused."""
    service.check_desk(staff_department())
    return officer()
