"""One contract for every gateway: what payments may rely on, whoever moves the money."""

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.core.clock import CITY_TIME, now
from app.core.ids import new_id
from app.core.unit_of_work import TransactionOpen
from app.factory import Rooms
from app.payments.errors import SignatureInvalid
from app.payments.gateway import GatewayAmbiguous, GatewayRefused, Movement
from tests.factories import later, today_for
from tests.payments.gateways.tills import Till, open_paid, refund_of, request_of

DAY = 86_400
WAITING = {"requires_action", "requires_payment_method"}
ONE_OF_OURS = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class TestOpening:
    """An intent is opened once, whatever happens to the answers."""

    def test_an_intent_waits_for_the_citizen_and_names_our_attempt(self, till: Till) -> None:
        request = request_of(till)
        intent = till.gateway.open_intent(request)
        action = till.gateway.next_action(intent, till.method)
        assert intent.status in WAITING
        assert (intent.amount, intent.amount_received) == (4250, 0)
        assert (intent.currency, intent.attempt_id) == ("CNY", str(request.attempt_id))
        assert action is not None
        assert action["intent"] == intent.id
        assert action.get("url") or action.get("data")

    def test_the_same_again_is_the_same_intent(self, till: Till) -> None:
        request = request_of(till)
        first, second = (till.gateway.open_intent(request) for _ in range(2))
        assert first.id == second.id
        assert till.gateway.next_action(second, till.method) is not None
        assert till.pay(first)
        assert not till.pay(second)

    def test_the_same_again_after_the_money_came_moves_nothing(self, till: Till) -> None:
        request = request_of(till)
        intent = till.gateway.open_intent(request)
        assert till.pay(intent)
        assert till.gateway.open_intent(request).id == intent.id
        assert till.gateway.fetch_intent(intent.id).status == "succeeded"
        assert not till.pay(intent)

    def test_another_amount_under_the_same_key_never_counts(self, till: Till) -> None:
        request = request_of(till)
        intent = till.gateway.open_intent(request)
        till.scan(intent)
        other = request_of(till, 1, request.attempt_id)
        try:
            found = till.gateway.open_intent(other)
        except (GatewayRefused, GatewayAmbiguous):
            found = till.gateway.fetch_intent(intent.id)
        assert (found.id, found.amount) == (intent.id, 4250)

    def test_a_lost_answer_is_ambiguous_and_the_intent_is_found(self, till: Till) -> None:
        request = request_of(till)
        till.fail("open", "drop")
        with pytest.raises(GatewayAmbiguous):
            till.gateway.open_intent(request)
        again = till.gateway.open_intent(request)
        till.scan(again)
        found = till.gateway.find_intent(request.attempt_id)
        assert found is not None
        assert (found.id, found.amount) == (again.id, 4250)
        assert found.attempt_id == str(request.attempt_id)

    @pytest.mark.parametrize("kind", ["drop_before", "error_before", "error_after"])
    def test_a_fault_of_theirs_is_ambiguous(self, till: Till, kind: str) -> None:
        till.fail("open", kind)
        with pytest.raises(GatewayAmbiguous):
            till.gateway.open_intent(request_of(till))

    def test_an_attempt_that_was_never_opened_is_not_found(self, till: Till) -> None:
        assert till.gateway.find_intent(new_id()) is None

    def test_no_call_is_made_while_a_transaction_is_open(self, till: Till, rooms: Rooms) -> None:
        intent = till.gateway.open_intent(request_of(till))
        with rooms.units.open(actor="test") as uow:
            uow.scalar(select(1))
            with pytest.raises(TransactionOpen):
                till.gateway.fetch_intent(intent.id)


class TestAsking:
    """What is true is only what the gateway says now."""

    def test_an_intent_says_what_was_received(self, till: Till) -> None:
        intent = till.gateway.open_intent(request_of(till))
        till.scan(intent)
        waiting = till.gateway.fetch_intent(intent.id)
        assert (waiting.status in WAITING, waiting.amount) == (True, 4250)
        assert till.pay(intent)
        paid = till.gateway.fetch_intent(intent.id)
        assert (paid.status, paid.amount, paid.amount_received) == ("succeeded", 4250, 4250)
        assert (paid.id, paid.attempt_id) == (intent.id, intent.attempt_id)
        assert till.gateway.next_action(paid, till.method) is None

    @pytest.mark.parametrize("kind", ["drop", "error_before"])
    def test_silence_says_nothing(self, till: Till, kind: str) -> None:
        intent = open_paid(till)
        till.fail("fetch", kind)
        with pytest.raises(GatewayAmbiguous):
            till.gateway.fetch_intent(intent.id)
        assert till.gateway.fetch_intent(intent.id).status == "succeeded"


