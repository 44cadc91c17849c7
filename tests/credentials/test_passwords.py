"""Passwords: the two policies, what is kept, and what a check tells."""

import pytest
from sqlalchemy import text

from app.core.passwords import Cost, Passwords
from app.credentials import service
from app.credentials.errors import PasswordReused, PasswordTooWeak
from app.credentials.service.policy import COMMON, check_password_policy
from app.credentials.values import Owner, PasswordCheck, Policy
from app.factory import Rooms
from tests.credentials.support import (
    GOOD,
    OTHER,
    citizen,
    deps_of,
    staff,
    unit,
    within,
)
from tests.factories import later
from tests.identity.support import count, in_parallel

DAY = 86_400
PASSES = "Harbour9-Lantern"
ROWS = "select count(*) from passwords where owner_id = :id"


def set_(rooms: Rooms, owner: Owner, password: str, policy: Policy = Policy.CITIZEN) -> None:
    within(rooms, lambda uow: service.set_password(uow, deps_of(rooms), owner, password, policy))


def check(rooms: Rooms, owner: Owner | None, password: str, claimed: str = "") -> PasswordCheck:
    return within(
        rooms,
        lambda uow: service.check_password(uow, deps_of(rooms), owner, password, claimed=claimed),
    )


@pytest.mark.parametrize(
    ("password", "policy", "reasons"),
    [
        ("heron-7", Policy.CITIZEN, ["too-short"]),
        ("x" * 60 + "yzabc" * 14, Policy.CITIZEN, ["too-long"]),
        ("PassWord", Policy.CITIZEN, ["common"]),
        ("password2024!", Policy.CITIZEN, ["common"]),
        ("woaini1314", Policy.CITIZEN, ["common"]),
        ("1qaz2wsx3edc", Policy.CITIZEN, ["common"]),
        ("abababababab", Policy.CITIZEN, ["too-regular"]),
        ("23456789:;<=", Policy.CITIZEN, ["too-regular"]),
        ("zyxwvutsrqponm", Policy.CITIZEN, ["too-regular"]),
        ("my wudang app", Policy.CITIZEN, ["personal"]),
        ("call 13807190001 now", Policy.CITIZEN, ["personal"]),
        ("我叫李雷雷雷雷今年", Policy.CITIZEN, ["personal"]),
        ("Heron-Lake-7", Policy.OPERATOR, []),
        ("heronlakeseven", Policy.OPERATOR, ["too-few-kinds-of-characters"]),
        ("Heron-7", Policy.OPERATOR, ["too-short"]),
        ("heron7lake", Policy.OPERATOR, ["too-short", "too-few-kinds-of-characters"]),
        (GOOD, Policy.CITIZEN, []),
        ("八只白鹭飞过汉江水", Policy.CITIZEN, []),
        ("🦢🐟🌊🏔️🌲🍵🎋 ok", Policy.CITIZEN, []),
        ("k7#qPz!2", Policy.CITIZEN, []),
    ],
)
def test_a_policy_names_every_rule_that_is_broken(
    password: str, policy: Policy, reasons: list[str]
) -> None:
    context = ("13807190001", "李雷")
    if not reasons:
        check_password_policy(password, policy, context)
        return
    with pytest.raises(PasswordTooWeak) as refusal:
        check_password_policy(password, policy, context)
    assert refusal.value.extra == {"reasons": reasons}


@pytest.mark.promise("P43")
def test_the_list_of_common_ones_is_long(shows: object) -> None:
    fitting = [word for word in COMMON if len(word) >= 8]
    refused = 0
    for word in fitting:
        with pytest.raises(PasswordTooWeak):
            check_password_policy(word.upper(), Policy.CITIZEN, ())
        refused += 1
    assert refused == len(fitting) >= 3_000
    shows(f"{refused} common passwords of 8 characters and more: all refused")  # type: ignore[operator]


def test_a_password_is_right_only_for_its_owner(rooms: Rooms) -> None:
    owner, other = citizen(), citizen()
    set_(rooms, owner, GOOD)
    right = check(rooms, owner, GOOD)
    assert (right.is_right, right.may_stand_alone, right.is_expired) == (True, True, False)
    assert check(rooms, owner, OTHER) == PasswordCheck(is_right=False)
    assert check(rooms, other, GOOD) == PasswordCheck(is_right=False)
    assert check(rooms, Owner.staff(owner.id), GOOD) == PasswordCheck(is_right=False)
    assert check(rooms, None, GOOD, "+8613800000000") == PasswordCheck(is_right=False)


