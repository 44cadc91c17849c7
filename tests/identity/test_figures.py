"""The figures of codes and sessions are settings, and hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.tokens import Tokens
from app.factory import Rooms, build
from app.identity import service
from app.identity.errors import RefreshTokenInvalid
from app.identity.service import IdentityDeps
from app.identity.values import Device, LogIn, SignedIn
from config.settings import Settings, SettingsInvalid
from tests.conftest import World
from tests.factories import later, make_phone
from tests.identity.support import HERE, ask, with_codes


@contextmanager
def deps_with(world: World, **env: str) -> Iterator[IdentityDeps]:
    house = build(Settings.from_env({**world.env, **env}))
    try:
        yield house.deps[IdentityDeps]
    finally:
        house.close()


def log_in(rooms: Rooms, deps: IdentityDeps, phone: str) -> SignedIn:
    challenge_id, code = ask(rooms, phone, deps=deps)
    login = LogIn(challenge_id, code, Device("phone", "android"))
    with rooms.units.open(actor="test") as uow:
        return service.start_session(uow, deps, login, HERE)


def test_every_figure_is_read(world: World) -> None:
    with deps_with(
        world,
        CODE_SECONDS="120",
        CODE_TRIES="3",
        CODES_PER_NUMBER_DAY="7",
        ACCESS_TOKEN_SECONDS="300",
        SESSION_IDLE_DAYS="2",
        SESSIONS_PER_CITIZEN="4",
        LOGIN_FAILURES_PER_QUARTER="6",
    ) as deps:
        codes, sessions = deps.codes, deps.sessions
        failures = deps.credentials.failures_per_quarter
    assert (codes.lifetime, codes.tries) == (timedelta(minutes=2), 3)
    assert (codes.per_number_day, codes.per_number_hour) == (7, 5)
    assert (sessions.access, sessions.idle) == (timedelta(minutes=5), timedelta(days=2))
    assert (sessions.most, sessions.absolute) == (4, timedelta(days=30))
    assert failures == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CODE_SECONDS", "601"),
        ("CODE_TRIES", "6"),
        ("CODE_TRIES", "0"),
        ("ACCESS_TOKEN_SECONDS", "601"),
        ("SESSION_IDLE_DAYS", "-1"),
        ("DAILY_CODES", "many"),
    ],
)
def test_a_figure_that_would_loosen_a_promise_is_refused(
    world: World, name: str, value: str
) -> None:
    with pytest.raises(SettingsInvalid, match=name):
        Settings.from_env({**world.env, name: value})


def test_a_shorter_token_and_session_end_sooner(rooms: Rooms, world: World) -> None:
    with deps_with(world, ACCESS_TOKEN_SECONDS="60", SESSION_IDLE_DAYS="1") as deps:
        mine = log_in(rooms, deps, make_phone())
        claims = rooms.deps[Tokens].verify(mine.access_token)
        assert (mine.expires_in, claims["exp"] - claims["iat"]) == (60, 60)
        with (
            later(86_400 + 1),
            pytest.raises(RefreshTokenInvalid),
            rooms.units.open(actor="test") as uow,
        ):
            service.refresh_session(uow, deps, mine.refresh_token)


def test_fewer_sessions_at_a_time(rooms: Rooms) -> None:
    deps = with_codes(rooms, resend=timedelta(0))
    deps = replace(deps, sessions=replace(deps.sessions, most=2))
    phone = make_phone()
    first = log_in(rooms, deps, phone)
    log_in(rooms, deps, phone)
    log_in(rooms, deps, phone)
    with (
        pytest.raises(RefreshTokenInvalid),
        rooms.units.open(actor="test") as uow,
    ):
        service.refresh_session(uow, deps, first.refresh_token)
