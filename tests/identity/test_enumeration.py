"""Whether a number has an account cannot be learned: not from bytes, and not from time."""

import re
import statistics
import time
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.identity.values import Purpose
from tests.conftest import World
from tests.credentials.authenticator import Authenticator, Json
from tests.factories import ask_code, later, make_phone
from tests.identity.support import ask
from tests.identity.ways_in import (
    GOOD,
    add_passkey,
    by_password,
    login_options,
    passkey_options,
    step_up,
    with_password,
)

_CHANGING = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f-]{27}"
    rb"|\d{4}-\d\d-\d\dT[\d:.]+Z"
    rb'|(?<="challenge":")[A-Za-z0-9_-]{43}'
)
Call = Callable[[str], TestResponse]


def seen(answer: TestResponse) -> tuple[int, bytes, dict[str, bytes]]:
    """Return everything that a caller sees of an answer, without ids, moments and challenges."""
    heads = {
        name: _CHANGING.sub(b"*", value.encode())
        for name, value in answer.headers.items()
        if name != "RateLimit"
    }
    return answer.status_code, _CHANGING.sub(b"*", answer.data), heads


def calls_of(client: FlaskClient) -> dict[str, Call]:
    """Return what anybody may call with a number."""
    return {
        "a code": lambda phone: client.post(
            "/v1/auth/challenges", json={"phone": phone, "purpose": "login"}
        ),
        "a code for a reset": lambda phone: client.post(
            "/v1/auth/challenges", json={"phone": phone, "purpose": "reset"}
        ),
        "a wrong password": lambda phone: by_password(client, phone, "not this one"),
    }


@pytest.mark.promise("P45")
def test_a_known_and_an_unknown_number_get_the_same_bytes(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    known, unknown = with_password(client, world, rooms), make_phone()
    compared = 0
    for turn, (name, call) in enumerate(calls_of(client).items()):
        with later(61 * (turn + 1)):
            assert seen(call(known.phone)) == seen(call(unknown)), name
            compared += 1
    with later(600):
        for _ in range(9):
            assert seen(by_password(client, known.phone, "x")) == seen(
                by_password(client, unknown, "x")
            )
            compared += 1
        many = [by_password(client, phone, "x") for phone in (known.phone, unknown)]
        assert [answer.status_code for answer in many] == [429, 429]
        assert many[0].json["code"] == many[1].json["code"] == "too-many-guesses"
    shows(f"{compared} pairs of answers (code, reset, password): 0 that differ")


@pytest.mark.promise("P45")
def test_what_a_passkey_is_asked_looks_alike(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    known, unknown, phone = with_password(client, world, rooms), make_phone(), Authenticator()
    step_up(rooms, known)
    add_passkey(client, known, phone.register(passkey_options(client, known)))

    def shape(options: Json) -> Json:
        entries = options.pop("allowCredentials")
        kinds = {(entry["type"], *sorted(entry)) for entry in entries}
        return {**options, "challenge": "*", "entries": len(entries), "kinds": kinds}

    for purpose in ("login", "reset"):
        first, again = (login_options(client, unknown, purpose) for _ in range(2))
        assert first["allowCredentials"] == again["allowCredentials"]
        assert shape(login_options(client, known.phone, purpose)) == shape(first)
    other = login_options(client, make_phone())["allowCredentials"]
    assert other != login_options(client, unknown)["allowCredentials"]
    shows("passkey options: 10 ids for every number, the same each time")


def test_a_reset_is_refused_alike(client: FlaskClient, world: World, rooms: Rooms) -> None:
    known, unknown = with_password(client, world, rooms), make_phone()
    answers = []
    with later(61):
        for phone in (known.phone, unknown):
            challenge_id, code = ask_code(client, world, rooms, phone, "reset")
            answers.append(
                client.post(
                    "/v1/auth/resets",
                    json={
                        "challenge_id": challenge_id,
                        "code": code,
                        "password": GOOD,
                        "recovery_code": "3-AAAA-AAAA-AAAA-AAAA",
                    },
                )
            )
    assert seen(answers[0]) == seen(answers[1])


PAIRS, OF_EACH = 200, 20


def auc(first: list[float], second: list[float]) -> float:
    """Return how often a time of the second is the longer one: a half when nothing can be told."""
    wins = sum((b > a) + (b == a) / 2 for a in first for b in second)
    return wins / (len(first) * len(second))


def milliseconds(call: Callable[[], TestResponse]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1_000


def fresh_hours() -> Iterator[int]:
    """Return moments that lie so far apart that no limit of one reaches the next."""
    return iter(range(400 * 86_400, 10_000 * 86_400, 7_200))


@pytest.mark.promise("P45")
@pytest.mark.timed
def test_the_time_an_answer_takes_tells_nothing(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    # Many of each: a hundred failures in a row would shut one, and a shut one answers at once.
    known = [with_password(client, world, rooms).phone for _ in range(OF_EACH)]
    unknown = [make_phone() for _ in range(OF_EACH)]
    hours = fresh_hours()

    def ready(call: Call) -> Callable[[str], Callable[[], TestResponse]]:
        return lambda phone: lambda: call(phone)

    def a_reset(phone: str) -> Callable[[], TestResponse]:
        challenge_id, code = ask(rooms, phone, purpose=Purpose.RESET)
        body = {"challenge_id": str(challenge_id), "code": code, "password": GOOD}
        body["recovery_code"] = "3-AAAA-AAAA-AAAA-AAAA"
        return lambda: client.post("/v1/auth/resets", json=body)

    calls = {
        **{name: ready(call) for name, call in calls_of(client).items()},
        "what a passkey is asked": ready(
            lambda phone: client.post(
                "/v1/auth/passkeys/options", json={"phone": phone, "purpose": "login"}
            )
        ),
        "a reset": a_reset,
    }
    for name, call in calls.items():
        times: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(PAIRS + 5):
            phones = {True: known[turn % OF_EACH], False: unknown[turn % OF_EACH]}
            with later(next(hours)):
                order = (True, False) if turn % 2 else (False, True)
                found = {is_known: milliseconds(call(phones[is_known])) for is_known in order}
            if turn >= 5:  # the first ones warm up
                for is_known, value in found.items():
                    times[is_known].append(value)
        area = auc(times[False], times[True])
        gaps = [a - b for a, b in zip(times[True], times[False], strict=True)]
        gap = abs(statistics.median(gaps))
        shows(f"{name}: {PAIRS} pairs, median gap {gap:.2f} ms, AUC {area:.3f}")
        assert gap <= 5, name
        assert 0.45 <= area <= 0.55, name
