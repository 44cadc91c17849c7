"""Companies are asked how they are, and staff and their integrators read what was found."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.ids import new_id
from app.factory import Rooms
from app.providers import service
from app.providers.events import CheckupDue
from app.providers.service import ProviderDeps
from tests.providers.support import NAME, Town

DISCOVERY = "/.well-known/city-provider"


def provider_id(town: Town) -> UUID:
    with town.rooms.units.open(actor="test", read_only=True) as uow:
        found = uow.scalar(text("select id from providers where name = :n"), {"n": NAME})
        assert isinstance(found, UUID)
        return found


def ask(town: Town) -> None:
    """Ask the company as the job does."""
    due = CheckupDue(provider_id=provider_id(town))
    with town.rooms.units.open(actor="test") as uow:
        service.check_up(uow, town.rooms.deps[ProviderDeps], due)


def health(town: Town) -> Any:  # noqa: ANN401 - JSON
    """Return what staff reads; the integrator reads the same."""
    seen = town.office.read(f"/{NAME}").json["health"]
    assert town.company.get(f"/v1/providers/{NAME}").json["health"] == seen
    return seen


def called(rooms: Rooms) -> int:
    """Return how many jobs wait in which a company would be asked."""
    query = text("select count(*) from procrastinate_jobs where task_name = 'providers.check_up'")
    with rooms.units.open(actor="test", read_only=True) as uow:
        return uow.scalar(query) or 0


@contextmanager
def saying(town: Town, path: str, what: object) -> Iterator[None]:
    before = town.house.of_itself[path]
    town.house.of_itself[path] = what
    yield
    town.house.of_itself[path] = before


def test_what_is_found_is_read_by_staff_and_integrator(town: Town) -> None:
    town.company.register()
    ask(town)
    assert (health(town), town.house.calls) == (None, [])  # nobody has let it be called yet
    town.office.bring(town.company, "sandbox")
    ask(town)
    well = health(town)
    assert (well["finding"], well["since"]) == (None, well["asked_at"])

    for finding, path, said in (
        ("another", DISCOVERY, {"contract": 1, "name": "somebody_else", "health": "/health"}),
        ("another", DISCOVERY, {"contract": 2, "name": NAME, "health": "/health"}),
        ("another", DISCOVERY, []),
        ("unwell", "/health", {"status": "so so"}),
        ("unwell", "/health", ["ok"]),
    ):
        with saying(town, path, said):
            ask(town)
            assert health(town)["finding"] == finding
    since = health(town)["since"]
    ask(town)
    again = health(town)
    assert (again["finding"], again["since"] > since) == (None, True)
    ask(town)
    later = health(town)
    assert (later["since"], later["asked_at"] > again["asked_at"]) == (again["since"], True)
    for finding, fault in (("unreachable", "hang up"), ("unsigned", "no signature")):
        with town.house.failing(fault):
            ask(town)
        assert health(town)["finding"] == finding

    assert town.office.suspend(NAME).status_code == 200
    before = len(town.house.calls)
    ask(town)
    assert len(town.house.calls) == before  # whoever is suspended is not called
    assert health(town)["finding"] == "unsigned"


def test_each_minute_whoever_may_be_called_gets_a_job(town: Town) -> None:
    town.company.register()

    def call() -> int:
        before = called(town.rooms)
        with town.rooms.units.open(actor="test") as uow:
            service.call_checkups(uow)
        return called(town.rooms) - before

    assert call() == 0
    town.office.bring(town.company, "sandbox")
    assert call() == 1
    ask(town)
    assert call() == 0  # it was asked a moment ago
    with town.rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update provider_checkups set since = '2026-01-01', asked_at = '2026-01-01'")
        )
    assert call() == 1


@pytest.mark.parametrize(
    ("finding", "since", "rule"),
    [("tired", "2026-01-01", "finding"), ("unwell", "2026-01-03", "asked_at")],
)
def test_the_database_refuses_what_makes_no_sense(
    rooms: Rooms, finding: str, since: str, rule: str
) -> None:
    row = text("insert into provider_checkups values (:id, :finding, :since, '2026-01-02')")
    with (
        pytest.raises(IntegrityError, match=f"ck_provider_checkups_{rule}"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(row, {"id": new_id(), "finding": finding, "since": since})
