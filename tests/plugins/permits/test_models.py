"""The tables refuse what must never be, whoever writes; models and migrations agree."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core import migrate
from app.factory import Rooms
from app.sdk import Citizen
from plugins.permits.models import Application, Task
from plugins.permits.values.applications import ENDED, ApplicationStatus
from plugins.permits.values.tasks import FINAL, TaskStatus
from tests.conftest import World
from tests.plugins.permits.answers import SMALL_FACTORY
from tests.plugins.permits.office import Office, change, rows, run_sql

PLANNING = "natural-resources-bureau"


@pytest.fixture
def decided(office: Office, citizen: Citizen) -> UUID:
    """A task that was approved by two officers."""
    made = office.accepted(citizen, SMALL_FACTORY)
    task = office.task(citizen, made.id, "works-planning")
    office.decided(task, PLANNING)
    return task


@pytest.fixture
def waiting(office: Office, citizen: Citizen, decided: UUID) -> UUID:
    """Another task of the same application, which still waits."""
    with office.house.unit_of_work() as uow:
        application_id = uow.get_one(Task, decided).application_id
    return office.task(citizen, application_id, "construction-permit")


def final(task: UUID, **changed: object) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "task_id": task,
        "stage": "final",
        "outcome": "refused",
        "reason": "prohibited",
        "officer": uuid4(),
    } | changed


def insert_decision(rooms: Rooms, row: dict[str, Any]) -> None:
    run_sql(
        rooms,
        "insert into plugin_permits.decisions (id, task_id, stage, outcome, reason, officer, "
        "made_at) values (:id, :task_id, :stage, :outcome, :reason, :officer, now())",
        **row,
    )


def test_models_and_migrations_agree(rooms: Rooms, world: World) -> None:
    plugin = rooms.hosted.plugins["permits"]
    assert plugin.history is not None
    migrate.check(world.env["DATABASE_OWNER_URL"], plugin.history)


def test_a_second_final_decision_is_refused(rooms: Rooms, decided: UUID) -> None:
    with pytest.raises(IntegrityError, match="uq_decisions_final"):
        insert_decision(rooms, final(decided))
    insert_decision(rooms, final(decided, stage="proposed"))  # a proposal more is none


@pytest.mark.parametrize(
    "what", ["outcome = 'refused'", "stage = 'proposed'", "officer = null", "reason = 'x'"]
)
def test_a_decision_is_never_changed(rooms: Rooms, decided: UUID, what: str) -> None:
    with pytest.raises(DBAPIError, match="never changed"):
        change(rooms, "decisions", what, "task_id = :id", id=decided)
    with pytest.raises(DBAPIError, match="never changed"):
        run_sql(rooms, "delete from plugin_permits.decisions where task_id = :id", id=decided)


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ("status = 'approved', version = version + 1", "cannot go from waiting to approved"),
        ("status = 'claimed', version = version + 1", "cannot go from waiting to claimed"),
        ("status = 'ready'", "cannot go from waiting to ready"),  # beside the version
        ("status = 'lost', version = version + 1", "cannot go from waiting to lost"),
        ("status = 'ready', version = version + 1", "ck_tasks_ready_at"),
        ("status = 'refused', version = version + 1, decided_at = now()", "ck_tasks_decision_id"),
        ("holder = gen_random_uuid(), lease_until = now()", "ck_tasks_holder"),
        ("lease_until = now()", "ck_tasks_lease"),
        ("lamp = 'blue'", "ck_tasks_lamp"),
    ],
)
def test_a_task_makes_no_illegal_move(rooms: Rooms, waiting: UUID, what: str, refusal: str) -> None:
    before = rows(rooms, "select * from plugin_permits.tasks where id = :id", id=waiting)
    with pytest.raises(DBAPIError, match=refusal):
        change(rooms, "tasks", what, "id = :id", id=waiting)
    assert rows(rooms, "select * from plugin_permits.tasks where id = :id", id=waiting) == before


def test_a_task_is_refused_only_by_its_own_final_line(
    rooms: Rooms, waiting: UUID, decided: UUID
) -> None:
    line, own = final(waiting, stage="proposed", outcome="approved"), final(waiting)
    insert_decision(rooms, line)
    insert_decision(rooms, own)
    (other,) = rows(
        rooms,
        "select decision_id from plugin_permits.tasks where id = :id",
        id=decided,
    )
    end = (
        "update plugin_permits.tasks set status = 'refused', version = version + 1, "
        "decided_at = now(), decision_id = :line where id = :id"
    )
    for wrong in (line["id"], other[0], uuid4()):
        with pytest.raises(IntegrityError, match="fk_tasks_decision_id_decisions"):
            run_sql(rooms, end, id=waiting, line=wrong)
    run_sql(rooms, end, id=waiting, line=own["id"])


def test_a_task_stands_once_in_an_application(rooms: Rooms, decided: UUID) -> None:
    again = (
        "insert into plugin_permits.tasks (id, application_id, template, department, status, "
        "version, since) select :new, application_id, template, department, 'waiting', 1, now() "
        "from plugin_permits.tasks where id = :id"
    )
    with pytest.raises(IntegrityError, match="uq_tasks_application_id_template"):
        run_sql(rooms, again, new=uuid4(), id=decided)


def test_an_application_makes_no_illegal_move(rooms: Rooms, decided: UUID) -> None:
    where = "id = (select application_id from plugin_permits.tasks where id = :id)"
    for what, refusal in (
        ("status = 'completed', ended_at = now()", "cannot go from in_progress to completed"),
        ("status = 'draft'", "cannot go from in_progress to draft"),
        ("answers_sealed = null", "ck_applications_answers"),
        ("ended_at = now()", "ck_applications_ended_at"),
    ):
        set_ = what if "status" not in what else f"{what}, version = version + 1"
        with pytest.raises(DBAPIError, match=refusal):
            change(rooms, "applications", set_, where, id=decided)


def test_the_event_log_takes_no_illegal_move(rooms: Rooms, waiting: UUID) -> None:
    forged = (
        "insert into event_log (id, entity, entity_id, subject_id, sequence, from_state, to_state, "
        "cause, actor, data, at) values (:new, 'permits_task', :id, :id, 9, 'waiting', 'approved', "
        "'x', 'x', '{}', now())"
    )
    with pytest.raises(DBAPIError, match="cannot go from waiting to approved"):
        run_sql(rooms, forged, new=uuid4(), id=waiting)


def test_what_has_ended_moves_no_more_and_everything_else_can_end() -> None:
    assert {s for s in ApplicationStatus if not Application.MOVES.get(s)} == ENDED
    assert {s for s in TaskStatus if not Task.MOVES.get(s)} == FINAL
    for status in set(TaskStatus) - FINAL:
        assert {TaskStatus.WITHDRAWN, TaskStatus.REFUSED} <= Task.MOVES[status]