class TestCancelling:
    """An intent is closed, or it turns out to have been paid."""

    def test_a_cancelled_intent_takes_no_money(self, till: Till) -> None:
        intent = till.gateway.open_intent(request_of(till))
        till.scan(intent)
        assert till.gateway.cancel_intent(intent.id).status == "canceled"
        assert not till.pay(intent)
        assert till.gateway.fetch_intent(intent.id).status == "canceled"

    def test_cancelling_twice_is_cancelling(self, till: Till) -> None:
        intent = till.gateway.open_intent(request_of(till))
        till.scan(intent)
        states = [till.gateway.cancel_intent(intent.id).status for _ in range(2)]
        assert states == ["canceled"] * 2

    def test_money_that_was_faster_is_told(self, till: Till) -> None:
        intent = till.gateway.open_intent(request_of(till))
        assert till.pay(intent)
        told = till.gateway.cancel_intent(intent.id)
        assert (told.status, told.amount_received) == ("succeeded", 4250)

    def test_a_lost_answer_is_ambiguous_and_the_intent_is_closed(self, till: Till) -> None:
        intent = till.gateway.open_intent(request_of(till))
        till.scan(intent)
        till.fail("cancel", "drop")
        with pytest.raises(GatewayAmbiguous):
            till.gateway.cancel_intent(intent.id)
        assert till.gateway.fetch_intent(intent.id).status == "canceled"


class TestRefunding:
    """Money goes back once for each refund of ours, and never more than came."""

    def test_a_whole_refund_succeeds_and_is_found(self, till: Till) -> None:
        intent = open_paid(till)
        wanted = refund_of(intent, 4250)
        sent = till.gateway.send_refund(wanted)
        till.finish(sent)
        told = till.gateway.fetch_refund(sent.id)
        found = till.gateway.find_refund(intent.id, wanted.refund_id)
        assert (told.status, told.amount) == ("succeeded", 4250)
        assert found == told
        assert till.refunded(intent) == 4250
        assert till.gateway.fetch_intent(intent.id).status == "succeeded"

    def test_parts_add_up_and_nothing_goes_beyond_what_came(self, till: Till) -> None:
        intent = open_paid(till)
        for amount in (1, 4000):
            till.gateway.send_refund(refund_of(intent, amount))
        with pytest.raises(GatewayRefused):
            till.gateway.send_refund(refund_of(intent, 250))
        assert till.refunded(intent) == 4001
        till.gateway.send_refund(refund_of(intent, 249))
        assert till.refunded(intent) == 4250
        with pytest.raises(GatewayRefused):
            till.gateway.send_refund(refund_of(intent, 1))

    def test_the_same_refund_twice_moves_money_once(self, till: Till) -> None:
        intent = open_paid(till)
        wanted = refund_of(intent, 1000)
        first, second = (till.gateway.send_refund(wanted) for _ in range(2))
        assert first.id == second.id
        assert till.refunded(intent) == 1000

    @pytest.mark.parametrize("kind", ["drop", "error_after"])
    def test_a_lost_answer_is_ambiguous_and_the_refund_is_found(
        self, till: Till, kind: str
    ) -> None:
        intent = open_paid(till)
        wanted = refund_of(intent, 1000)
        till.fail("refund", kind)
        with pytest.raises(GatewayAmbiguous):
            till.gateway.send_refund(wanted)
        found = till.gateway.find_refund(intent.id, wanted.refund_id)
        assert found is not None
        assert till.refunded(intent) == 1000
        till.finish(found)
        assert till.gateway.fetch_refund(found.id).status == "succeeded"

    def test_a_refund_that_never_arrived_is_not_found(self, till: Till) -> None:
        intent = open_paid(till)
        wanted = refund_of(intent, 1000)
        till.fail("refund", "drop_before")
        with pytest.raises(GatewayAmbiguous):
            till.gateway.send_refund(wanted)
        assert till.gateway.find_refund(intent.id, wanted.refund_id) is None
        assert till.refunded(intent) == 0

    def test_what_was_not_paid_is_not_returned(self, till: Till) -> None:
        intent = till.gateway.open_intent(request_of(till))
        till.scan(intent)
        with pytest.raises(GatewayRefused):
            till.gateway.send_refund(refund_of(intent, 1))
        assert till.refunded(intent) == 0


