"""`keys`, for those that are laid over the ones before: of blind indexes, and peppers."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import click

from app.core import blind_indexes
from app.core.blind_indexes import RotationUnderWay
from app.core.crypto import KEY_SIZE, Keyring
from app.core.key_file import LOOK_SECONDS, KeyFile
from app.core.unit_of_work import UnitOfWork
from app.credentials.service import CredentialsDeps, count_peppers, lay_pepper_batch
from app.factory import Rooms

ACTOR = "command-line"
_WAIT = 0.1


def commands(rooms: Rooms) -> Sequence[click.Command]:
    """Return the commands."""
    return (_add_index(rooms), _reindex(rooms), _add_pepper(rooms), _repepper(rooms))


def _add_index(rooms: Rooms) -> click.Command:
    @click.command("add-blind-index")
    def add() -> None:
        """Add a key of blind indexes; `keys reindex` then lays it over the one before."""
        try:
            with rooms.units.open(actor=ACTOR) as uow:
                blind_indexes.check_may_add(uow, rooms.deps[Keyring])
                rooms.deps[KeyFile].change(
                    lambda keys: replace(keys, index=(*keys.index, os.urandom(KEY_SIZE)))
                )
        except RotationUnderWay as error:
            raise click.ClickException(str(error)) from error
        number = len(rooms.deps[Keyring].index_keys)
        click.echo(f"key {number} of the blind indexes added; `keys reindex` lays it over them")

    return add


def _reindex(rooms: Rooms) -> click.Command:
    @click.command("reindex")
    def reindex() -> None:
        """Find every value under the newest key and no other, 500 in a transaction.

        Safe to run again. Run it once every machine has the key file with the newest key.
        """
        keyring: Keyring = rooms.deps[Keyring]
        _in_one(rooms, lambda uow: blind_indexes.begin_reindexing(uow, keyring))
        while True:
            _until_none(
                rooms, lambda uow: blind_indexes.lay_batch(uow, keyring), "found under both"
            )
            if _in_one(rooms, blind_indexes.end_oldest):
                break
            time.sleep(_WAIT)  # somebody holds a row that is left
        while not _is_cleared(rooms):
            _until_none(rooms, blind_indexes.clear_batch, "cleared of the old key")
            time.sleep(_WAIT)
        click.echo("nothing is found under an older key")

    return reindex


def _is_cleared(rooms: Rooms) -> bool:
    with rooms.units.open(actor=ACTOR, read_only=True) as uow:
        uses = blind_indexes.count_index_keys(uow, rooms.deps[Keyring])
    return not any(use.names for use in uses if not use.is_newest)


def _add_pepper(rooms: Rooms) -> click.Command:
    @click.command("add-pepper")
    def add() -> None:
        """Add a pepper; new hashes stand under it within a second, `keys repepper` moves others."""
        rooms.deps[KeyFile].change(
            lambda keys: replace(keys, peppers=(*keys.peppers, os.urandom(KEY_SIZE)))
        )
        click.echo(f"pepper {len(rooms.deps[Keyring].peppers)} added")

    return add


def _repepper(rooms: Rooms) -> click.Command:
    @click.command("repepper")
    def repepper() -> None:
        """Lay the newest pepper over every hash that lacks it, 500 in a transaction.

        Safe to run again. Nobody has to log in or to choose a password.
        """
        deps: CredentialsDeps = rooms.deps[CredentialsDeps]
        time.sleep(2 * LOOK_SECONDS)  # by then every process makes new hashes under it
        while True:
            _until_none(rooms, lambda uow: lay_pepper_batch(uow, deps), "hashes moved")
            with rooms.units.open(actor=ACTOR, read_only=True) as uow:
                if not any(use.hashes for use in count_peppers(uow, deps) if not use.is_newest):
                    break
            time.sleep(_WAIT)
        click.echo("no hash is left under an older pepper")

    return repepper


def _in_one(rooms: Rooms, step: Callable[[UnitOfWork], object]) -> object:
    with rooms.units.open(actor=ACTOR) as uow:
        return step(uow)


def _until_none(rooms: Rooms, batch: Callable[[UnitOfWork], int], what: str) -> None:
    total = 0
    while True:
        with rooms.units.open(actor=ACTOR) as uow:
            count = batch(uow)
        if count == 0:
            return
        total += count
        click.echo(f"{total} {what}")
