"""A biller is told of a payment once, whatever becomes of the answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.factory import Rooms
from app.sdk import (
    Conflict,
    Fulfilment,
    House,
    HttpClient,
    Invalid,
    NoAnswer,
    NotFound,
    OutcomeUnknown,
    PaymentNotice,
    Reply,
    Unavailable,
    now,
)
from plugins.utilities.client import BillerClient
from plugins.utilities.errors import AlreadyPaid, BillerUnavailable, BillNotFound, RefusedByBiller
from plugins.utilities.models import Posting
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.service.mirror import keep_asked
from plugins.utilities.service.postings import SETTLING
from tests.factories import later
from tests.plugins.utilities.conftest import ALL, Subscriber, notice_of

SETTLED = SETTLING.total_seconds() + 1
HONOUR_KEYS = ("shiyan-water", "shiyan-heat")
OFFER_INQUIRY = ("shiyan-power", "shiyan-heat")


class Paid:
    """A bill that was paid with us, and the news of it."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self.number = subscriber.add_bill()
        self.notice = notice_of(subscriber, self.number)

    @property
    def effects(self) -> list[bool]:
        return self.subscriber.effects(self.number)


@pytest.fixture
def paid(subscriber: Subscriber) -> Paid:
    return Paid(subscriber)


def posting_of(house: House, notice: PaymentNotice) -> Posting | None:
    with house.unit_of_work() as uow:
        return uow.get(Posting, notice.key)


def state_of(house: House, notice: PaymentNotice) -> str | None:
    posting = posting_of(house, notice)
    return posting.state if posting else None


