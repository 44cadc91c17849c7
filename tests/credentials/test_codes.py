"""Recovery codes and authenticator apps: each opens once."""

import re
from datetime import timedelta

import pyotp
import pytest

from app.core import clock
from app.credentials import service
from app.credentials.errors import TooManyGuesses, TotpExists
from app.credentials.values import Factors, Owner, Policy
from app.factory import Rooms
from tests.credentials.support import GOOD, citizen, deps_of, staff, within
from tests.factories import later, to_the_next
from tests.identity.support import count, in_parallel


def make(rooms: Rooms, owner: Owner) -> list[str]:
    deps = deps_of(rooms)
    return list(within(rooms, lambda uow: service.make_recovery_codes(uow, deps, owner)))


def use(rooms: Rooms, owner: Owner | None, code: str, claimed: str = "") -> bool:
    deps = deps_of(rooms)
    return within(
        rooms, lambda uow: service.use_recovery_code(uow, deps, owner, code, claimed=claimed)
    )


def test_ten_codes_of_eighty_bits(rooms: Rooms) -> None:
    codes = make(rooms, citizen())
    form = re.compile(r"[0-9](-[0-9A-HJKMNP-TV-Z]{4}){4}")
    assert len(set(codes)) == 10
    assert all(form.fullmatch(code) for code in codes)
    assert [code[0] for code in codes] == list("0123456789")


def test_each_code_opens_once(rooms: Rooms) -> None:
    owner = citizen()
    codes = make(rooms, owner)
    assert use(rooms, owner, codes[3])
    assert not use(rooms, owner, codes[3])
    assert use(rooms, owner, codes[7].lower().replace("-", " "))
    assert use(rooms, owner, codes[0].replace("0", "o").replace("1", "l"))


def test_a_code_opens_once_also_in_parallel(rooms: Rooms) -> None:
    owner = citizen()
    code = make(rooms, owner)[5]
    assert sorted(in_parallel([lambda: use(rooms, owner, code)] * 8)) == [False] * 7 + [True]


@pytest.mark.parametrize("code", ["", "3", "x" * 17, "3-AAAA-AAAA-AAAA-AAAA", "٣-AAAA" * 4])
def test_what_is_no_code_opens_nothing(rooms: Rooms, code: str) -> None:
    owner = citizen()
    make(rooms, owner)
    assert not use(rooms, owner, code)
    assert not use(rooms, None, code, "+8613800000002")


def test_somebody_elses_code_opens_nothing(rooms: Rooms) -> None:
    owner, other = citizen(), citizen()
    codes = make(rooms, owner)
    make(rooms, other)
    assert not use(rooms, other, codes[0])
    assert not use(rooms, Owner.staff(owner.id), codes[0])
    assert use(rooms, owner, codes[0])


def test_new_codes_make_the_old_ones_worthless(rooms: Rooms) -> None:
    owner = citizen()
    old, new = make(rooms, owner), make(rooms, owner)
    assert not use(rooms, owner, old[1])
    assert use(rooms, owner, new[1])


def test_codes_are_not_kept_in_clear(rooms: Rooms) -> None:
    owner = citizen()
    make(rooms, owner)
    hashed = "select count(*) from recovery_codes where owner_id = :id and hash like '$argon2id+%'"
    assert count(rooms, hashed, id=owner.id) == 10


def test_wrong_codes_are_counted(rooms: Rooms) -> None:
    owner = citizen()
    codes = make(rooms, owner)
    for _ in range(10):
        assert not use(rooms, owner, "3-AAAA-AAAA-AAAA-AAAA")
    with pytest.raises(TooManyGuesses):
        use(rooms, owner, codes[0])


def shown(app: pyotp.TOTP, steps: int = 0) -> str:
    """Return what an app shows now, or so many steps from now."""
    return app.at(clock.now() + timedelta(seconds=30 * steps))


def bind(rooms: Rooms, owner: Owner) -> pyotp.TOTP:
    """Bind an authenticator app and return it."""
    deps = deps_of(rooms)
    made = within(rooms, lambda uow: service.begin_totp(uow, deps, owner, account_name="window 3"))
    app = pyotp.TOTP(made.secret)
    assert made.uri == app.provisioning_uri(name="window 3", issuer_name="i武当")
    with later(-30):
        code = shown(app)
        assert within(rooms, lambda uow: service.confirm_totp(uow, deps, owner, code))
    return app


