"""An account is linked by whoever knows its number and its holder's name, and by nobody else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from app.sdk import Citizen, House, Invalid, NotFound, PageRequest, Unavailable
from plugins.utilities import service
from plugins.utilities.errors import (
    AccountMismatch,
    BillerUnavailable,
    TooManyAccounts,
    TooManyLinkAttempts,
)
from plugins.utilities.models import Account, LookUp
from plugins.utilities.service.accounts import MAX_ACCOUNTS, MAX_ATTEMPTS, attempt
from plugins.utilities.service.terms import TERMS
from plugins.utilities.values import NewAccount, NewLookUp
from tests.factories import later
from tests.plugins.utilities.conftest import City, Subscriber, link


def try_linking(house: House, citizen: Citizen, wanted: NewAccount) -> None:
    with house.unit_of_work() as uow:
        service.link_account(house, uow, citizen, wanted)


def count(house: House, citizen: Citizen) -> int:
    statement = select(func.count()).where(Account.citizen_reference == citizen.reference)
    with house.unit_of_work() as uow:
        return uow.scalar(statement) or 0


def test_a_linked_account_shows_a_masked_number(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    account = link(house, citizen, subscriber)
    assert (account.biller, account.status) == ("shiyan-water", "verified")
    assert account.number_masked == f"{subscriber.number[:3]}*****{subscriber.number[-4:]}"


def test_number_and_name_are_sealed_at_rest(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    account = link(house, citizen, subscriber)
    with house.unit_of_work() as uow:
        row = uow.execute(
            text("select to_jsonb(a)::text from plugin_utilities.accounts a where id = :id"),
            {"id": account.id},
        ).scalar_one()
        stored = uow.get_one(Account, account.id)
    assert subscriber.number not in row
    assert subscriber.holder_name not in row
    for sealed in (stored.number_sealed, stored.holder_name_sealed):
        assert subscriber.number.encode() not in sealed
        assert subscriber.holder_name.encode() not in sealed


def test_an_unknown_number_and_another_name_are_refused_alike(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    with pytest.raises(AccountMismatch) as other_name:
        try_linking(house, citizen, subscriber.wanted(holder_name="王芳"))
    with pytest.raises(AccountMismatch) as no_number:
        try_linking(house, citizen, subscriber.wanted(number=f"no-{uuid4().hex[:8]}"))
    assert vars(other_name.value) == vars(no_number.value)
    assert count(house, citizen) == 0


@pytest.mark.parametrize("name", ["陈𬱖", "李㛃", "阿依古丽·买买提"])
def test_rare_characters_and_middle_dots_match(
    house: House, citizen: Citizen, open_account: Callable[..., Subscriber], name: str
) -> None:
    assert link(house, citizen, open_account("shiyan-heat", name)).status == "verified"


def test_linking_again_returns_the_same_link(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    assert link(house, citizen, subscriber) == link(house, citizen, subscriber)
    assert count(house, citizen) == 1


def test_two_citizens_may_link_the_same_account(
    house: House, citizen: Citizen, stranger: Citizen, subscriber: Subscriber
) -> None:
    assert link(house, citizen, subscriber).id != link(house, stranger, subscriber).id


def test_the_same_account_linked_at_once_is_linked_once(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(link, house, citizen, subscriber) for _ in range(6)]
        accounts = [future.result() for future in futures]
    assert len({account.id for account in accounts}) == 1
    assert count(house, citizen) == 1


@pytest.mark.parametrize("mode", ["down", "garbage"])
def test_a_biller_without_a_sensible_answer_is_unavailable(
    house: House, citizen: Citizen, subscriber: Subscriber, mode: str
) -> None:
    subscriber.behave(mode)
    with pytest.raises(BillerUnavailable):
        link(house, citizen, subscriber)
    subscriber.behave("ok")
    assert count(house, citizen) == 0


def test_the_eleventh_attempt_within_an_hour_is_refused_without_asking_the_biller(
    house: House, citizen: Citizen, city: City, subscriber: Subscriber
) -> None:
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(AccountMismatch):
            try_linking(house, citizen, subscriber.wanted(holder_name="王芳"))
    city.behave("shiyan-water", "garbage", times=1)
    with pytest.raises(TooManyLinkAttempts) as refused:
        link(house, citizen, subscriber)
    assert 0 < (refused.value.retry_after or 0) <= 3600
    assert city("GET", "/billers/shiyan-water/behaviour").body["mode"] == "garbage"
    city.behave("shiyan-water", "ok")
    with later(3601):
        assert link(house, citizen, subscriber).status == "verified"


def test_a_number_of_another_form_than_its_billers_is_no_attempt_and_nobody_is_asked(
    house: House,
    citizen: Citizen,
    city: City,
    subscriber: Subscriber,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terms = TERMS[subscriber.biller]
    (param,) = terms.customer_params
    eight = replace(param, pattern="[0-9]{8}")  # the number begins like that, and goes on
    said = [{"pointer": "/number", "message": "Not [0-9]{8}."}]
    wanted = NewLookUp(subscriber.biller, subscriber.number, subscriber.holder_name[0])
    subscriber.behave("garbage", times=1)
    with monkeypatch.context() as patched:
        patched.setitem(TERMS, subscriber.biller, replace(terms, customer_params=(eight,)))
        for _ in range(MAX_ATTEMPTS + 1):
            with pytest.raises(Invalid) as linking:
                link(house, citizen, subscriber)
            with house.unit_of_work() as uow, pytest.raises(Invalid) as looking:
                service.look_up_account(house, uow, citizen.reference, wanted)
            assert linking.value.errors == looking.value.errors == said
    assert city("GET", f"/billers/{subscriber.biller}/behaviour").body["mode"] == "garbage"
    subscriber.behave("ok")
    with house.unit_of_work() as uow:
        looked = select(func.count()).where(LookUp.citizen_reference == citizen.reference)
        assert uow.scalar(looked) == 0
    assert link(house, citizen, subscriber).status == "verified"


def test_a_right_answer_costs_no_attempt(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    wrong = subscriber.wanted(holder_name="王芳")
    for _ in range(MAX_ATTEMPTS - 1):
        with pytest.raises(AccountMismatch):
            try_linking(house, citizen, wrong)
    for _ in range(3):
        link(house, citizen, subscriber)
    with pytest.raises(AccountMismatch):
        try_linking(house, citizen, wrong)
    with pytest.raises(TooManyLinkAttempts):
        link(house, citizen, subscriber)


@pytest.mark.parametrize("mode", ["down", "garbage"])
def test_what_is_not_answered_counts_for_a_minute(
    house: House, citizen: Citizen, subscriber: Subscriber, mode: str
) -> None:
    for _ in range(MAX_ATTEMPTS):
        subscriber.behave(mode)
        with pytest.raises(BillerUnavailable):
            link(house, citizen, subscriber)
    subscriber.behave("ok")
    with pytest.raises(TooManyLinkAttempts) as refused:
        link(house, citizen, subscriber)
    assert 0 < (refused.value.retry_after or 0) <= 61
    with later(61):
        assert link(house, citizen, subscriber).status == "verified"


@pytest.mark.parametrize("end", [KeyboardInterrupt, Unavailable])
def test_an_attempt_that_ended_half_way_counts_for_a_minute(
    house: House, citizen: Citizen, subscriber: Subscriber, end: type[BaseException]
) -> None:
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(end), attempt(house, citizen.reference):
            raise end
    with pytest.raises(TooManyLinkAttempts):
        link(house, citizen, subscriber)
    with later(61):
        assert link(house, citizen, subscriber).status == "verified"


def test_attempts_at_once_are_all_counted(
    house: House, citizen: Citizen, subscriber: Subscriber
) -> None:
    wrong = subscriber.wanted(holder_name="王芳")

    def attempt(_: int) -> type[Exception] | None:
        try:
            try_linking(house, citizen, wanted=wrong)
        except (AccountMismatch, TooManyLinkAttempts) as error:
            return type(error)
        return None

    with ThreadPoolExecutor(5) as pool:
        outcomes = list(pool.map(attempt, range(15)))
    assert outcomes.count(AccountMismatch) == MAX_ATTEMPTS
    assert outcomes.count(TooManyLinkAttempts) == 15 - MAX_ATTEMPTS


def test_a_citizen_links_twenty_accounts_and_no_more(
    house: House, citizen: Citizen, open_account: Callable[..., Subscriber]
) -> None:
    for _ in range(MAX_ACCOUNTS):
        last = open_account()
        link(house, citizen, last)
    with pytest.raises(TooManyAccounts):
        link(house, citizen, open_account())
    link(house, citizen, last)  # known already: not one more
    assert count(house, citizen) == MAX_ACCOUNTS


def test_accounts_come_in_pages_in_the_order_of_linking(
    house: House, citizen: Citizen, open_account: Callable[..., Subscriber]
) -> None:
    linked = [link(house, citizen, open_account()) for _ in range(3)]
    with house.unit_of_work() as uow:
        first = service.list_accounts(house, uow, citizen.reference, PageRequest(2))
        rest = service.list_accounts(
            house, uow, citizen.reference, PageRequest(2, first.next_cursor)
        )
    assert [*first.items, *rest.items] == linked
    assert rest.next_cursor is None


def test_only_its_citizen_sees_and_unlinks_an_account(
    house: House, citizen: Citizen, stranger: Citizen, subscriber: Subscriber
) -> None:
    account = link(house, citizen, subscriber)
    with house.unit_of_work() as uow:
        assert service.find_account(house, uow, citizen.reference, account.id) == account
        with pytest.raises(NotFound):
            service.find_account(house, uow, stranger.reference, account.id)
        with pytest.raises(NotFound):
            service.unlink_account(uow, stranger.reference, account.id)
    assert count(house, citizen) == 1
    with house.unit_of_work() as uow:
        service.unlink_account(uow, citizen.reference, account.id)
    assert count(house, citizen) == 0
    with house.unit_of_work() as uow, pytest.raises(NotFound):
        service.unlink_account(uow, citizen.reference, account.id)
