"""An office of the sandbox: citizens apply, officers work, and it is whatever time a test says."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, text

from app.core.clock import now
from app.factory import Rooms
from app.sdk import Citizen, House, UnitOfWork, history
from app.sdk.context import DirectoryOfCitizens
from plugins.permits import service
from plugins.permits.models import Application, Clock, ClockAlarm, Supplement, Task
from plugins.permits.provider import PermitsProvider
from plugins.permits.values.bundles import Procedure
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import (
    Ask,
    Caller,
    ConsultationWish,
    TaskStatus,
    TaskView,
    Verdict,
)
from tests.factories import later
from tests.plugins.permits.answers import CONSTRUCTION
from tests.plugins.permits.office import Office as Services
from tests.plugins.permits.worked_examples import beijing, shown

SERVICES = [bundle.service for bundle in service.list_bundles()]


@contextmanager
def at(moment: str) -> Iterator[None]:
    """Let it be a moment of Beijing's for the enclosed lines."""
    with later((beijing(moment) - now()).total_seconds()):
        yield


class Office:
    """What a test does to applications, without the desk's HTTP."""

    def __init__(self, rooms: Rooms) -> None:
        found = rooms.hosted.plugins["permits"].provider
        assert isinstance(found, PermitsProvider)
        self.provider = found
        self.house: House = found.house
        self.rooms = rooms
        self._callers: dict[str, Caller] = {}

    def caller(self, department: str) -> Caller:
        """Return an officer who may do everything in a department."""
        if department not in self._callers:
            made = Caller(uuid4(), department)
            with self.rooms.units.open(actor="test") as uow:
                for role in SeatRole:
                    alone = role is SeatRole.DECIDER
                    service.give_seat(uow, made.staff_id, role, department, decides_alone=alone)
            self._callers[department] = made
        return self._callers[department]

    @property
    def staff_ids(self) -> list[str]:
        """Return who has worked here."""
        return [str(caller.staff_id) for caller in self._callers.values()]

    def view(self, citizen_id: str) -> Citizen:
        """Return a citizen of the house as this plug-in sees them."""
        return self.rooms.deps[DirectoryOfCitizens].directory.view("permits", UUID(citizen_id))

    def submit(
        self,
        who: Citizen | None = None,
        bundle: str = "construction-start",
        answers: Mapping[str, Any] = CONSTRUCTION,
    ) -> "File":
        """Hand in an application, of a citizen that nobody knows if none is named."""
        who = who or Citizen(reference=f"c-{uuid4().hex}")
        made = Services(self.house).submitted(who, answers, bundle)
        return File(self, who, made.id)

    def attend(self) -> None:
        """Let a worker come by."""
        service.attend_clocks(self.house)

    def forget_others(self) -> None:
        """Let no clock of another test be due: this database is shared."""
        with self.rooms.units.open(actor="test") as uow:
            uow.execute(
                text(
                    "update plugin_permits.clocks set next_at = null, stopped_at = now()"
                    " where stopped_at is null"
                )
            )


