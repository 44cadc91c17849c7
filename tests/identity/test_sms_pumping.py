"""Nobody can be made to pay for texts that nobody wants: what ten thousand requests send."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.factory import Rooms
from app.identity import service
from app.identity.errors import PhoneNotSupported, TooManyCodes
from app.identity.service import IdentityDeps, limits
from app.identity.values import Device, LogIn, Purpose
from tests.conftest import World
from tests.factories import later, run_jobs, texts_to
from tests.identity.support import ask, count, deps_of, with_codes

DAY = 86_400
DAILY = 300
BRAKED = "select count(*) from sms_prefixes where prefix = :prefix and braked_until is not null"


def block_of(number: int) -> str:
    """Return a block of ten thousand numbers that no other test asks for: theirs begin with 138."""
    return f"+8615{number:05d}"


def pump(rooms: Rooms, deps: IdentityDeps, phone: str, address: str) -> str:
    try:
        with rooms.units.open(actor="test", address=address) as uow:
            service.open_challenge(uow, deps, phone, Purpose.LOGIN, address)
    except (TooManyCodes, PhoneNotSupported) as refusal:
        return refusal.code
    return "sent"


@pytest.mark.promise("P44")
@pytest.mark.timed  # minutes
def test_ten_thousand_requests_send_no_more_than_the_published_cap(
    world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    deps = with_codes(rooms, city_day=DAILY)
    outcomes: Counter[str] = Counter()
    foreign = ("+14155550000", "+85261230000", "+4475000000", "+23750000000", "+882130000000")
    with later(300 * DAY):
        before = count(rooms, "select count(*) from challenges")
        for turn in range(10_000):
            address = f"{11 + turn // 62_500}.{turn // 250 % 250}.{turn % 250}.9"
            kind = turn % 4
            if kind == 0:  # numbers side by side, thousands of addresses
                phone = f"{block_of(81_000)}{turn:04d}"[:14]
            elif kind == 1:  # one number again and again
                phone = f"{block_of(81_001)}0001"
            elif kind == 2:  # numbers of other countries
                phone = foreign[turn % 5][:-4] + f"{turn:04d}"
            else:  # numbers far apart
                phone = f"{block_of(82_000 + turn % 400)}{turn:04d}"[:14]
            outcomes[pump(rooms, deps, phone, address)] += 1
        sent = count(rooms, "select count(*) from challenges") - before
        assert sent == outcomes["sent"] <= DAILY
        assert outcomes["phone-not-supported"] == 2_500
        assert sum(outcomes.values()) == 10_000
        run_jobs(rooms)
        assert len(texts_to(world, f"{block_of(81_001)}0001")) <= 1
    shows(
        "10,000 requests (adjacent, one number, abroad, far apart; 10,000 addresses): "
        f"{sent} sent, cap {DAILY}; {outcomes['too-many-codes']} refused, 2,500 not supported"
    )


@pytest.mark.promise("P44")
def test_a_block_whose_codes_nobody_uses_gets_two_hundred(
    rooms: Rooms, shows: Callable[[str], None]
) -> None:
    deps = replace(deps_of(rooms), loopback_exempt=False)
    prefix = block_of(83_001)
    with later(310 * DAY):
        outcomes = Counter(
            pump(rooms, deps, f"{prefix}{turn:04d}", f"20.{turn // 250}.{turn % 250}.1")
            for turn in range(300)
        )
    assert outcomes == {"sent": 200, "too-many-codes": 100}
    assert count(rooms, BRAKED, prefix=prefix) == 1
    trail = (
        "select count(*) from audit_entries where event = 'sms-prefix.braked' "
        "and details->>'prefix' = :prefix"
    )
    assert count(rooms, trail, prefix=prefix) == 1
    with later(310 * DAY):
        elsewhere = pump(rooms, deps, f"{block_of(83_002)}0000", "21.0.0.1")
        assert elsewhere == "sent"
    with later(310 * DAY + 3_601):
        assert pump(rooms, deps, f"{prefix}9999", "21.0.1.1") == "sent"
    shows("300 requests for one block of numbers, none used: 200 sent, then an hour of silence")


def test_a_block_whose_codes_are_used_goes_on(rooms: Rooms) -> None:
    deps = replace(deps_of(rooms), loopback_exempt=False)
    prefix = block_of(83_003)
    with later(320 * DAY):
        for turn in range(250):
            address = f"22.{turn // 250}.{turn % 250}.1"
            if turn % 4:
                assert pump(rooms, deps, f"{prefix}{turn:04d}", address) == "sent", turn
                continue
            challenge_id, code = ask(rooms, f"{prefix}{turn:04d}", address=address, deps=deps)
            login = LogIn(challenge_id, code, Device("x", "ios"))
            with rooms.units.open(actor="test", address=address) as uow:
                service.start_session(uow, deps, login, address)
    assert count(rooms, BRAKED, prefix=prefix) == 0
    assert limits.PREFIX_SHARE < 1 / 4
