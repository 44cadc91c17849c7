"""The queue as an operator sees it."""

import json

from sqlalchemy import text

from app import cli
from app.factory import Rooms, create_app
from config.settings import Settings


def test_dead_jobs_are_listed_and_retried(settings: Settings, rooms: Rooms) -> None:
    application = create_app(settings, rooms)
    cli.register(application, settings, rooms)
    runner = application.test_cli_runner()
    with rooms.units.open(actor="test") as uow:
        job_id = uow.scalar(
            text(
                "insert into procrastinate_jobs (queue_name, task_name, args, status, attempts) "
                """values ('test', 'test.dead', '{"event": {"secret": "s"}}', 'failed', 7) """
                "returning id"
            )
        )
    try:
        listed = runner.invoke(args=["jobs", "--json"])
        lines = [json.loads(line) for line in listed.output.splitlines()]
        mine = next(line for line in lines if line["id"] == job_id)
        assert mine == {
            "id": job_id,
            "name": "test.dead",
            "state": "dead",
            "attempts": 7,
            "next_run_at": None,
        }
        assert f"{job_id} test.dead: dead after 7 attempts\n" in runner.invoke(args=["jobs"]).output
        assert runner.invoke(args=["jobs", "retry", str(job_id)]).exit_code == 0
        again = runner.invoke(args=["jobs", "retry", str(job_id)])
        assert (again.exit_code, again.output) == (1, f"Error: there is no dead job {job_id}\n")
        lines = [json.loads(x) for x in runner.invoke(args=["jobs", "--json"]).output.splitlines()]
        assert next(x["state"] for x in lines if x["id"] == job_id) == "failed"
    finally:
        with rooms.units.open(actor="test") as uow:
            uow.execute(text("delete from procrastinate_jobs where id = :id"), {"id": job_id})