class File:
    """An application, as a test handles it."""

    def __init__(self, office: Office, citizen: Citizen, application_id: UUID) -> None:
        self.office = office
        self.citizen = citizen
        self.id = application_id

    @contextmanager
    def unit(self) -> Iterator[UnitOfWork]:
        with self.office.house.unit_of_work() as uow:
            yield uow

    def accept(self) -> "File":
        """Let the lead department accept it."""
        with self.unit() as uow:
            application = uow.get_one(Application, self.id)
            lead = self.office.caller(application.lead)
            service.accept_application(self.office.house, uow, lead, self.id, application.version)
        return self

    def application(self) -> Application:
        with self.unit() as uow:
            return uow.get_one(Application, self.id)

    def task(self, template: str) -> Task:
        with self.unit() as uow:
            wanted = select(Task).where(Task.application_id == self.id, Task.template == template)
            return uow.scalars(wanted).one()

    def clock(self, template: str | None) -> Clock:
        with self.unit() as uow:
            return uow.get_one(Clock, self.id if template is None else self.task(template).id)

    def take(self, template: str) -> None:
        """Let an officer claim a task and begin to review it."""
        house, officer = self.office.house, self.office.caller(self.task(template).department)
        with self.unit() as uow:
            task = self.task(template)
            service.claim_task(house, uow, officer, task.id, task.version)
        with self.unit() as uow:
            task = self.task(template)
            service.begin_review(house, uow, officer, task.id, task.version)

    def ask(self, template: str) -> None:
        """Let the department ask the citizen for something."""
        task = self.task(template)
        officer = self.office.caller(task.department)
        with self.unit() as uow:
            service.ask_in_review(
                self.office.house, uow, officer, task.id, task.version, Ask("请补正图纸")
            )

    def ask_at_intake(self) -> None:
        """Let the lead department ask the citizen for something before it accepts."""
        application = self.application()
        lead = self.office.caller(application.lead)
        with self.unit() as uow:
            service.ask_at_intake(
                self.office.house, uow, lead, self.id, application.version, Ask("请补正")
            )

    def answer(self) -> None:
        """Let the citizen answer what was asked last."""
        with self.unit() as uow:
            asked = uow.scalars(
                select(Supplement.id)
                .where(Supplement.application_id == self.id)
                .order_by(Supplement.id.desc())
            ).first()
            assert asked is not None
            service.answer_supplement(
                self.office.house,
                uow,
                self.citizen.reference,
                self.id,
                asked,
                "已补正",
                {},
                SERVICES,
            )

    def begin_procedure(self, template: str, kind: Procedure) -> None:
        task = self.task(template)
        officer = self.office.caller(task.department)
        with self.unit() as uow:
            service.begin_procedure(self.office.house, uow, officer, task.id, task.version, kind)

    def consult(self, template: str, department: str, days: int) -> None:
        """Let the department ask another one."""
        task = self.task(template)
        officer = self.office.caller(task.department)
        wish = ConsultationWish(department, "是否同意？", days)
        with self.unit() as uow:
            service.consult_department(self.office.house, uow, officer, task.id, task.version, wish)

    def read(self, template: str) -> TaskView:
        """Return a task as its department sees it."""
        task = self.task(template)
        officer = self.office.caller(task.department)
        with self.unit() as uow:
            return service.read_task(self.office.house, uow, officer, task.id)

    def approve(self, template: str) -> None:
        """Let the department propose to approve, and decide so."""
        house = self.office.house
        verdict = Verdict(TaskStatus.APPROVED)
        task = self.task(template)
        with self.unit() as uow:  # the lease may be over
            officer = self.office.caller(task.department)
            service.claim_task(house, uow, officer, task.id, task.version)
        for act in (service.propose, service.decide):
            task = self.task(template)
            officer = self.office.caller(task.department)
            with self.unit() as uow:
                act(house, uow, officer, task.id, task.version, verdict)

    def lamps(self, template: str | None) -> list[tuple[str, str | None, str]]:
        """Return what became of a clock: when, from which lamp to which, and why."""
        clock = self.clock(template)
        with self.unit() as uow:
            moves = history(uow, Clock, [clock.id])
        return [(shown(m.at) or "", m.from_state, f"{m.to_state} {m.cause}") for m in moves]

    def alarms(self) -> list[tuple[str, str, str]]:
        """Return what was raised: of which task, what, and when."""
        with self.unit() as uow:
            rows = uow.scalars(
                select(ClockAlarm)
                .where(ClockAlarm.application_id == self.id)
                .order_by(ClockAlarm.raised_at, ClockAlarm.id)
            )
            return [(row.task, row.kind, shown(row.raised_at) or "") for row in rows]

    def alarms_of(self, template: str) -> list[tuple[str, str, str]]:
        """Return what was raised of one task."""
        return [alarm for alarm in self.alarms() if alarm[0] == template]
