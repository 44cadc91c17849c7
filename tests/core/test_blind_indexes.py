"""A value has one name, whatever key it is found under and whoever knows which keys."""

import os
import runpy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from app.core import blind_indexes
from app.core.blind_indexes import (
    IndexKeyMissing,
    RotationUnderWay,
    find_index,
    forget_unused,
    take_index,
    take_indexes,
)
from app.core.crypto import KEY_SIZE, Keyring
from app.core.key_file import KeyFile
from app.core.unit_of_work import Units
from app.factory import Rooms, build
from config.settings import ROOT, Settings
from tests.conftest import World
from tests.databases import migrated_database
from tests.factories import later

PHONE = "+8613807190001"
DAY = 86_400


@pytest.fixture(scope="module")
def database(world: World) -> Iterator[Rooms]:
    """Return a house with tables and keys of its own."""
    with migrated_database(world) as env:
        rooms = build(Settings.from_env(env))
        try:
            yield rooms
        finally:
            rooms.close()


@pytest.fixture
def house(database: Rooms) -> Units:
    """Return its units, with no name in the tables and one key."""
    as_owner(
        database,
        "truncate blind_indexes, blind_index_keys",
        "insert into blind_index_keys (id, oldest, newest) values (1, 1, 1)",
    )
    return database.units


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def keyring(file: KeyFile) -> Keyring:
    return Keyring(*(os.urandom(KEY_SIZE) for _ in range(3)), more=file)


def as_owner(rooms: Rooms, *statements: str) -> None:
    url = make_url(rooms.settings.database.owner_url or "").set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def take(units: Units, keyring: Keyring, value: str = PHONE) -> bytes:
    with units.open(actor="test") as uow:
        return take_index(uow, keyring, "phone", value)


def find(units: Units, keyring: Keyring, value: str = PHONE) -> bytes:
    with units.open(actor="test", read_only=True) as uow:
        return find_index(uow, keyring, "phone", value)


def rows(units: Units) -> int:
    with units.open(actor="test", read_only=True) as uow:
        return int(uow.scalar(text("select count(*) from blind_indexes")) or 0)


def add_key(file: KeyFile) -> None:
    file.change(lambda keys: replace(keys, index=(*keys.index, os.urandom(KEY_SIZE))))


def steps(units: Units, keyring: Keyring) -> Iterator[str]:
    """Rotate, stopping after each step."""
    with units.open(actor="test") as uow:
        blind_indexes.begin_reindexing(uow, keyring)
    yield "new names are found under both"
    with units.open(actor="test") as uow:
        while blind_indexes.lay_batch(uow, keyring):
            pass
    yield "every name is found under both"
    with units.open(actor="test") as uow:
        assert blind_indexes.end_oldest(uow)
    yield "new names are found under the new key"
    with units.open(actor="test") as uow:
        while blind_indexes.clear_batch(uow):
            pass
    yield "nothing is found under the old one"


def store(units: Units, **digests: bytes) -> None:
    columns = ", ".join(digests)
    values = ", ".join(f":{name}" for name in digests)
    with units.open(actor="test") as uow:
        uow.execute(
            text(
                f"insert into blind_indexes (name, created_at, {columns}) "  # noqa: S608 - a test's
                f"values (gen_random_uuid()::text::bytea, now(), {values})"
            ),
            digests,
        )


def move_keys(units: Units, change: str) -> None:
    with units.open(actor="test") as uow:
        uow.execute(text(f"update blind_index_keys set {change}"))  # noqa: S608 - a test's


def test_a_value_has_one_name_that_says_nothing(house: Units, keyring: Keyring) -> None:
    name = take(house, keyring)
    assert name == take(house, keyring) == find(house, keyring)
    assert len(name) == 16
    assert name not in keyring.index_digests("phone", PHONE)[0]
    assert take(house, keyring, "another") != name


def test_looking_for_a_value_that_nobody_has_writes_nothing(house: Units, keyring: Keyring) -> None:
    assert find(house, keyring) != find(house, keyring)
    assert rows(house) == 0


def test_parallel_calls_agree_on_one_name(house: Units, keyring: Keyring) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: take(house, keyring), range(40)))
    assert (len(set(names)), rows(house)) == (1, 1)


def test_many_are_named_as_one_is(house: Units, keyring: Keyring) -> None:
    one = take(house, keyring, "7")
    with house.open(actor="test") as uow:
        names = take_indexes(uow, keyring, "phone", [str(n) for n in range(2_000)] * 2)
    assert (names["7"], len(set(names.values())), rows(house)) == (one, 2_000, 2_000)


