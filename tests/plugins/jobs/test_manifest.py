"""What the manifest tells the house is what the code does, and tables are as models say."""

from app.core import migrate
from app.factory import Rooms
from app.sdk.registry import Registry
from plugins.jobs.provider import JobsProvider
from tests.conftest import World


def test_the_house_has_taken_it_in(rooms: Rooms) -> None:
    assert "jobs" not in rooms.hosted.quarantined
    assert rooms.hosted.plugins["jobs"].provider is rooms.deps[JobsProvider]
    told = {
        service.id: (service.kind, service.assurance)
        for service in rooms.deps[Registry].services.values()
        if service.plugin == "jobs"
    }
    assert told == {
        "job-vacancies": ("listing", "public"),
        "job-application": ("application", "basic"),
    }


def test_models_and_migrations_agree(rooms: Rooms, world: World) -> None:
    (history,) = [h for h in rooms.histories if h.name == "jobs"]
    assert history.schema == "plugin_jobs"
    migrate.check(world.env["DATABASE_OWNER_URL"], history)