def test_a_short_one_may_not_be_the_only_factor(rooms: Rooms) -> None:
    owner = citizen()
    set_(rooms, owner, "k7#qPz!2")
    assert check(rooms, owner, "k7#qPz!2").may_stand_alone is False
    set_(rooms, owner, "k7#qPz!2k7#qPz?")
    assert check(rooms, owner, "k7#qPz!2k7#qPz?").may_stand_alone is True


def test_a_new_password_takes_the_place_of_the_old_one(rooms: Rooms) -> None:
    owner = citizen()
    set_(rooms, owner, GOOD)
    set_(rooms, owner, OTHER)
    assert check(rooms, owner, GOOD).is_right is False
    assert check(rooms, owner, OTHER).is_right is True
    assert count(rooms, ROWS, id=owner.id) == 1


def test_a_weak_one_changes_nothing(rooms: Rooms) -> None:
    owner = citizen()
    set_(rooms, owner, GOOD)
    with pytest.raises(PasswordTooWeak):
        set_(rooms, owner, "password")
    assert check(rooms, owner, GOOD).is_right is True


def test_a_citizen_may_use_a_password_again_and_keep_it_for_years(rooms: Rooms) -> None:
    owner = citizen()
    for password in (GOOD, OTHER, GOOD):
        set_(rooms, owner, password)
    with later(3_000 * DAY):
        assert check(rooms, owner, GOOD).is_expired is False


def test_an_operator_may_not_use_the_last_five_again(rooms: Rooms) -> None:
    owner = staff()
    for turn in range(6):
        set_(rooms, owner, f"{PASSES}{turn}", Policy.OPERATOR)
    for turn in range(1, 6):
        with pytest.raises(PasswordReused):
            set_(rooms, owner, f"{PASSES}{turn}", Policy.OPERATOR)
    assert count(rooms, ROWS, id=owner.id) == 5
    set_(rooms, owner, f"{PASSES}0", Policy.OPERATOR)
    assert check(rooms, owner, f"{PASSES}5").is_right is False


def test_an_operators_password_is_over_after_ninety_days(rooms: Rooms) -> None:
    owner = staff()
    set_(rooms, owner, PASSES, Policy.OPERATOR)
    with later(89 * DAY):
        assert check(rooms, owner, PASSES).is_expired is False
    with later(90 * DAY + 1):
        found = check(rooms, owner, PASSES)
        assert (found.is_right, found.is_expired) == (True, True)


def test_a_hash_is_made_anew_when_its_cost_rises(rooms: Rooms) -> None:
    owner = citizen()
    set_(rooms, owner, GOOD)
    peppers = deps_of(rooms).keyring.peppers
    dearer = deps_of(rooms)
    object.__setattr__(dearer, "passwords", Passwords(lambda: peppers, Cost(memory=128, passes=1)))
    costs = "select count(*) from passwords where owner_id = :id and hash like '%m=128,t=1%'"
    within(rooms, lambda uow: service.check_password(uow, dearer, owner, OTHER))
    assert count(rooms, costs, id=owner.id) == 0
    assert within(rooms, lambda uow: service.check_password(uow, dearer, owner, GOOD)).is_right
    assert count(rooms, costs, id=owner.id) == 1
    assert check(rooms, owner, GOOD).is_right is True


def test_one_removed_opens_nothing(rooms: Rooms) -> None:
    owner = citizen()
    set_(rooms, owner, GOOD)
    remove = [
        within(rooms, lambda uow: service.remove_password(uow, deps_of(rooms), owner))
        for _ in range(2)
    ]
    assert remove == [True, False]
    assert check(rooms, owner, GOOD).is_right is False
    assert count(rooms, ROWS, id=owner.id) == 0


def test_parallel_changes_leave_one_password(rooms: Rooms) -> None:
    owner = citizen()
    words = [f"{GOOD} {turn}" for turn in range(8)]
    in_parallel([lambda word=word: set_(rooms, owner, word) for word in words])  # type: ignore[misc]
    current = f"{ROWS} and replaced_at is null"
    assert count(rooms, current, id=owner.id) == 1
    assert sum(check(rooms, owner, word).is_right for word in words) == 1


def test_no_password_lies_in_the_database(rooms: Rooms) -> None:
    owner = citizen()
    set_(rooms, owner, GOOD)
    with unit(rooms) as uow:
        kept = uow.scalar(text("select hash from passwords where owner_id = :id"), {"id": owner.id})
    assert kept.startswith("$argon2id+hmac$v=19$")
    assert GOOD not in kept