def test_a_rotation_changes_no_name(house: Units, keyring: Keyring, file: KeyFile) -> None:
    values = [str(n) for n in range(1_203)]
    with house.open(actor="test") as uow:
        before = take_indexes(uow, keyring, "phone", values)
    for number in (2, 3, 4):
        add_key(file)
        for step in steps(house, keyring):
            with house.open(actor="test") as uow:
                assert take_indexes(uow, keyring, "phone", values) == before, (number, step)
        kept, cleared = ("odd", "even") if number % 2 else ("even", "odd")
        newest = {keyring.index_digests("phone", value)[-1] for value in values}
        with house.open(actor="test", read_only=True) as uow:
            stored = uow.execute(text(f"select {kept}, {cleared} from blind_indexes")).all()  # noqa: S608
        assert {bytes(digest) for digest, _ in stored} == newest
        assert {former for _, former in stored} == {None}


def test_two_processes_that_know_different_keys_make_one_name(
    house: Units, keyring: Keyring, file: KeyFile, tmp_path: Path
) -> None:
    """The one that is behind has read its file a moment ago, and does not look again by itself."""

    late = replace(keyring, more=KeyFile(tmp_path / "keys.json", clock=lambda: 0.0))
    assert len(late.index_keys) == 1
    add_key(file)
    assert (len(late.index_keys), len(keyring.index_keys)) == (1, 2)
    for step in steps(house, keyring):
        with ThreadPoolExecutor(8) as pool:
            rings = [keyring, late] * 8
            names = list(pool.map(lambda ring, s=step: take(house, ring, s), rings))
        assert len(set(names)) == 1, step
        assert find(house, late, step) == find(house, keyring, step) == names[0]
    assert rows(house) == 4


def test_a_process_without_the_key_writes_nothing(
    house: Units, keyring: Keyring, file: KeyFile, tmp_path: Path
) -> None:
    name = take(house, keyring)
    without = replace(keyring, more=KeyFile(tmp_path / "of another machine"))
    add_key(file)
    for _ in steps(house, keyring):
        with pytest.raises(IndexKeyMissing):
            take(house, without, "new")
        with pytest.raises(IndexKeyMissing):
            find(house, without, "new")
    assert (find(house, keyring), rows(house)) == (name, 1)


def test_postgresql_refuses_a_name_that_another_key_would_not_find(
    house: Units, keyring: Keyring, file: KeyFile
) -> None:
    """Each row that one process alone could find would be a second name of the same value."""
    old, new = b"o" * 32, b"n" * 32
    live, other = "found_under_every_live_key", "found_under_no_other_key"
    wrong = {
        "before": [({"even": new}, live), ({"odd": old, "even": new}, other)],
        "new names are found under both": [({"odd": old}, live), ({"even": new}, live)],
        "every name is found under both": [({"odd": old}, live), ({"even": new}, live)],
        "new names are found under the new key": [
            ({"odd": old}, live),
            ({"odd": old, "even": new}, other),
        ],
        "nothing is found under the old one": [({"odd": old}, live)],
    }
    take(house, keyring)
    add_key(file)
    for step in chain(["before"], steps(house, keyring)):
        for digests, constraint in wrong[step]:
            with pytest.raises(IntegrityError, match=r"blind index|not live") as refusal:
                store(house, **digests)
            assert constraint in repr(refusal.value.orig.diag.constraint_name)  # type: ignore[union-attr]
    assert rows(house) == 1


def test_postgresql_refuses_a_second_name_under_either_key(
    house: Units, keyring: Keyring, file: KeyFile
) -> None:
    take(house, keyring)
    add_key(file)
    old, new = keyring.index_digests("phone", PHONE)
    running = steps(house, keyring)
    next(running)
    next(running)
    with pytest.raises(IntegrityError, match="uq_blind_indexes_odd"):
        store(house, odd=old, even=b"x" * 32)
    with pytest.raises(IntegrityError, match="uq_blind_indexes_even"):
        store(house, odd=b"x" * 32, even=new)
    next(running)
    with pytest.raises(IntegrityError, match="uq_blind_indexes_even"):
        store(house, even=new)
    assert rows(house) == 1


