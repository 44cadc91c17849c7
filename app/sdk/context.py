"""What a plug-in's routes may ask about the request they answer."""

from uuid import UUID

from flask import request

from app.core.unit_of_work import UnitOfWork
from app.http import context
from app.http.context import deps
from app.sdk.provider import Citizen
from app.sdk.registry import Directory

__all__ = [
    "acts_within",
    "citizen",
    "deps",
    "integrator",
    "officer",
    "request_unit",
    "staff_department",
]


class DirectoryOfCitizens:
    """The key under which the factory hands over the directory."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory


def citizen() -> Citizen:
    """Return the calling citizen as this plug-in sees them; a blueprint is named as its plug-in."""
    plugin = request.blueprint or ""
    return deps(DirectoryOfCitizens).directory.view(plugin, context.principal().id)


def acts_within(service: str, action: str = "view") -> bool:
    """Say whether the caller may do this with a service: a citizen may, a delegate by mandate.

    An operation that is open to delegates (`acting`) and speaks of several services asks for each.
    """
    mandate = context.principal().mandate
    return mandate is None or mandate.allows(action, service)


def integrator() -> UUID:
    """Return the client that calls in its own name (`Blueprint.integrator`).

    Its scope says what it may do; whose affairs it may do it in is the plug-in's to keep.
    """
    return context.principal().id


def officer() -> UUID:
    """Return the calling member of staff (`Blueprint.staff`): who did it, in a record of yours."""
    return context.principal().id


def staff_department() -> str | None:
    """Return the department of the calling member of staff."""
    return context.principal().department


def request_unit() -> UnitOfWork:
    """Return the unit of work of this request, committed when the view has returned."""
    return context.unit()