class TestNotices:
    """A notice is the gateway's to the last byte, and says only whom to ask about."""

    def test_a_genuine_notice_names_our_attempt(self, till: Till) -> None:
        intent = open_paid(till)
        raw, headers = till.notice(intent)
        hint = till.gateway.read_notification(raw, headers, now())
        assert (hint.intent_id, hint.attempt_id) == (intent.id, intent.attempt_id)
        assert hint.event_id
        assert hint.kind

    def test_an_old_notice_and_one_from_the_future_are_refused(self, till: Till) -> None:
        before = now()
        raw, headers = till.notice(open_paid(till))
        after = now()  # it is signed somewhere between the two, in whole seconds
        for moment in (after + timedelta(seconds=302), before - timedelta(seconds=63)):
            with pytest.raises(SignatureInvalid):
                till.gateway.read_notification(raw, headers, moment)
        for moment in (before + timedelta(seconds=290), after - timedelta(seconds=55)):
            assert till.gateway.read_notification(raw, headers, moment)

    @ONE_OF_OURS
    @given(data=st.data())
    def test_a_byte_that_was_changed_is_noticed(self, till: Till, data: st.DataObject) -> None:
        raw, headers = _kept_notice(till)
        place = data.draw(st.integers(0, len(raw) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda value: value != raw[place]))
        changed = raw[:place] + bytes([byte]) + raw[place + 1 :]
        if till.gateway.name == "alipay" and _means_the_same(raw, changed):
            return
        with pytest.raises(SignatureInvalid):
            till.gateway.read_notification(changed, headers, now())

    @ONE_OF_OURS
    @given(raw=st.binary(max_size=400), junk=st.text(max_size=80))
    def test_whatever_is_sent_is_refused_and_breaks_nothing(
        self, till: Till, raw: bytes, junk: str
    ) -> None:
        _, headers = _kept_notice(till)
        for sent in (headers, {}, dict.fromkeys(headers, junk)):
            with pytest.raises(SignatureInvalid):
                till.gateway.read_notification(raw, sent, now())


class TestStatements:
    """The gateway's own books tell every movement, and name ours."""

    def test_charges_and_refunds_are_told_with_our_ids(self, till: Till) -> None:
        day = today_for(60)
        intent = open_paid(till, 10_000)
        wanted = refund_of(intent, 2_500)
        refund = till.gateway.send_refund(wanted)
        till.finish(refund)
        till.close_books(day)
        with later(DAY):  # Stripe's day is over when it is over
            lines = [
                line for line in till.gateway.list_statement(day) if line.intent_id == intent.id
            ]
        charge, back = sorted(lines, key=lambda line: -line.amount)
        assert (charge.kind, charge.amount, charge.currency) == (Movement.CHARGE, 10_000, "CNY")
        assert (back.kind, back.amount, back.refund_id) == (Movement.REFUND, -2_500, refund.id)
        assert charge.fee > 0
        assert charge.our_id in {None, intent.attempt_id}
        assert back.our_id in {None, str(wanted.refund_id)}
        assert charge.occurred_at.astimezone(CITY_TIME).date() == day
        assert len({line.id for line in lines}) == 2


_notices: dict[str, tuple[bytes, dict[str, str]]] = {}


def _kept_notice(till: Till) -> tuple[bytes, dict[str, str]]:
    """Return one notice of a gateway for all examples of a test: they take seconds together."""
    if till.gateway.name not in _notices:
        _notices[till.gateway.name] = till.notice(open_paid(till))
    return _notices[till.gateway.name]


def _means_the_same(raw: bytes, changed: bytes) -> bool:
    """Say whether a form was only written in another way: `%2f` for `%2F`, a plus for `%20`."""
    try:
        ours, theirs = (
            parse_qsl(form.decode("ascii"), keep_blank_values=True) for form in (raw, changed)
        )
    except ValueError:
        return False
    return ours == theirs
