"""What an integrator is told of applications: once, and only of services it follows."""

import json
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.core.ids import new_id
from app.factory import Rooms
from app.host.announcements import Announcements
from app.host.letters import sector_of
from app.http.server import Server
from app.identity.service import IdentityDeps
from app.oauth.service import ClientDirectory, OAuthDeps
from app.sdk import ApplicationStep
from app.webhooks import service
from app.webhooks.events import ApplicationMoved
from app.webhooks.service import WebhooksDeps
from app.webhooks.values import EventType
from tests.conftest import World
from tests.factories import Citizen, log_in

from .receiver import Receiver
from .support import grant, make_integrator, rows_of, tick

SERVICE = "water-bill"
"""Any that the catalogue has: which of a plug-in's are applied for, its manifest says."""


class Office:
    """A plug-in that has something to announce."""

    def __init__(self, rooms: Rooms, who: Citizen) -> None:
        keyring = rooms.deps[IdentityDeps].keyring
        self.rooms = rooms
        self.door = Announcements("office", frozenset({SERVICE}), keyring)
        self.letterbox = keyring.seal_letterbox(sector_of("office"), UUID(who.id))

    def announce(self, reference: str, step: ApplicationStep, part: str = "") -> None:
        with self.rooms.units.open(actor="test") as uow:
            self.door.announce(uow, self.letterbox, SERVICE, reference, step, part=part)


def test_who_follows_a_service_hears_of_its_applications(
    client: FlaskClient, app: Server, world: World, rooms: Rooms, receiver: Receiver
) -> None:
    who = log_in(client, world, rooms)
    office = Office(rooms, who)
    ours, others = make_integrator(app, rooms), make_integrator(app, rooms)
    office.announce("A-1", ApplicationStep.SUBMITTED)  # before anybody follows
    grant(app, rooms, ours, SERVICE)
    grant(app, rooms, others, "gas-bill")
    ours.endpoint(receiver, events=["application.decided", "application.completed"])
    office.announce("A-1", ApplicationStep.ACCEPTED)
    office.announce("A-1", ApplicationStep.DECIDED, "fire-review")
    office.announce("A-1", ApplicationStep.COMPLETED)
    tick(rooms)

    events = ours.events()
    assert [one["type"] for one in events] == [
        "application.accepted",
        "application.decided",
        "application.completed",
    ]
    with rooms.units.open(actor="test", read_only=True) as uow:
        subject = ClientDirectory(rooms.deps[OAuthDeps]).subject_of(uow, ours.id, UUID(who.id))
    expected = {"subject": subject, "service": SERVICE, "reference": "A-1"}
    assert [one["data"] for one in events] == [
        expected,
        {**expected, "part": "fire-review"},
        expected,
    ]
    assert [json.loads(one.body) for one in receiver.heard] == events[1:]
    assert others.events() == []
    assert who.id not in "".join(one.body.decode() for one in receiver.heard)


def test_a_step_is_told_once_however_often_its_job_runs(
    client: FlaskClient, app: Server, world: World, rooms: Rooms
) -> None:
    who = log_in(client, world, rooms)
    ours = make_integrator(app, rooms)
    grant(app, rooms, ours, SERVICE)
    moved = ApplicationMoved(
        source_id=new_id(),
        citizen_id=UUID(who.id),
        service=SERVICE,
        reference="A-2",
        step=ApplicationStep.LAPSED,
        part="",
        at="2999-01-01T00:00:00+00:00",
    )
    for _ in range(2):
        with rooms.units.open(actor="test") as uow:
            service.tell_of_application(uow, rooms.deps[WebhooksDeps], moved)
    assert [one["type"] for one in ours.events()] == ["application.lapsed"]


def test_every_step_is_a_kind_of_event() -> None:
    kinds = {kind for kind in EventType if kind.startswith("application.")}
    assert kinds == {f"application.{step}" for step in ApplicationStep}


def test_a_plug_in_announces_its_own_affairs_only_and_with_its_unit(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    office = Office(rooms, log_in(client, world, rooms))
    foreign = rooms.deps[IdentityDeps].keyring.seal_letterbox(sector_of("another"), new_id())
    step = ApplicationStep.SUBMITTED
    jobs = (
        "select count(*) from procrastinate_jobs where task_name = 'webhooks.tell_of_application'"
    )
    before = rows_of(rooms, jobs)
    for letterbox, name, reference, part, said in (
        (office.letterbox, "gas-bill", "A-3", "", "is no service of office"),
        (foreign, SERVICE, "A-3", "", "letterbox"),
        (office.letterbox, SERVICE, "张三的申请", "", "is no reference"),
        (office.letterbox, SERVICE, "A-3", "a part", "is no reference"),
    ):
        with pytest.raises(ValueError, match=said), rooms.units.open(actor="test") as uow:
            office.door.announce(uow, letterbox, name, reference, step, part=part)

    def leave_half_done() -> None:
        with rooms.units.open(actor="test") as uow:
            office.door.announce(uow, office.letterbox, SERVICE, "A-3", step)
            raise TimeoutError

    with pytest.raises(TimeoutError):
        leave_half_done()
    assert rows_of(rooms, jobs) == before
