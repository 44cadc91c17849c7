"""Citizens who apply and officers who decide, without HTTP: what happens is what services do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import text

from app.factory import Rooms
from app.sdk import Citizen, House, new_id
from plugins.permits import service
from plugins.permits.values.applications import ApplicationView, DraftWish
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import Ask, Caller, TaskStatus, TaskView, Verdict
from tests.plugins.permits.answers import CONSTRUCTION, SMALL_FACTORY
from tests.plugins.permits.files import hand_in_all

T = TypeVar("T")
ALL = [bundle.service for bundle in service.list_bundles()]
LEAD = "housing-construction-bureau"
APPROVED = Verdict(TaskStatus.APPROVED)


def new_citizen() -> Citizen:
    """Return a citizen whom nobody tells anything: there is no letterbox."""
    return Citizen(reference=f"c-{uuid4().hex}")


def make_officer(house: House, department: str, *roles: str, alone: bool = False) -> Caller:
    """Return a fresh member of staff with seats in a department."""
    caller = Caller(new_id(), department)
    with house.unit_of_work() as uow:
        for role in roles:
            only = alone and role == "decider"
            service.give_seat(uow, caller.staff_id, SeatRole(role), department, decides_alone=only)
    return caller


@dataclass(frozen=True)
class Office:
    """Everything that can be done, each in a unit of its own."""

    house: House

    def run(self, act: Callable[..., T], *args: Any, **more: Any) -> T:  # noqa: ANN401
        """Call a service that takes house and unit."""
        with self.house.unit_of_work() as uow:
            return act(self.house, uow, *args, **more)

    def officer(self, department: str, *roles: str, alone: bool = False) -> Caller:
        return make_officer(self.house, department, *roles, alone=alone)

    def begin(
        self,
        citizen: Citizen,
        answers: Mapping[str, Any] = CONSTRUCTION,
        bundle: str = "construction-start",
    ) -> ApplicationView:
        return self.run(service.begin_application, citizen, DraftWish(bundle, answers), ALL)

    def submitted(
        self,
        citizen: Citizen,
        answers: Mapping[str, Any] = CONSTRUCTION,
        bundle: str = "construction-start",
    ) -> ApplicationView:
        made = self.begin(citizen, answers, bundle)
        hand_in_all(self.house, made.id)
        mine = (citizen.reference, made.id, ALL)
        name = citizen.attributes.get("name")
        return self.run(service.submit_application, *mine, name=name)

    def accepted(
        self,
        citizen: Citizen,
        answers: Mapping[str, Any] = SMALL_FACTORY,
        bundle: str = "construction-start",
    ) -> ApplicationView:
        """Return an application whose tasks are open; three of them by default."""
        made = self.submitted(citizen, answers, bundle)
        clerk = self.officer(made.lead, "clerk")
        return self.run(service.accept_application, clerk, made.id, made.version)

    def shown(self, citizen: Citizen, application_id: UUID) -> ApplicationView:
        return self.run(service.find_application, citizen.reference, application_id, ALL)

    def states(self, citizen: Citizen, application_id: UUID) -> dict[str, str]:
        tasks = self.shown(citizen, application_id).tasks
        return {task.template: task.status for task in tasks}

    def task(self, citizen: Citizen, application_id: UUID, template: str) -> UUID:
        tasks = self.shown(citizen, application_id).tasks
        return next(task.id for task in tasks if task.template == template)

    def act(self, act: Callable[..., TaskView], who: Caller, task_id: UUID, *more: Any) -> TaskView:  # noqa: ANN401
        """Do something at the desk with a task as it is now."""
        version = self.run(service.read_task, who, task_id).line.version
        return self.run(act, who, task_id, version, *more)

    def reviewed(self, who: Caller, task_id: UUID) -> TaskView:
        """Claim a task and begin to review it."""
        self.act(service.claim_task, who, task_id)
        return self.act(service.begin_review, who, task_id)

    def proposed(self, who: Caller, task_id: UUID, verdict: Verdict = APPROVED) -> TaskView:
        self.reviewed(who, task_id)
        return self.act(service.propose, who, task_id, verdict)

    def decided(self, task_id: UUID, department: str, verdict: Verdict = APPROVED) -> TaskView:
        """Have two officers of a department decide a task, holding a meeting where one is due."""
        clerk = self.officer(department, "clerk")
        decider = self.officer(department, "decider")
        view = self.reviewed(clerk, task_id)
        if view.line.template in ("drawing-review", "site-visit"):
            self.act(service.call_meeting, clerk, task_id)
            (meeting,) = self.run(service.read_task, clerk, task_id).meetings
            for invited in meeting.departments:
                member = self.officer(invited, "clerk")
                self.run(service.give_opinion, member, meeting.id, "agreed", "同意")
            self.act(service.close_meeting, clerk, task_id, "一致同意")
        self.act(service.propose, clerk, task_id, verdict)
        return self.act(service.decide, decider, task_id, verdict)


def ask(words: str = "请补充", *fields: str) -> Ask:
    """Return what is asked of a citizen."""
    return Ask(words, fields)


def moves_of(rooms: Rooms, record_id: UUID) -> list[tuple[str, str]]:
    """Return state and cause of each move of a record, the first one first."""
    # The clock of a task or an intake has the same id, and moves of its own.
    statement = (
        "select to_state, cause from event_log where entity_id = :id and entity != 'permits_clock'"
        " order by sequence"
    )
    return [(row[0], row[1]) for row in rows(rooms, statement, id=record_id)]


def rows(rooms: Rooms, statement: str, **values: object) -> list[tuple[Any, ...]]:
    """Return what PostgreSQL has."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return [tuple(row) for row in uow.execute(text(statement), values)]


def change(rooms: Rooms, table: str, what: str, where: str, **values: object) -> None:
    """Let whoever writes past the product try to change rows of a table."""
    run_sql(rooms, f"update plugin_permits.{table} set {what} where {where}", **values)  # noqa: S608


def run_sql(rooms: Rooms, statement: str, **values: object) -> None:
    """Let whoever writes past the product try."""
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(statement), values)
