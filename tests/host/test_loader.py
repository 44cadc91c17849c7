from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from app.core import migrate
from app.core.clock import now
from app.core.crypto import Keyring
from app.core.db import stateful_models
from app.core.events import EventLog
from app.core.tokens import Tokens
from app.core.unit_of_work import Units
from app.factory import Rooms, build, create_app
from app.host import loader
from app.host.hosted import Hosted
from app.host.manifest import PluginRefused, manifest_files
from app.sdk import Citizen, NotFound, PaymentNotice
from app.sdk.registry import Registry, ServiceUnavailable
from config.settings import Settings
from tests.host.conftest import Logs
from tests.host.plugins import MANIFEST, PROVIDER, ROUTES, new_name, write_plugin

MODELS = '''
"""Tables."""

from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import base_for

Base = base_for("NAME")


class Ticket(Base):
    """A ticket."""

    __tablename__ = "tickets"

    id: Mapped[int] = mapped_column(primary_key=True)
'''

MACHINE = '''
"""A machine."""

from enum import StrEnum
from typing import ClassVar

from app.sdk import Stateful, base_for

Base = base_for("NAME")


class State(StrEnum):
    """Where a visit is."""

    OPEN = "open"
    OVER = "over"


class Visit(Stateful, Base):
    """A visit."""

    __tablename__ = "visits"
    ENTITY: ClassVar[str] = "NAME_visit"
    MOVES = {State.OPEN: frozenset({State.OVER})}
    FIRST = frozenset({State.OPEN})
'''


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    return folder


def load(
    settings: Settings,
    rooms: Rooms,
    plugins: Path,
    *,
    strict: bool = False,
    env: Mapping[str, str] | None = None,
    **changes: object,
) -> Hosted:
    changed = replace(settings, plugins_dir=plugins, plugin_env=env or {}, **changes)
    return loader.load(
        changed,
        rooms.deps[Units],
        rooms.egress,
        rooms.deps[Keyring],
        rooms.deps[Tokens],
        strict=strict,
    )


@contextmanager
def opened(settings: Settings, plugins: Path) -> Iterator[Rooms]:
    house = build(replace(settings, plugins_dir=plugins))
    try:
        yield house
    finally:
        house.close()


def test_a_plugin_is_in_with_services_provider_payees_and_routes(
    settings: Settings, rooms: Rooms, plugins: Path
) -> None:
    name = write_plugin(plugins)
    hosted = load(settings, rooms, plugins)
    assert hosted.quarantined == {}
    service, provider = hosted.alone.listing.payable(f"{name}-fee")
    assert (service.plugin, service.posting, service.unavailable) == (name, "idempotent", None)
    assert provider.get_payable("P-1", Citizen("c")).amount == 500
    with pytest.raises(NotFound):
        provider.get_payable("P-2", Citizen("c"))
    done = provider.fulfil(PaymentNotice("k", "P-1", 500, "CNY", now(), f"{name}-payee"))
    assert done.reference == "R-k"
    assert set(hosted.alone.listing.payees) == {f"{name}-payee"}
    assert set(hosted.alone.listing.payable_plugins()) == {name}
    assert set(hosted.blueprints) == {name}
    ((kind, made),) = hosted.providers.items()
    assert kind is type(made)
    assert kind.__name__ == "ParkingProvider"


def test_a_provider_gets_its_settings_its_unit_of_work_and_its_vault(
    settings: Settings, rooms: Rooms, plugins: Path
) -> None:
    name = new_name()
    manifest = MANIFEST.format(name=name).replace("settings = []", 'settings = ["biller_url"]')
    write_plugin(plugins, name, manifest=manifest)
    env = {f"{name.upper()}_BILLER_URL": "https://biller.example", "OTHER_SECRET": "x"}
    (provider,) = load(settings, rooms, plugins, env=env).providers.values()
    assert provider.house.settings == {"biller_url": "https://biller.example"}
    with provider.house.unit_of_work() as uow:
        assert uow.actor == f"plugin:{name}"
        assert uow.scalar(text("select 1")) == 1
    assert provider.house.vault.schema == f"plugin_{name}"