@pytest.mark.parametrize("biller", ALL)
def test_a_biller_is_told_once_and_a_repeat_gets_the_same_answer(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    first = provider.fulfil(paid.notice)
    assert [provider.fulfil(paid.notice) for _ in range(3)] == [first] * 3
    assert provider.find_fulfilment(paid.notice.key) == first
    assert len(paid.subscriber.postings(paid.number)) == 1
    assert paid.effects == [True]
    (told,) = paid.subscriber.postings(paid.number)
    assert (told["key"], told["amount"]) == (paid.notice.key, 4250)


@pytest.mark.parametrize("biller", ALL)
def test_told_at_once_from_many_places_it_takes_effect_once(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    def tell(_: int) -> Fulfilment | type[OutcomeUnknown]:
        try:
            return provider.fulfil(paid.notice)
        except OutcomeUnknown:
            return OutcomeUnknown

    with ThreadPoolExecutor(5) as pool:
        answers = set(pool.map(tell, range(5)))
    assert paid.effects == [True]
    assert len(answers - {OutcomeUnknown}) == 1


@pytest.mark.parametrize("biller", HONOUR_KEYS)
def test_after_a_lost_answer_the_same_key_is_told_again(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    paid.subscriber.behave("answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    assert state_of(provider.house, paid.notice) == "sent"
    done = provider.fulfil(paid.notice)
    assert paid.effects == [True]
    outcomes = [p["outcome"] for p in paid.subscriber.postings(paid.number)]
    assert outcomes == ["booked", "repeated"]
    assert provider.find_fulfilment(paid.notice.key) == done


@pytest.mark.parametrize("biller", OFFER_INQUIRY)
def test_after_a_lost_answer_the_inquiry_finds_it(provider: UtilitiesProvider, paid: Paid) -> None:
    paid.subscriber.behave("answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    found = provider.find_fulfilment(paid.notice.key)
    assert found is not None
    assert provider.fulfil(paid.notice) == found
    assert len(paid.subscriber.postings(paid.number)) == 1
    assert state_of(provider.house, paid.notice) == "booked"


def test_power_is_asked_before_it_is_told_again(
    provider: UtilitiesProvider, open_account: Callable[..., Subscriber]
) -> None:
    paid = Paid(open_account("shiyan-power"))
    paid.subscriber.behave("answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    done = provider.fulfil(paid.notice)
    assert done.reference.startswith("PWR-")
    assert len(paid.subscriber.postings(paid.number)) == 1


@pytest.mark.parametrize("biller", ["shiyan-gas"])
def test_gas_is_never_told_again_after_a_lost_answer(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    paid.subscriber.behave("answer_lost", times=1)
    for moment in (0, 0, SETTLED, 86_400):
        with later(moment), pytest.raises(OutcomeUnknown):
            provider.fulfil(paid.notice)
        with later(moment), pytest.raises(OutcomeUnknown):
            provider.find_fulfilment(paid.notice.key)
    assert paid.effects == [True]
    assert len(paid.subscriber.postings(paid.number)) == 1


@pytest.mark.parametrize("biller", ["shiyan-water"])
def test_water_cannot_tell_after_a_lost_answer(provider: UtilitiesProvider, paid: Paid) -> None:
    paid.subscriber.behave("answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    with pytest.raises(OutcomeUnknown):
        provider.find_fulfilment(paid.notice.key)


@pytest.mark.parametrize("biller", ALL)
def test_an_answer_that_comes_too_late_leaves_the_outcome_open(
    hasty: UtilitiesProvider, paid: Paid
) -> None:
    paid.subscriber.behave("slow", seconds=30, times=1)
    with pytest.raises(OutcomeUnknown):
        hasty.fulfil(paid.notice)
    assert paid.subscriber.await_effects(paid.number) == [True]
    assert state_of(hasty.house, paid.notice) == "sent"


@pytest.mark.parametrize("biller", ALL)
def test_garbage_leaves_the_outcome_open(provider: UtilitiesProvider, paid: Paid) -> None:
    paid.subscriber.behave("garbage", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    assert state_of(provider.house, paid.notice) == "unclear"
    assert paid.effects == []


@pytest.mark.parametrize("biller", ["shiyan-power", "shiyan-heat"])
def test_after_garbage_an_inquiry_settles_that_nothing_was_booked(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    paid.subscriber.behave("garbage", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    assert provider.find_fulfilment(paid.notice.key) is None
    provider.fulfil(paid.notice)
    assert paid.effects == [True]


@pytest.mark.parametrize("biller", OFFER_INQUIRY)
def test_a_garbled_inquiry_tells_nothing(provider: UtilitiesProvider, paid: Paid) -> None:
    paid.subscriber.behave("garbage")
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    with pytest.raises(OutcomeUnknown):
        provider.find_fulfilment(paid.notice.key)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)


@pytest.mark.parametrize("biller", ALL)
def test_a_biller_that_says_it_is_down_was_not_told(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    paid.subscriber.behave("down")
    for _ in range(2):
        with pytest.raises(Unavailable):
            provider.fulfil(paid.notice)
    assert state_of(provider.house, paid.notice) == "unsent"
    assert provider.find_fulfilment(paid.notice.key) is None
    paid.subscriber.behave("ok")
    provider.fulfil(paid.notice)
    assert paid.effects == [True]


@pytest.mark.parametrize("biller", ["shiyan-water", "shiyan-heat", "shiyan-power"])
def test_down_after_a_lost_answer_does_not_mean_that_nothing_was_booked(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    paid.subscriber.behave("answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    paid.subscriber.behave("down")
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    paid.subscriber.behave("ok")
    assert provider.fulfil(paid.notice).reference
    assert paid.effects == [True]


@pytest.mark.parametrize("biller", ALL)
def test_a_refused_connection_is_unavailable(
    provider: UtilitiesProvider, paid: Paid, rooms: Rooms
) -> None:
    class Refuses:
        def request(self, *_: object, **__: object) -> Reply:
            raise NoAnswer("refused", may_have_acted=False)

    cut_off = UtilitiesProvider(replace(provider.house, http=HttpClient(Refuses())))
    with pytest.raises(BillerUnavailable):
        cut_off.fulfil(paid.notice)
    assert state_of(provider.house, paid.notice) == "unsent"
    provider.fulfil(paid.notice)
    assert paid.effects == [True]


@pytest.mark.parametrize("biller", ALL)
def test_a_refusal_is_final_and_is_repeated(provider: UtilitiesProvider, paid: Paid) -> None:
    paid.subscriber.behave("refuse")
    with pytest.raises(RefusedByBiller) as first:
        provider.fulfil(paid.notice)
    assert first.value.extra == {"reason": "refused-by-biller"}
    paid.subscriber.behave("ok")
    with pytest.raises(RefusedByBiller) as second:
        provider.fulfil(paid.notice)
    assert second.value.extra == first.value.extra
    assert provider.find_fulfilment(paid.notice.key) is None
    assert paid.effects == []
    assert len(paid.subscriber.postings(paid.number)) == 1


@pytest.mark.parametrize("biller", ALL)
def test_another_amount_is_refused_for_good(provider: UtilitiesProvider, paid: Paid) -> None:
    with pytest.raises(Invalid) as refused:
        provider.fulfil(replace(paid.notice, amount=4251))
    assert refused.value.extra == {"reason": "amount-differs"}
    assert paid.effects == []


@pytest.mark.parametrize("biller", ALL)
def test_a_bill_that_does_not_exist_is_refused_for_good(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    notice = replace(paid.notice, reference=paid.subscriber.reference("no-such-bill"))
    with pytest.raises(NotFound) as refused:
        provider.fulfil(notice)
    assert type(refused.value) is BillNotFound
    assert state_of(provider.house, notice) == "refused"


@pytest.mark.parametrize("biller", HONOUR_KEYS)
def test_a_bill_paid_at_the_counter_meanwhile_is_a_conflict(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    paid.subscriber.pay_at_counter(paid.number)
    with pytest.raises(Conflict) as refused:
        provider.fulfil(paid.notice)
    assert type(refused.value) is AlreadyPaid
    assert paid.effects == []


@pytest.mark.parametrize("change", [{"amount": 1}, {"reference": "shiyan-water.other"}])
def test_a_key_names_one_payment(
    provider: UtilitiesProvider, paid: Paid, change: dict[str, Any]
) -> None:
    provider.fulfil(paid.notice)
    with pytest.raises(RefusedByBiller) as refused:
        provider.fulfil(replace(paid.notice, **change))
    assert refused.value.extra == {"reason": "key-reused"}
    assert len(paid.subscriber.postings(paid.number)) == 1


def test_a_key_that_was_never_used_was_never_booked(provider: UtilitiesProvider) -> None:
    assert provider.find_fulfilment("no-such-key") is None


def _leave_as_if_killed_before_the_call(house: House, paid: Paid) -> None:
    """Write down what a process leaves that dies between its own record and the call."""
    with house.unit_of_work() as uow:
        uow.add(
            Posting(
                key=paid.notice.key,
                biller=paid.subscriber.biller,
                biller_reference=paid.number,
                amount=paid.notice.amount,
                currency="CNY",
                state="sent",
                sent_at=now(),
            )
        )


@pytest.mark.parametrize("biller", ["shiyan-power"])
def test_killed_before_the_call_power_is_told_once_the_dust_has_settled(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    _leave_as_if_killed_before_the_call(provider.house, paid)
    with pytest.raises(OutcomeUnknown):
        provider.find_fulfilment(paid.notice.key)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    assert paid.subscriber.postings(paid.number) == []
    with later(SETTLED):
        assert provider.find_fulfilment(paid.notice.key) is None
        provider.fulfil(paid.notice)
    assert paid.effects == [True]


@pytest.mark.parametrize("biller", ["shiyan-power"])
def test_two_who_find_nothing_do_not_both_tell(provider: UtilitiesProvider, paid: Paid) -> None:
    _leave_as_if_killed_before_the_call(provider.house, paid)

    def tell(_: int) -> Fulfilment | type[OutcomeUnknown]:
        try:
            return provider.fulfil(paid.notice)
        except OutcomeUnknown:
            return OutcomeUnknown

    with later(SETTLED), ThreadPoolExecutor(5) as pool:
        answers = set(pool.map(tell, range(5)))
    assert paid.effects == [True]
    assert len(answers - {OutcomeUnknown}) == 1


@pytest.mark.parametrize("biller", HONOUR_KEYS)
def test_killed_before_the_call_a_biller_that_knows_keys_is_told_at_once(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    _leave_as_if_killed_before_the_call(provider.house, paid)
    provider.fulfil(paid.notice)
    assert paid.effects == [True]


@pytest.mark.parametrize("biller", ["shiyan-gas"])
def test_killed_before_the_call_gas_is_left_to_people(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    _leave_as_if_killed_before_the_call(provider.house, paid)
    with later(SETTLED), pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    assert paid.subscriber.postings(paid.number) == []


@pytest.mark.parametrize("biller", OFFER_INQUIRY)
def test_something_else_under_our_key_is_no_confirmation(
    provider: UtilitiesProvider, paid: Paid
) -> None:
    provider.fulfil(paid.notice)
    with provider.house.unit_of_work() as uow:
        uow.execute(
            update(Posting)
            .where(Posting.key == paid.notice.key)
            .values(state="sent", answer_reference=None, biller_reference="another-bill")
        )
    with pytest.raises(OutcomeUnknown):
        provider.find_fulfilment(paid.notice.key)


def test_a_confirmation_marks_the_bill_paid_also_when_it_is_found_later(
    provider: UtilitiesProvider, open_account: Callable[..., Subscriber]
) -> None:
    paid = Paid(open_account("shiyan-power"))
    house = provider.house
    told = BillerClient.of(house).bill("shiyan-power", paid.number)
    assert told is not None
    with house.unit_of_work() as uow:
        keep_asked(uow, house, [told], asked_at=now() - timedelta(seconds=1))
    paid.subscriber.behave("answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(paid.notice)
    found = provider.find_fulfilment(paid.notice.key)
    assert found is not None
    with house.unit_of_work() as uow:
        posting = uow.get_one(Posting, paid.notice.key)
    assert (posting.answer_reference, posting.answered_at) == (found.reference, found.at)
