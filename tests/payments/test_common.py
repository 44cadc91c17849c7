"""When the gateway is asked next: soon, then rarely, never after a payment's end without reason."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import now
from app.payments.models import Payment
from app.payments.service.common import next_ask
from app.payments.values import PaymentPolicy, PaymentStatus

POLICY = PaymentPolicy(timedelta(minutes=15), 1, "test", "http://127.0.0.1", 20_000, 100_000)
SLACK = timedelta(seconds=5)


def payment(seconds_left: float) -> Payment:
    """Return a pending payment that ends so many seconds from now."""
    ends = now() + timedelta(seconds=seconds_left)
    return Payment(status=PaymentStatus.PENDING, expires_at=ends)


def test_the_first_questions_come_at_growing_distances() -> None:
    waits = [next_ask(POLICY, payment(3_600), asks) - now() for asks in range(7)]
    expected = [15, 30, 60, 120, 300, 300, 300]
    assert [round(wait.total_seconds()) for wait in waits] == expected


@given(left=st.floats(1, 900), asks=st.integers(0, 1_000))
def test_a_payment_is_asked_about_at_its_end_at_the_latest(left: float, asks: int) -> None:
    waiting = payment(left)
    assert now() < next_ask(POLICY, waiting, asks) <= waiting.expires_at


@given(late=st.floats(0, 86_000), asks=st.integers(0, 1_000))
def test_in_the_first_day_past_its_end_it_is_asked_every_five_minutes(
    late: float, asks: int
) -> None:
    wait = next_ask(POLICY, payment(-late), asks) - now()
    assert timedelta(seconds=30) - SLACK < wait <= timedelta(minutes=5)


@given(late=st.floats(700_000, 10**8), asks=st.integers(0, 1_000))
def test_long_past_its_end_it_is_asked_daily(late: float, asks: int) -> None:
    wait = next_ask(POLICY, payment(-late), asks) - now()
    assert timedelta(days=1) - SLACK < wait <= timedelta(days=1)
