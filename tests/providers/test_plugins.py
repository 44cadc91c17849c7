"""The plug-ins of this house are known to the marketplace from `migrate` on."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from app.core.ids import new_id
from app.factory import Rooms
from app.providers import service
from app.providers.values import Declared, ProviderStatus, Transport
from tests.providers.test_models import CLAIM, stored, write


def enter(rooms: Rooms, *declared: Declared) -> tuple[str, ...]:
    with rooms.units.open(actor="migrate") as uow:
        return service.enter_plugins(uow, declared)


def claims_of(rooms: Rooms, name: str) -> set[tuple[str, str]]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = uow.execute(
            text(
                "select c.kind, c.id from provider_claims c "
                "join providers p on p.id = c.provider_id where p.name = :name"
            ),
            {"name": name},
        )
        return {(kind, own) for kind, own in rows}


def fresh() -> str:
    return f"p{new_id().hex[-12:]}"


def test_every_plugin_stands_in_the_roster(rooms: Rooms) -> None:
    with rooms.units.open(actor="test", read_only=True) as uow:
        epoch, roster = service.read_roster(uow)
        assert epoch == service.read_epoch(uow)
    entries = {entry.name: entry for entry in roster}
    assert set(rooms.hosted.manifests) <= set(entries)
    utilities = entries["utilities"]
    assert (utilities.transport, utilities.state) == (Transport.IN_PROCESS, ProviderStatus.LIVE)
    assert (utilities.manifest, utilities.closed, utilities.canary_percent) == (None, None, 100)
    assert ("service", "water-bill") in claims_of(rooms, "utilities")
    assert ("payee", "shiyan-water") in claims_of(rooms, "utilities")


def test_entering_again_changes_nothing(rooms: Rooms) -> None:
    with rooms.units.open(actor="test", read_only=True) as uow:
        before = service.read_epoch(uow)
    assert rooms.enter_plugins() == ()
    with rooms.units.open(actor="test", read_only=True) as uow:
        assert service.read_epoch(uow) == before


def test_an_id_moves_from_one_plugin_to_another(rooms: Rooms) -> None:
    first, second, own = fresh(), fresh(), f"s-{fresh()}"
    nothing: frozenset[str] = frozenset()
    assert enter(rooms, Declared(second, frozenset({own}), frozenset({own}))) == ()
    moved = (
        Declared(second, nothing, nothing),
        Declared(first, frozenset({own}), frozenset({own})),
    )
    assert enter(rooms, *moved) == ()
    assert claims_of(rooms, first) == {("service", own), ("payee", own)}
    assert claims_of(rooms, second) == set()


def test_what_a_remote_provider_has_is_named_and_left_to_it(rooms: Rooms) -> None:
    row, own = stored(rooms), f"s-{fresh()}"
    write(rooms, CLAIM, **{**row, "kind": "service", "own": own})
    late = fresh()
    nothing: frozenset[str] = frozenset()
    faults = enter(
        rooms,
        Declared(str(row["name"]), nothing, nothing),
        Declared(late, frozenset({own}), nothing),
    )
    assert sorted(faults) == sorted(
        [
            f"plug-in {row['name']}: the name is a remote provider's",
            f"plug-in {late}: the service id {own!r} is another provider's",
        ]
    )
    assert claims_of(rooms, str(row["name"])) == {("service", own)}
    assert claims_of(rooms, late) == set()


def test_four_migrations_at_once_enter_a_plugin_once(rooms: Rooms) -> None:
    name = fresh()
    declared = Declared(name, frozenset({f"s-{name}"}), frozenset())
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: enter(rooms, declared), range(4))) == [()] * 4
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = text("select count(*) from providers where name = :name")
        assert uow.scalar(found, {"name": name}) == 1
