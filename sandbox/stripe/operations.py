"""Every call of the API that this sandbox plays; a further module adds its own here."""

from sandbox.stripe import (
    balance,
    capture,
    charges,
    confirmation,
    customers,
    disputes,
    endpoints,
    events,
    intents,
    methods,
    payouts,
    refunds,
    setups,
)

OPERATIONS = (
    *intents.OPERATIONS,
    *confirmation.OPERATIONS,
    *capture.OPERATIONS,
    *methods.OPERATIONS,
    *customers.OPERATIONS,
    *setups.OPERATIONS,
    *charges.OPERATIONS,
    *refunds.OPERATIONS,
    *disputes.OPERATIONS,
    *balance.OPERATIONS,
    *payouts.OPERATIONS,
    *events.OPERATIONS,
    *endpoints.OPERATIONS,
)