def check(rooms: Rooms, owner: Owner, code: str) -> bool:
    return within(rooms, lambda uow: service.check_totp(uow, deps_of(rooms), owner, code))


def test_a_code_of_the_app_counts_once(rooms: Rooms) -> None:
    owner = staff()
    app = bind(rooms, owner)
    code = shown(app)
    assert check(rooms, owner, code)
    assert not check(rooms, owner, code)


def test_none_older_than_one_that_was_used_counts(rooms: Rooms) -> None:
    owner = staff()
    app = bind(rooms, owner)
    with later(300):
        before, present = shown(app, -1), shown(app)
        assert check(rooms, owner, present)
        assert not check(rooms, owner, before)


def test_a_code_counts_once_also_in_parallel(rooms: Rooms) -> None:
    owner = staff()
    code = shown(bind(rooms, owner))
    assert sorted(in_parallel([lambda: check(rooms, owner, code)] * 8)) == [False] * 7 + [True]


def test_a_phone_may_be_half_a_minute_wrong_and_no_more(rooms: Rooms) -> None:
    owner = staff()
    app = bind(rooms, owner)
    with later(3_000 + to_the_next(30)):  # a code's time has just begun: it does not end between
        assert not check(rooms, owner, shown(app, -2))
        assert not check(rooms, owner, shown(app, 2))
        assert check(rooms, owner, shown(app, -1))
        assert check(rooms, owner, shown(app, 1))


def test_an_app_counts_once_it_is_confirmed(rooms: Rooms) -> None:
    owner, deps = staff(), deps_of(rooms)
    made = within(rooms, lambda uow: service.begin_totp(uow, deps, owner, account_name="x"))
    code = shown(pyotp.TOTP(made.secret))
    assert not check(rooms, owner, code)
    assert not within(rooms, lambda uow: service.confirm_totp(uow, deps, owner, "000000x"))
    assert within(rooms, lambda uow: service.factors_of(uow, owner)).totp is False
    assert within(rooms, lambda uow: service.confirm_totp(uow, deps, owner, code))
    assert within(rooms, lambda uow: service.factors_of(uow, owner)).totp is True
    with pytest.raises(TotpExists):
        within(rooms, lambda uow: service.begin_totp(uow, deps, owner, account_name="x"))
    assert within(rooms, lambda uow: service.remove_totp(uow, deps, owner)) is True
    with later(60):
        assert not check(rooms, owner, shown(pyotp.TOTP(made.secret)))


def test_the_secret_is_sealed(rooms: Rooms) -> None:
    owner, deps = staff(), deps_of(rooms)
    made = within(rooms, lambda uow: service.begin_totp(uow, deps, owner, account_name="x"))
    clear = "select count(*) from totps where encode(secret_sealed, 'escape') like :secret"
    assert count(rooms, clear, secret=f"%{made.secret}%") == 0


def test_guessing_the_app_is_counted(rooms: Rooms) -> None:
    owner = staff()
    app = bind(rooms, owner)
    for _ in range(10):
        assert not check(rooms, owner, "no")
    with pytest.raises(TooManyGuesses):
        check(rooms, owner, shown(app))


def test_an_account_that_is_closed_keeps_nothing(rooms: Rooms) -> None:
    owner, deps = citizen(), deps_of(rooms)
    within(rooms, lambda uow: service.set_password(uow, deps, owner, GOOD, Policy.CITIZEN))
    make(rooms, owner)
    bind(rooms, owner)
    found = within(rooms, lambda uow: service.factors_of(uow, owner))
    assert found == Factors(password=True, passkeys=0, recovery_codes=10, totp=True)
    within(rooms, lambda uow: service.forget_owner(uow, owner))
    found = within(rooms, lambda uow: service.factors_of(uow, owner))
    assert found == Factors(password=False, passkeys=0, recovery_codes=0, totp=False)
    assert found.are_none
