"""What a guesser reaches: figures for codes, passwords and recovery codes, with Redis away too."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms, build, create_app
from app.identity import service
from app.identity.errors import CodeWrong, TooManyCodes, TooManyTries
from app.identity.service import IdentityDeps
from app.identity.values import Device, LogIn, Purpose
from config.settings import Settings
from sandbox.servers import free_port
from tests.conftest import World
from tests.factories import ask_code, later, log_in, make_phone
from tests.identity.support import ask, count, in_parallel, with_codes
from tests.identity.ways_in import by_password, step_up, with_password

DAY = 86_400


def guess_code(
    rooms: Rooms, deps: IdentityDeps, challenge_id: object, code: str, address: str
) -> str:
    """Try a code and return how it came out."""
    login = LogIn(challenge_id, code, Device("x", "ios"))  # type: ignore[arg-type]
    try:
        with rooms.units.open(actor="test", address=address) as uow:
            service.start_session(uow, deps, login, address)
    except (CodeWrong, TooManyTries) as refusal:
        return refusal.code
    return "right"


def wrong_codes(right: str, many: int) -> list[str]:
    return [f"{(int(right) + step) % 10**6:06d}" for step in range(1, many + 1)]


@pytest.mark.promise("P43")
def test_a_number_gets_fifty_tries_a_day_whatever_is_tried(
    rooms: Rooms, shows: Callable[[str], None]
) -> None:
    phone, deps = make_phone(), with_codes(rooms, city_wrong=10**6)
    looked_at = sent = 0
    for attempt in range(30):
        with later(200 * DAY + attempt * 2_400):
            address = f"198.51.{attempt}.7"
            try:
                challenge_id, right = ask(rooms, phone, address=address, deps=deps)
            except TooManyCodes:
                continue
            sent += 1
            tries = [
                partial(guess_code, rooms, deps, challenge_id, code, address)
                for code in wrong_codes(right, 12)
            ]
            outcomes = in_parallel(tries)
            assert set(outcomes) == {"code-wrong"}
            looked_at += count(
                rooms, "select tries from challenges where id = :id", id=challenge_id
            )
            # A sixth try is not even looked at, right as it is.
            assert guess_code(rooms, deps, challenge_id, right, address) == "code-wrong"
    assert (sent, looked_at) == (10, 50)
    chance = looked_at / 10**6
    assert chance <= 5e-5
    shows(
        f"{sent} codes a number and day, {looked_at} of {sent * 13} tries looked at: {chance:.0e}"
    )


@pytest.mark.promise("P43")
@pytest.mark.timed  # hundreds of hashes at their full cost
def test_spraying_passwords_trips_the_brake(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    victim = with_password(client, world, rooms)
    outcomes: Counter[str] = Counter()
    with later(210 * DAY):
        for turn in range(520):
            address = f"198.{18 + turn // 250}.{turn % 250}.9"
            answer = by_password(client, make_phone(), "Passw0rd!2026", address)
            outcomes[answer.json["code"]] += 1
        braked = by_password(client, victim.phone, address="203.0.113.5")
        assert (braked.status_code, braked.json["code"]) == (429, "too-many-guesses")
        assert int(braked.headers["Retry-After"]) <= 601
        # Codes are counted by themselves: people still get in.
        challenge_id, code = ask_code(client, world, rooms, victim.phone)
        body = {"challenge_id": challenge_id, "code": code}
        body_device = {**body, "device": {"name": "x", "platform": "ios"}}
        assert client.post("/v1/auth/sessions", json=body_device).status_code == 201
    assert outcomes == {"credentials-wrong": 500, "too-many-guesses": 20}
    with later(210 * DAY + 601):
        assert by_password(client, victim.phone, address="203.0.113.5").status_code == 201
    shows("520 passwords over 520 accounts and networks: 500 looked at, then the brake, 10 min")


@pytest.mark.promise("P43")
@pytest.mark.timed  # hundreds of hashes at their full cost
def test_one_account_is_guessed_at_a_hundred_times(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    victim = with_password(client, world, rooms)
    outcomes: Counter[str] = Counter()
    for turn in range(160):
        with later(220 * DAY + turn * 901):
            address = f"198.51.{turn}.3"
            outcomes[by_password(client, victim.phone, f"guess {turn}", address).json["code"]] += 1
    assert outcomes == {"credentials-wrong": 100, "means-blocked": 60}
    shows("160 guesses at one password from 160 networks over 40 hours: 100 looked at, then shut")


@pytest.mark.promise("P43")
def test_recovery_codes_are_counted_like_passwords(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    victim = log_in(client, world, rooms)
    step_up(rooms, victim)
    codes = client.post("/v1/me/recovery-codes", headers=victim.auth).json["codes"]
    outcomes: Counter[str] = Counter()
    for turn in range(5):
        with later(230 * DAY + turn * 61):
            challenge_id, code = ask(rooms, victim.phone, purpose=Purpose.RESET)
            body = {
                "challenge_id": str(challenge_id),
                "code": code,
                "password": "eleven otters in the reeds",
                "recovery_code": codes[3][:-1] + ("A" if codes[3][-1] != "A" else "B"),
            }
            outcomes[client.post("/v1/auth/resets", json=body).json["code"]] += 1
    assert outcomes == {"reset-refused": 5}
    shows("recovery codes: 80 bits, 5 tries an hour (a code each), 100 in a row at most")


@pytest.mark.promise("P43")
def test_the_loss_of_redis_loosens_nothing(
    world: World, rooms: Rooms, client: FlaskClient, shows: Callable[[str], None]
) -> None:
    away = Settings.from_env({**world.env, "REDIS_URL": f"redis://127.0.0.1:{free_port()}"})
    house = build(away)
    try:
        alone = create_app(away, house).test_client()
        victim = with_password(client, world, rooms)
        outcomes = [
            by_password(alone, victim.phone, "wrong", "203.0.113.40").json["code"]
            for _ in range(12)
        ]
        assert outcomes == ["credentials-wrong"] * 10 + ["too-many-guesses"] * 2
        # The other process, which has its Redis, knows of every failure.
        there = by_password(client, victim.phone, address="203.0.113.41")
        assert there.json["code"] == "too-many-guesses"
        phone = make_phone()
        codes = [
            alone.post("/v1/auth/challenges", json={"phone": phone, "purpose": "login"}).status_code
            for _ in range(3)
        ]
        assert codes == [202, 429, 429]
    finally:
        house.close()
    shows("Redis away: 10 of 12 passwords looked at, 1 of 3 codes sent; counted for every process")
