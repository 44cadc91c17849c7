"""The refusal of a call that an intent's state does not allow."""

from sandbox.stripe.errors import ApiError, Body, invalid


def unexpected_state(intent: Body, deed: str, allowed: tuple[str, ...]) -> ApiError:
    """Build the error that names the state and those in which the call is allowed."""
    return invalid(
        f"This PaymentIntent could not be {deed} because its status is {intent['status']}."
        f" It would have to be one of: {', '.join(allowed)}.",
        code="payment_intent_unexpected_state",
        payment_intent=intent,
    )
