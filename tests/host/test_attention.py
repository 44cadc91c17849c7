"""A plug-in that looks after what time brings, and what it has citizens told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.crypto import Keyring
from app.core.tokens import Tokens
from app.core.unit_of_work import Units
from app.factory import Rooms, build
from app.host import loader
from app.host.attention import AttentionDeps, AttentionDue, attend, call_attention
from app.host.hosted import Current
from app.host.letters import sector_of
from app.sdk.context import DirectoryOfCitizens
from app.sdk.registry import Closed
from config.settings import Settings
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.host.plugins import PROVIDER, new_name, write_plugin

Keeper = Any
"""The provider of a plug-in that is written here."""

KEEPER = (
    PROVIDER.replace("PaymentNotice, now", "PaymentNotice, Periodic, now").replace(
        "ParkingProvider(PayableProvider)", "ParkingProvider(PayableProvider, Periodic)"
    )
    + """
    def attend(self) -> None:
        \"\"\"Remind everybody.\"\"\"
        self.times = getattr(self, "times", 0) + 1
        if getattr(self, "broken", False):
            raise ZeroDivisionError
        for letterbox, number in getattr(self, "letterboxes", {}).items():
            with self.house.unit_of_work() as uow:
                told = self.house.tell(uow, letterbox, "car-left", number, number=number)
                self.told = getattr(self, "told", 0) + told
"""
)
NOTICES = """
[car-left]
params = ["number"]
title.zh = "车辆已离场"
title.en = "Your car has left"
body.zh = "停车费{number}待缴。"
body.en = "Parking fee {number} is due."
sms = "【i武当】停车费待缴，请在应用内查看。"
"""


def write_keeper(folder: Path, notices: str = NOTICES) -> str:
    plugins = folder / "plugins"
    plugins.mkdir(exist_ok=True)
    name = write_plugin(plugins, new_name("keeper"), provider=KEEPER, routes="")
    (plugins / name / "notices.toml").write_text(notices, encoding="utf-8")
    return name


@pytest.fixture
def name(tmp_path: Path) -> str:
    return write_keeper(tmp_path)


@pytest.fixture
def house(name: str, tmp_path: Path, settings: Settings) -> Iterator[Rooms]:
    made = build(replace(settings, plugins_dir=tmp_path / "plugins"))
    yield made
    made.close()


@pytest.fixture
def keeper(house: Rooms, name: str) -> Keeper:
    return house.hosted.plugins[name].provider


def run(house: Rooms, name: str) -> None:
    with house.units.open(actor="test") as uow:
        attend(uow, house.deps[AttentionDeps], AttentionDue(plugin=name))


def waiting(house: Rooms, name: str) -> int:
    """Return how many jobs wait in which a plug-in would be called."""
    query = text(
        "select count(*) from procrastinate_jobs where task_name = 'host.attend'"
        " and args -> 'event' ->> 'plugin' = :name"
    )
    with house.units.open(actor="test", read_only=True) as uow:
        return uow.scalar(query, {"name": name}) or 0


def inbox(client: FlaskClient, citizen: Citizen) -> list[Any]:
    answer = client.get("/v1/me/inbox", headers=citizen.auth)
    return [item for item in answer.json["items"] if "keeper" in item["kind"]]


def letterbox_of(house: Rooms, name: str, citizen: Citizen) -> str:
    seen = house.deps[DirectoryOfCitizens].directory.view(name, UUID(citizen.id))
    return seen.letterbox


def test_each_periodic_plugin_has_a_job_of_its_own(house: Rooms, name: str, keeper: Keeper) -> None:
    before = waiting(house, name)
    with house.units.open(actor="test") as uow:
        call_attention(uow, house.deps[AttentionDeps])
    assert waiting(house, name) == before + 1
    run(house, name)
    assert keeper.times == 1


@contextmanager
def suspended(house: Rooms, name: str) -> Iterator[None]:
    deps = house.deps[AttentionDeps]
    current: Current = deps.roster.current()
    closed = Closed({"zh": "暂停", "en": "It rests"})
    deps.roster._current = replace(current, shut={name: closed})  # noqa: SLF001
    deps.roster._fresh_until = float("inf")  # noqa: SLF001
    try:
        yield
    finally:
        deps.roster._fresh_until = None  # noqa: SLF001


def test_one_that_is_suspended_is_left_alone(house: Rooms, name: str, keeper: Keeper) -> None:
    before = waiting(house, name)
    with suspended(house, name):
        with house.units.open(actor="test") as uow:
            call_attention(uow, house.deps[AttentionDeps])
        run(house, name)
    assert waiting(house, name) == before
    assert not hasattr(keeper, "times")
    run(house, "no_such_plugin")  # its job outlived it


def test_what_it_raises_is_no_failed_job(house: Rooms, name: str, keeper: Keeper) -> None:
    keeper.broken = True
    run(house, name)
    run(house, name)
    assert keeper.times == 2


def test_a_citizen_is_told_once_in_the_plugins_words(
    house: Rooms,
    name: str,
    keeper: Keeper,
    client: FlaskClient,
    world: World,
    rooms: Rooms,
) -> None:
    citizen = log_in(client, world, rooms)
    box = letterbox_of(house, name, citizen)
    assert box != letterbox_of(house, name, citizen)
    assert citizen.id.replace("-", "") not in box
    keeper.letterboxes = {box: "P-1"}
    run(house, name)
    run(house, name)
    (message,) = inbox(client, citizen)
    assert (message["kind"], message["subject"]) == (f"{name}.car-left", "P-1")
    assert message["body"] == {"zh": "停车费P-1待缴。", "en": "Parking fee P-1 is due."}
    assert keeper.told == 1


def test_whose_account_is_closed_is_told_nothing(house: Rooms, name: str, keeper: Keeper) -> None:
    nobody = UUID(int=7)
    keeper.letterboxes = {house.deps[Keyring].seal_letterbox(sector_of(name), nobody): "P-1"}
    run(house, name)
    assert keeper.told == 0


@pytest.mark.parametrize("bend", ["another", "garbage", "kind", "params"])
def test_nothing_is_told_by_a_letterbox_or_a_kind_of_somebody_elses(
    house: Rooms,
    name: str,
    keeper: Keeper,
    bend: str,
    client: FlaskClient,
    world: World,
    rooms: Rooms,
) -> None:
    citizen = log_in(client, world, rooms)
    box = letterbox_of(house, "another" if bend == "another" else name, citizen)
    kind = "payment-received" if bend == "kind" else "car-left"
    params = {"number": "1", **({"more": "1"} if bend == "params" else {})}
    box = "%%%" if bend == "garbage" else box
    with (
        pytest.raises(ValueError, match=r"letterbox|has no|needs"),
        keeper.house.unit_of_work() as u,
    ):
        keeper.house.tell(u, box, kind, "P-1", **params)
    assert inbox(client, citizen) == []


@pytest.mark.parametrize(
    "notices",
    [
        NOTICES.replace('params = ["number"]', "params = []"),
        NOTICES.replace('title.zh = "车辆已离场"\n', ""),
        NOTICES.replace("[car-left]", "[car-left"),
    ],
)
def test_notices_with_a_flaw_put_the_plugin_aside(
    tmp_path: Path, settings: Settings, rooms: Rooms, notices: str
) -> None:
    name = write_keeper(tmp_path, notices)
    changed = replace(settings, plugins_dir=tmp_path / "plugins", plugin_env={})
    hosted = loader.load(
        changed, rooms.deps[Units], rooms.egress, rooms.deps[Keyring], rooms.deps[Tokens]
    )
    assert "notices.toml" in hosted.quarantined[name]
