"""Many citizens and firms at once, made by what the plug-in itself can do."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

from app.core.crypto import Keyring
from app.factory import Rooms
from app.host.letters import sector_of
from app.sdk import Citizen, DomainError, House, UnitOfWork, new_id, now
from plugins.jobs import service
from plugins.jobs.models import Employer, EmployerMember, Vacancy
from plugins.jobs.service.vacancies import open_vacancy
from plugins.jobs.values import (
    Advert,
    EmployerStatus,
    MemberStatus,
    VacancyStatus,
    city_today,
)
from plugins.jobs.values.applications import CancelCause
from plugins.jobs.values.profiles import Curriculum, Wish
from tests.plugins.jobs.conftest import make_code
from tests.plugins.jobs.rows import one

CV = Curriculum("王小明", "13800001111", "焊工十年", (), (), ("焊接",), Wish((), None, ()))
WORDS = "盼复，可立即到岗"


@dataclass(frozen=True)
class Firm:
    """A verified employer, one who acts for it, and what it advertises."""

    rooms: Rooms
    house: House
    id: UUID
    member: str

    def vacancy(
        self,
        positions: int = 1,
        *,
        promise: int = 7,
        most: int | None = None,
        title: str | None = None,
    ) -> UUID:
        """Publish a vacancy like no other."""
        advert = Advert(
            title=title or f"岗位{uuid4().hex[:10]}",
            description="负责装配。",
            employment_type="full_time",
            district="420302",
            pay_from=400_000,
            pay_to=600_000,
            pay_unit="month",
            valid_through=city_today() + timedelta(days=90),
            open_positions=positions,
            response_promise_days=promise,
            most_applications=most,
        )
        with self.house.unit_of_work() as uow:
            employer = uow.get_one(Employer, self.id)
            vacancy, _ = open_vacancy(uow, employer, advert, cause="test")
            uow.flush()
            uow.move(vacancy, VacancyStatus.VERIFIED, cause="test")
            uow.move(vacancy, VacancyStatus.PUBLISHED, cause="test")
            vacancy.published_at = now()
        return vacancy.id

    def hire(self, application: UUID) -> str:
        return attempt(
            self.house,
            lambda uow: service.hire_applicant(self.house, uow, self.member, self.id, application),
        )

    def undo(self, application: UUID, reason: CancelCause = CancelCause.HIRED_BY_MISTAKE) -> str:
        return attempt(
            self.house,
            lambda uow: service.undo_hire(
                self.house, uow, self.member, self.id, application, reason
            ),
        )

    def fill(self, vacancy: UUID) -> str:
        return attempt(
            self.house,
            lambda uow: service.fill_vacancy(self.house, uow, self.member, self.id, vacancy),
        )

    def status_of(self, vacancy: UUID) -> str:
        with self.house.unit_of_work() as uow:
            return str(uow.get_one(Vacancy, vacancy).status)


def make_firm(rooms: Rooms, house: House) -> Firm:
    boss = make_applicant(rooms)
    with house.unit_of_work() as uow:
        employer = Employer(
            id=new_id(),
            status=EmployerStatus.REQUESTED,
            credit_code=make_code(),
            name=f"十堰工厂{uuid4().hex[:8]}",
            district="420302",
        )
        uow.open_record(employer, cause="test")
        uow.flush()
        uow.move(employer, EmployerStatus.VERIFIED, cause="test")
        employer.verified_at = now()
        member = EmployerMember(
            id=new_id(),
            status=MemberStatus.ACTIVE,
            employer_id=employer.id,
            citizen_reference=boss.reference,
            letterbox=boss.letterbox,
        )
        uow.open_record(member, cause="test")
    return Firm(rooms, house, employer.id, boss.reference)


def make_applicant(rooms: Rooms, house: House | None = None) -> Citizen:
    """Return somebody whose account was closed, so that telling them costs nothing.

    With a house they have a curriculum.
    """
    letterbox = rooms.deps[Keyring].seal_letterbox(sector_of("jobs"), new_id())
    citizen = Citizen(reference=f"c-{uuid4().hex}", letterbox=letterbox)
    if house is not None:
        with house.unit_of_work() as uow:
            service.keep_cv(house, uow, citizen, CV)
    return citizen


def apply_for(house: House, citizen: Citizen, vacancy: UUID) -> UUID:
    with house.unit_of_work() as uow:
        return service.apply_for(house, uow, citizen, vacancy, WORDS).id


def attempt(house: House, act: Callable[[UnitOfWork], Any]) -> str:
    """Do something in a unit of its own: return `done`, or the code of the refusal."""
    try:
        with house.unit_of_work() as uow:
            act(uow)
    except DomainError as refused:
        return refused.code
    return "done"


def at_once(*acts: Callable[[], str]) -> list[str]:
    """Do several things in the same moment, each in a thread; return what became of each."""
    start = Barrier(len(acts))

    def run(act: Callable[[], str]) -> str:
        start.wait(timeout=60)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def statuses(rooms: Rooms, applications: Sequence[UUID]) -> list[str]:
    found = "select status from plugin_jobs.applications where id = :id"
    return [one(rooms, found, id=str(application)) for application in applications]