def test_a_key_does_not_end_before_every_name_has_moved(
    house: Units, keyring: Keyring, file: KeyFile
) -> None:
    take(house, keyring)
    add_key(file)
    running = steps(house, keyring)
    next(running)
    with house.open(actor="test") as uow:
        assert not blind_indexes.end_oldest(uow)
    with pytest.raises(IntegrityError, match="not every name"):
        move_keys(house, "oldest = 2")
    with pytest.raises(RotationUnderWay), house.open(actor="test") as uow:
        blind_indexes.check_may_add(uow, keyring)
    next(running)
    next(running)
    for wrong in ("oldest = 1", "newest = 4"):
        with pytest.raises(IntegrityError):
            move_keys(house, wrong)
    with pytest.raises(IntegrityError, match="are left"):
        move_keys(house, "newest = 3")
    with pytest.raises(RotationUnderWay), house.open(actor="test") as uow:
        blind_indexes.check_may_add(uow, keyring)
    next(running)
    with house.open(actor="test") as uow:
        blind_indexes.check_may_add(uow, keyring)
    with pytest.raises(IntegrityError), house.open(actor="test") as uow:
        uow.execute(text("delete from blind_index_keys"))


def test_the_name_of_a_value_cannot_be_given_to_another(house: Units, keyring: Keyring) -> None:
    take(house, keyring)
    for change in ("name = 'x'", "odd = 'x'"):
        with (
            pytest.raises(IntegrityError, match="the name of its value"),
            house.open(actor="test") as uow,
        ):
            uow.execute(text(f"update blind_indexes set {change}"))  # noqa: S608 - a test's


def test_what_is_under_way_in_a_transaction_is_waited_for(
    house: Units, keyring: Keyring, file: KeyFile
) -> None:
    add_key(file)
    running = steps(house, keyring)
    with ThreadPoolExecutor(1) as pool:
        with house.open(actor="test") as uow:
            name = take_index(uow, replace(keyring, more=None), "phone", PHONE)
            begun = pool.submit(next, running)
            assert not begun.done()
        begun.result()
    for _ in running:
        assert find(house, keyring) == name


def test_a_name_that_no_row_keeps_is_forgotten_after_a_day(
    database: Rooms, house: Units, keyring: Keyring
) -> None:
    as_owner(
        database,
        "create schema plugin_scratch",
        "create table plugin_scratch.things (thing_index bytea)",
        "grant usage on schema plugin_scratch to public",
        "grant all on plugin_scratch.things to public",
    )
    try:
        kept, held, loose = (take(house, keyring, value) for value in ("kept", "held", "loose"))
        with house.open(actor="test") as uow:
            uow.execute(text("insert into plugin_scratch.things values (:name)"), {"name": kept})
        with house.open(actor="test") as uow:
            forget_unused(uow)
        assert rows(house) == 3
        with later(DAY + 1), house.open(actor="test") as holder:
            assert take_index(holder, keyring, "phone", "held") == held
            with house.open(actor="test") as uow:
                forget_unused(uow)
        assert find(house, keyring, "kept") == kept
        assert find(house, keyring, "held") == held
        assert find(house, keyring, "loose") != loose
        assert rows(house) == 2
    finally:
        as_owner(database, "drop schema plugin_scratch cascade")


def test_what_was_stored_before_there_were_names_gets_them(
    database: Rooms, house: Units, keyring: Keyring
) -> None:
    (file,) = (ROOT / "app/migrations/versions").glob("*_blind_indexes.py")
    digest = keyring.index_digests("phone", PHONE)[0]
    stored = f"'\\x{digest.hex()}'"
    as_owner(
        database,
        "create schema plugin_scratch",
        "create table plugin_scratch.things (thing_index bytea)",
        "create table plugin_scratch.others (other_index bytea, note bytea)",
        f"insert into plugin_scratch.things values ({stored}), (''), (null)",  # noqa: S608 - a test's
        f"insert into plugin_scratch.others values ({stored}, {stored})",  # noqa: S608 - the same
    )
    try:
        as_owner(database, runpy.run_path(str(file))["EARLIER"])
        name = find(house, keyring)
        url = make_url(database.settings.database.owner_url or "").set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
            things = connection.execute("select thing_index from plugin_scratch.things").fetchall()
            others = connection.execute("select * from plugin_scratch.others").fetchall()
        assert sorted(things, key=str) == sorted([(name,), (b"",), (None,)], key=str)
        assert others == [(name, digest)]
        assert rows(house) == 1
    finally:
        as_owner(database, "drop schema plugin_scratch cascade")
