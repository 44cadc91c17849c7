"""The rights of a person over what this plug-in keeps about them: each topic has its part."""

from collections.abc import Callable, Mapping

from app.sdk import House, UnitOfWork
from plugins.jobs.service.members import erase_member, export_member
from plugins.jobs.service.people import erase_people, export_people
from plugins.jobs.service.reports import erase_reports, export_reports
from plugins.jobs.service.saved_searches import erase_searches, export_searches

Export = Callable[[House, UnitOfWork, str], Mapping[str, object]]
Erase = Callable[[House, UnitOfWork, str], None]
PERSONAL: tuple[tuple[Export, Erase], ...] = (
    (export_member, erase_member),
    (export_people, erase_people),
    (export_searches, erase_searches),
    (export_reports, erase_reports),
)
"""For each topic: what it keeps about a citizen, and how it forgets them."""


def export_citizen(house: House, citizen_reference: str) -> Mapping[str, object]:
    """Return everything kept about a citizen, as JSON values."""
    found: dict[str, object] = {}
    with house.unit_of_work() as uow:
        for export, _ in PERSONAL:
            found |= export(house, uow, citizen_reference)
    return found


def erase_citizen(house: House, citizen_reference: str) -> None:
    """Forget a citizen in every topic; what belongs to an employer stays, and names nobody."""
    with house.unit_of_work() as uow:
        for _, erase in PERSONAL:
            erase(house, uow, citizen_reference)
