"""A case that goes through the hands of a department, and the officers whose hands those are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.tokens import Tokens
from app.factory import Rooms
from app.sdk import Citizen as Person
from app.sdk import House, UnitOfWork
from app.sdk.context import DirectoryOfCitizens
from app.staff import service as staff_service
from app.staff.values import Role
from plugins.permits import service
from plugins.permits.models import Application, Task
from plugins.permits.provider import PermitsProvider
from plugins.permits.service.seats import give_seat
from plugins.permits.values.applications import DraftWish
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import FINAL, Caller, RefusalReason, TaskStatus, Verdict
from tests.factories import bearer
from tests.plugins.permits.files import hand_in_all

APPROVED = Verdict(TaskStatus.APPROVED)
REFUSED = Verdict(TaskStatus.REFUSED, words="不符合条件", reason=RefusalReason.CONDITIONS_NOT_MET)


@dataclass(frozen=True, slots=True)
class Officer:
    """A member of staff with a seat, and how they call."""

    caller: Caller
    token: str

    @property
    def auth(self) -> dict[str, str]:
        """Return the header that a request of this officer carries."""
        return bearer(self.token)

    @property
    def id(self) -> str:
        """Return whose seat it is."""
        return str(self.caller.staff_id)


def house_of(rooms: Rooms) -> House:
    """Return what the house gave the plug-in."""
    return rooms.deps[PermitsProvider].house


def seat(rooms: Rooms, department: str, *roles: SeatRole) -> Officer:
    """Return a fresh officer of a department with these roles."""
    with rooms.units.open(actor="test") as uow:
        staff = staff_service.create_staff(
            uow, "test officer", Role.DEPARTMENT_OPERATOR, department
        )
        token = staff_service.issue_sandbox_token(uow, rooms.deps[Tokens], staff)
        staff_id = staff if isinstance(staff, UUID) else staff.id
    with house_of(rooms).unit_of_work() as uow:
        for role in roles:
            give_seat(uow, staff_id, role, department, decides_alone=False)
    return Officer(Caller(staff_id, department), token)


def see(rooms: Rooms, citizen_id: str) -> Person:
    """Return a citizen as the plug-in sees them."""
    return rooms.deps[DirectoryOfCitizens].directory.view("permits", UUID(citizen_id))


def accept(
    rooms: Rooms, citizen_id: str, bundle: str, answers: Mapping[str, Any], clerk: Officer
) -> UUID:
    """Return an application that a citizen has handed in and the lead department has accepted."""
    house, person = house_of(rooms), see(rooms, citizen_id)
    services = {each.service for each in service.list_bundles()}
    with house.unit_of_work() as uow:
        draft = service.begin_application(house, uow, person, DraftWish(bundle, answers), services)
    hand_in_all(house, draft.id)
    with house.unit_of_work() as uow:
        name = person.attributes.get("name")
        mine = (person.reference, draft.id, services)
        sent = service.submit_application(house, uow, *mine, name=name)
    with house.unit_of_work() as uow:
        service.accept_application(house, uow, clerk.caller, sent.id, sent.version)
    return sent.id


def ready_tasks(uow: UnitOfWork, application_id: UUID) -> list[Task]:
    """Return the tasks that somebody can claim now."""
    statement = select(Task).where(
        Task.application_id == application_id, Task.status == TaskStatus.READY
    )
    return list(uow.scalars(statement.order_by(Task.template)))


def work(
    rooms: Rooms, task_id: UUID, clerk: Officer, decider: Officer, verdict: Verdict = APPROVED
) -> None:
    """Let a clerk propose and a decider decide one task."""
    house = house_of(rooms)
    with house.unit_of_work() as uow:
        version = uow.get_one(Task, task_id).version
        version = service.claim_task(house, uow, clerk.caller, task_id, version).line.version
    with house.unit_of_work() as uow:
        version = service.begin_review(house, uow, clerk.caller, task_id, version).line.version
    with house.unit_of_work() as uow:
        shown = service.propose(house, uow, clerk.caller, task_id, version, verdict)
    with house.unit_of_work() as uow:
        service.decide(house, uow, decider.caller, task_id, shown.line.version, verdict)


def finish(
    rooms: Rooms, application_id: UUID, clerk: Officer, decider: Officer, *refused: str
) -> str:
    """Decide everything of one department's application, and return how it ended."""
    house = house_of(rooms)
    while True:
        with house.unit_of_work() as uow:
            ready = [(task.id, task.template) for task in ready_tasks(uow, application_id)]
        if not ready:
            break
        for task_id, template in ready:
            verdict = REFUSED if template in refused else APPROVED
            work(rooms, task_id, clerk, decider, verdict)
    with house.unit_of_work() as uow:
        left = select(Task.template).where(
            Task.application_id == application_id, Task.status.not_in(FINAL)
        )
        assert uow.scalars(left).all() == []
    service.issue_decided(house)
    with house.unit_of_work() as uow:
        return uow.get_one(Application, application_id).status
