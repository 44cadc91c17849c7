"""A pepper is replaced without one password: hashes move, and everybody still comes in."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from app.core.crypto import KEY_SIZE
from app.core.key_file import KeyFile
from app.core.passwords import Passwords
from app.credentials import service
from app.credentials.values import Owner, Policy
from app.factory import Rooms
from tests.credentials.support import CHEAP, GOOD, citizen, deps_of, staff, within

OPERATORS = "Harbour9-Lantern"


def add_pepper(rooms: Rooms) -> None:
    file: KeyFile = rooms.deps[KeyFile]
    file.change(lambda keys: replace(keys, peppers=(*keys.peppers, os.urandom(KEY_SIZE))))


def lay_all(rooms: Rooms) -> int:
    total = 0
    while laid := within(rooms, lambda uow: service.lay_pepper_batch(uow, deps_of(rooms))):
        total += laid
    return total


def under_old_ones(rooms: Rooms) -> int:
    uses = within(rooms, lambda uow: service.count_peppers(uow, deps_of(rooms)))
    assert [use.is_newest for use in uses] == [False] * (len(uses) - 1) + [True]
    return sum(use.hashes for use in uses if not use.is_newest)


def is_right(rooms: Rooms, owner: Owner, password: str) -> bool:
    return within(
        rooms, lambda uow: service.check_password(uow, deps_of(rooms), owner, password)
    ).is_right


def test_every_hash_moves_and_every_password_stays(rooms: Rooms) -> None:
    somebody, clerk = citizen(), staff()
    for owner, password, policy in (
        (somebody, GOOD, Policy.CITIZEN),
        (clerk, OPERATORS, Policy.OPERATOR),
    ):
        within(
            rooms,
            lambda uow, o=owner, p=password, y=policy: service.set_password(  # type: ignore[misc]
                uow, deps_of(rooms), o, p, y
            ),
        )
    codes = within(rooms, lambda uow: service.make_recovery_codes(uow, deps_of(rooms), somebody))
    peppers = deps_of(rooms).keyring.peppers
    old = Passwords(lambda: peppers, CHEAP)
    add_pepper(rooms)
    waiting = under_old_ones(rooms)
    assert waiting >= 12
    assert lay_all(rooms) == waiting
    assert under_old_ones(rooms) == 0
    assert is_right(rooms, somebody, GOOD)
    assert is_right(rooms, clerk, OPERATORS)
    assert not is_right(rooms, somebody, OPERATORS)
    assert within(
        rooms, lambda uow: service.use_recovery_code(uow, deps_of(rooms), somebody, codes[3])
    )
    behind = replace(deps_of(rooms), passwords=old)
    found = within(rooms, lambda uow: service.check_password(uow, behind, somebody, GOOD))
    assert not found.is_right, "who has the old peppers alone can check nothing"


def test_a_log_in_moves_its_own_hash(rooms: Rooms) -> None:
    owner = citizen()
    within(
        rooms,
        lambda uow: service.set_password(uow, deps_of(rooms), owner, GOOD, Policy.CITIZEN),
    )
    lay_all(rooms)
    add_pepper(rooms)
    before = under_old_ones(rooms)
    assert is_right(rooms, owner, GOOD)
    assert under_old_ones(rooms) == before - 1
    lay_all(rooms)


def test_log_ins_beside_the_move_lose_nothing(rooms: Rooms) -> None:
    owners = [citizen() for _ in range(20)]
    for owner in owners:
        within(
            rooms,
            lambda uow, o=owner: service.set_password(  # type: ignore[misc]
                uow, deps_of(rooms), o, GOOD, Policy.CITIZEN
            ),
        )
    add_pepper(rooms)
    with ThreadPoolExecutor(6) as pool:
        moves = [pool.submit(lay_all, rooms) for _ in range(2)]
        right = list(pool.map(lambda owner: is_right(rooms, owner, GOOD), owners * 2))
        assert all(right)
        assert sum(move.result() for move in moves) >= 0
    lay_all(rooms)
    assert under_old_ones(rooms) == 0
    assert all(is_right(rooms, owner, GOOD) for owner in owners)
