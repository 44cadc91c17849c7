"""The claim on a key: who holds it, who takes it over, and who comes too late."""

from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.errors import Malformed
from app.core.idempotency import (
    LOCK,
    Answer,
    Claim,
    KeyInFlight,
    KeyMissing,
    KeyReused,
    fingerprint,
    look_up,
    parse_key,
)
from app.core.ids import new_id
from app.core.unit_of_work import Units
from tests.factories import later

BODY_KEY = bytes(range(32))
ANSWER = Answer(201, {"Location": "/things/1"}, b'{"id": 1}')
AFTER_LOCK = LOCK.total_seconds() + 1


def claim(who: UUID, key: str = "k" * 16, payload: object = None) -> Claim:
    return Claim(
        principal_id=who,
        key=key,
        operation="POST /things",
        fingerprint=fingerprint("POST /things", payload),
        body_key=BODY_KEY,
    )


def begin(units: Units, mine: Claim, made: UUID | None = None) -> None:
    """Commit a first phase, as a request does."""
    with units.open(actor="test", key=mine) as uow, uow.phase():
        if made is not None:
            mine.made(uow, made)


def ask(units: Units, mine: Claim) -> Answer | None:
    with units.open(actor="test") as uow:
        return look_up(uow, mine)


def keep(units: Units, mine: Claim, answer: Answer = ANSWER) -> None:
    with units.open(actor="test", key=mine) as uow:
        mine.keep(uow, answer)


def test_an_unused_key_is_free(units: Units) -> None:
    assert ask(units, claim(new_id())) is None


def test_what_was_kept_is_found(units: Units) -> None:
    who = new_id()
    keep(units, claim(who))
    assert ask(units, claim(who)) == ANSWER


def test_another_payload_is_refused_in_every_state(units: Units) -> None:
    who = new_id()
    begin(units, claim(who))
    with pytest.raises(KeyReused):
        ask(units, claim(who, payload=1))
    with later(AFTER_LOCK), pytest.raises(KeyReused):
        ask(units, claim(who, payload=1))


def test_a_held_key_is_in_flight_until_its_lock_is_over(units: Units) -> None:
    who = new_id()
    begin(units, claim(who))
    with later(LOCK.total_seconds() - 30), pytest.raises(KeyInFlight) as refused:
        ask(units, claim(who))
    assert refused.value.retry_after == 1
    with later(AFTER_LOCK):
        assert ask(units, claim(who)) is None


def test_who_takes_over_goes_on_with_what_was_made(units: Units) -> None:
    who, thing = new_id(), new_id()
    begin(units, claim(who), made=thing)
    heir = claim(who)
    with later(AFTER_LOCK):
        assert ask(units, heir) is None
        assert heir.resource_id == thing
        keep(units, heir)
    assert ask(units, claim(who)) == ANSWER


def test_who_was_taken_over_comes_too_late(units: Units) -> None:
    who = new_id()
    sleeper, heir = claim(who), claim(who)
    begin(units, sleeper)
    with later(AFTER_LOCK):
        ask(units, heir)
        with pytest.raises(KeyInFlight):
            keep(units, sleeper, Answer(200, {}, b"late"))
        keep(units, heir)
    with pytest.raises(KeyInFlight):
        keep(units, sleeper, Answer(200, {}, b"later still"))
    assert ask(units, claim(who)) == ANSWER


def test_a_second_heir_waits(units: Units) -> None:
    who = new_id()
    begin(units, claim(who))
    with later(AFTER_LOCK):
        assert ask(units, claim(who)) is None
        with pytest.raises(KeyInFlight):
            ask(units, claim(who))


def test_a_key_undone_with_its_transaction_can_be_held_again(units: Units) -> None:
    who = new_id()
    mine = claim(who)
    with units.open(actor="test", key=mine) as uow:
        with pytest.raises(RuntimeError), uow.phase():
            raise RuntimeError
        with uow.phase():
            mine.made(uow, who)
    keep(units, mine)
    assert ask(units, claim(who)) == ANSWER


def test_an_answer_moved_to_another_key_does_not_open(units: Units) -> None:
    who, key = new_id(), "another-key-0001"
    keep(units, claim(who))
    keep(units, claim(who, key), Answer(200, {}, b"mine"))
    with units.open(actor="test") as uow:
        uow.execute(
            text("""
                update idempotency_keys set response_body = (
                    select response_body from idempotency_keys
                    where principal_id = :who and key = :other)
                where principal_id = :who and key = :key
            """),
            {"who": who, "key": key, "other": "k" * 16},
        )
    with pytest.raises(InvalidTag):
        ask(units, claim(who, key))


@given(st.dictionaries(st.text(), st.integers(), max_size=6), st.randoms())
def test_a_fingerprint_does_not_know_the_order_of_members(
    payload: dict[str, int],
    chance: Random,
) -> None:
    names = list(payload)
    chance.shuffle(names)
    shuffled = {name: payload[name] for name in names}
    try:
        assert fingerprint("POST /x", payload) == fingerprint("POST /x", shuffled)
    except UnicodeEncodeError:
        assert any("\ud800" <= c <= "\udfff" for name in names for c in name)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": True}),
        ({"a": None}, {}),
        ([1, 2], [2, 1]),
        (None, {}),
    ],
)
def test_a_fingerprint_knows_everything_else(one: object, two: object) -> None:
    assert fingerprint("POST /x", one) != fingerprint("POST /x", two)
    assert fingerprint("POST /x", one) != fingerprint("PUT /x", one)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(KeyMissing):
        parse_key(None)


@given(st.text(max_size=140))
def test_a_key_is_visible_ascii_of_a_certain_length(header: str) -> None:
    try:
        key = parse_key(header)
    except Malformed:
        return
    assert 16 <= len(key) <= 128
    assert all("!" <= c <= "~" and c not in '"\\' for c in key)


def test_the_lock_outlives_the_longest_request() -> None:
    assert timedelta(seconds=60) < LOCK < timedelta(minutes=5)