def test_a_guide_needs_no_code(settings: Settings, rooms: Rooms, plugins: Path) -> None:
    name = new_name("advice")
    manifest = MANIFEST.format(name=name).replace('kind = "payable"', 'kind = "guide"')
    manifest = manifest.replace('posting = "idempotent"', "").replace(
        'provider = "ParkingProvider"', ""
    )
    (plugins / name).mkdir()
    (plugins / name / "manifest.toml").write_text(manifest)
    hosted = load(settings, rooms, plugins)
    assert hosted.alone.listing.service(f"{name}-fee").kind == "guide"
    assert hosted.providers == {}
    assert hosted.quarantined == {}


BROKEN = {
    "syntax": {"provider": "def broken(:\n"},
    "import": {"provider": "import no_such_module\n"},
    "exit": {"provider": "raise SystemExit(3)\n"},
    "missing class": {"provider": '"""Nothing."""\n'},
    "not payable": {
        "provider": "from app.sdk import Provider\nclass ParkingProvider(Provider): pass\n",
        "routes": "",
    },
    "half a promise": {
        "provider": "from app.sdk import PayableProvider\n"
        "class ParkingProvider(PayableProvider): pass\n"
    },
    "constructor": {
        "provider": PROVIDER + "    def __init__(self, house):\n        raise KeyError('x')\n"
    },
    "routes": {"routes": "raise ZeroDivisionError\n"},
    "another's path": {"routes": ROUTES.replace('Blueprint("NAME"', 'Blueprint("payments"')},
    "no blueprint": {"routes": "blueprint = None\n"},
    "unknown converter": {"routes": ROUTES.replace('"/lots"', '"/lots/<magic:x>"')},
    "a schema of another": {"models": MODELS.replace('base_for("NAME")', 'base_for("payments")')},
    "no base": {"models": '"""Nothing."""\n'},
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_plugin_is_put_aside_alone(
    settings: Settings, rooms: Rooms, plugins: Path, logs: Logs, what: str
) -> None:
    broken = write_plugin(plugins, new_name("a"), **BROKEN[what])
    sound = write_plugin(plugins, new_name("b"))
    hosted = load(settings, rooms, plugins)
    assert set(hosted.quarantined) == {broken}
    assert set(hosted.plugins) == {sound}
    with pytest.raises(ServiceUnavailable) as caught:
        hosted.alone.listing.payable(f"{broken}-fee")
    assert "该服务正在维护" in caught.value.detail
    assert hosted.alone.listing.service(f"{sound}-fee").plugin == sound
    told = [line for line in logs if line["event"] == "plugin.quarantined"]
    assert [line["plugin"] for line in told] == [broken]
    assert set(hosted.blueprints) == {sound}


@pytest.mark.parametrize("what", BROKEN)
def test_strict_loading_raises_instead(
    settings: Settings, rooms: Rooms, plugins: Path, what: str
) -> None:
    write_plugin(plugins, **BROKEN[what])
    with pytest.raises((Exception, SystemExit)):
        load(settings, rooms, plugins, strict=True)


def test_what_the_catalogue_shows_of_a_manifest_that_broke_is_kept(
    settings: Settings, plugins: Path
) -> None:
    """The entry stays, and says that the service is unavailable; a removed plug-in's goes."""
    name = write_plugin(plugins)
    for path in manifest_files(settings.plugins_dir):  # the others stay in the catalogue
        (plugins / path.parent.name).symlink_to(path.parent)

    def shown() -> tuple[int, bool | None]:
        with opened(settings, plugins) as house:
            house.load_catalogue()
            client = create_app(house.settings, house).test_client()
            answer = client.get(f"/v1/services/{name}-fee")
            return answer.status_code, answer.json.get("available")

    manifest = plugins / name / "manifest.toml"
    assert shown() == (200, True)
    manifest.write_text(manifest.read_text().replace("sdk = 1", "sdk = "))
    assert shown() == (200, False)
    manifest.unlink()
    assert shown() == (404, None)


def test_a_manifest_nobody_can_read_is_listed_without_services(
    settings: Settings, rooms: Rooms, plugins: Path
) -> None:
    broken = write_plugin(plugins, new_name("a"), manifest="name = ")
    sound = write_plugin(plugins, new_name("b"))
    hosted = load(settings, rooms, plugins)
    assert "is not TOML" in hosted.quarantined[broken]
    assert set(hosted.alone.listing.services) == {f"{sound}-fee"}
    assert set(hosted.manifests) == {sound}
    with pytest.raises(PluginRefused):
        load(settings, rooms, plugins, strict=True)


def test_a_missing_setting_is_named_and_puts_the_plugin_aside(
    settings: Settings, rooms: Rooms, plugins: Path
) -> None:
    name = new_name()
    manifest = MANIFEST.format(name=name).replace("settings = []", 'settings = ["url", "key"]')
    write_plugin(plugins, name, manifest=manifest)
    hosted = load(settings, rooms, plugins, env={f"{name.upper()}_URL": "x"})
    assert f"{name.upper()}_KEY is not set" in hosted.quarantined[name]
    assert f"{name.upper()}_URL is not set" not in hosted.quarantined[name]


def test_the_second_plugin_with_an_id_is_put_aside_and_the_first_keeps_it(
    settings: Settings, rooms: Rooms, plugins: Path
) -> None:
    first, second = new_name("a"), new_name("b")
    write_plugin(plugins, first)
    taken = MANIFEST.format(name=second).replace(f"{second}-fee", f"{first}-fee")
    write_plugin(plugins, second, manifest=taken)
    hosted = load(settings, rooms, plugins)
    assert f"'{first}-fee' is another plug-in's" in hosted.quarantined[second]
    assert hosted.alone.listing.payable(f"{first}-fee")[0].plugin == first


def test_a_disabled_plugin_runs_no_code_and_says_so(
    settings: Settings, rooms: Rooms, plugins: Path
) -> None:
    name = write_plugin(plugins, provider="raise ZeroDivisionError\n")
    hosted = load(settings, rooms, plugins, plugins_disabled=frozenset({name}))
    assert (hosted.quarantined, hosted.plugins) == ({}, {})
    with pytest.raises(ServiceUnavailable, match="switched off"):
        hosted.alone.listing.service(f"{name}-fee")


def test_citizens_of_a_real_city_see_only_what_is_silver(
    settings: Settings, rooms: Rooms, plugins: Path
) -> None:
    name, bronze = write_plugin(plugins), new_name()
    manifest = MANIFEST.format(name=bronze).replace('"silver"', '"bronze"')
    write_plugin(plugins, bronze, manifest=manifest)
    assert set(load(settings, rooms, plugins).plugins) == {name, bronze}
    assert set(load(settings, rooms, plugins, profile="production").plugins) == {name}


def test_the_house_starts_with_a_broken_plugin_and_serves_the_others(
    settings: Settings, plugins: Path
) -> None:
    broken = write_plugin(plugins, new_name("a"), provider="def broken(:\n")
    sound = write_plugin(plugins, new_name("b"))
    with opened(settings, plugins) as house:
        client = create_app(house.settings, house).test_client()
        answer = client.get(f"/v1/{sound}/lots")
        assert (answer.status_code, answer.json) == (200, [{"name": "ParkingProvider"}])
        assert client.get(f"/v1/{broken}/lots").status_code == 404
        assert client.get("/livez").status_code == 200
        paths = client.get("/openapi.json").json["paths"]
        assert f"/v1/{sound}/lots" in paths
        assert f"/v1/{broken}/lots" not in paths
        with pytest.raises(ServiceUnavailable):
            house.deps[Registry].payable(f"{broken}-fee")


def test_tables_are_migrated_into_a_schema_of_the_plugin_and_go_with_it(
    settings: Settings, plugins: Path
) -> None:
    name = write_plugin(plugins, models=MODELS, routes="")
    owner = settings.database.owner_url or ""
    with opened(settings, plugins) as house:
        (history,) = house.hosted.histories
        assert (history.name, history.schema) == (name, f"plugin_{name}")
        migrate.revise(owner, history, "tickets", "0001")
        migrate.upgrade(owner, settings.database.url, house.histories)
        migrate.check(owner, history)
        with house.units.open(actor="test") as uow:
            tables = set(inspect(uow.connection()).get_table_names(f"plugin_{name}"))
            assert tables == {"tickets", "schema_version"}
            assert (
                uow.scalars(select(history.metadata.tables[f"plugin_{name}.tickets"])).all() == []
            )
    for file in sorted((plugins / name).rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    (plugins / name).rmdir()
    with opened(settings, plugins) as house:
        assert house.hosted.histories == ()
        migrate.upgrade(owner, settings.database.url, house.histories)
        assert house.is_database_ready()


def test_the_machine_of_a_plugin_moves_as_it_says_and_not_otherwise(
    settings: Settings, plugins: Path
) -> None:
    name = write_plugin(plugins, models=MACHINE, routes="")
    with opened(settings, plugins) as house:
        (history,) = house.hosted.histories
        owner = settings.database.owner_url or ""
        migrate.revise(owner, history, "visits", "0001")
        migrate.upgrade(owner, settings.database.url, house.histories)
        (visit,) = stateful_models(history.base)
        (first,) = visit.FIRST
        with house.units.open(actor="test") as uow:
            made = visit(status=first)
            uow.open_record(made, cause="drive-in")
            uow.move(made, type(first)("over"), cause="drive-out")
            made_id = made.id
        row = {"entity": f"{name}_visit", "entity_id": made_id, "subject_id": made_id}
        said = {"from_state": "over", "to_state": "open", "cause": "test", "actor": "test"}
        with (
            pytest.raises(IntegrityError, match="cannot go from over to open"),
            house.units.open(actor="test") as uow,
        ):
            uow.add(EventLog(**row, **said, sequence=3))


def test_a_machine_that_does_not_bear_the_name_of_its_plugin_is_quarantined(
    settings: Settings, rooms: Rooms, plugins: Path
) -> None:
    name = write_plugin(plugins, models=MACHINE.replace("NAME_visit", "payment"), routes="")
    hosted = load(settings, rooms, plugins)
    assert f'write `ENTITY = "{name}_payment"`' in hosted.quarantined[name]


def test_a_plugin_whose_migration_fails_does_not_stop_the_others(
    settings: Settings, plugins: Path
) -> None:
    broken = write_plugin(plugins, new_name("a"), models=MODELS, routes="")
    sound = write_plugin(plugins, new_name("b"), models=MODELS, routes="")
    owner = settings.database.owner_url or ""
    with opened(settings, plugins) as house:
        for history in house.hosted.histories:
            migrate.revise(owner, history, "tickets", "0001")
        script = plugins / broken / "migrations" / "versions" / "0001_tickets.py"
        opening = "def upgrade() -> None:"
        script.write_text(script.read_text().replace(opening, f"{opening}\n    1 / 0"))
        with pytest.raises(ExceptionGroup) as caught:
            migrate.upgrade(owner, settings.database.url, house.histories)
        (error,) = caught.value.exceptions
        assert isinstance(error, ZeroDivisionError)
        assert error.__notes__ == [f"migrating {broken}"]
        migrate.check(owner, house.hosted.plugins[sound].history)


def test_tables_are_migrated_though_the_plugin_lacks_a_setting_today(
    settings: Settings, rooms: Rooms, plugins: Path
) -> None:
    name = new_name()
    manifest = MANIFEST.format(name=name).replace("settings = []", 'settings = ["url"]')
    write_plugin(plugins, name, manifest=manifest, models=MODELS)
    hosted = load(settings, rooms, plugins)
    assert set(hosted.quarantined) == {name}
    assert [history.name for history in hosted.histories] == [name]


def test_two_folders_may_not_hold_a_plugin_of_one_name(
    settings: Settings, rooms: Rooms, tmp_path: Path
) -> None:
    name = write_plugin(tmp_path / "one")
    load(settings, rooms, tmp_path / "one")
    write_plugin(tmp_path / "two", name)
    hosted = load(settings, rooms, tmp_path / "two")
    assert "another plug-in of the name" in hosted.quarantined[name]
