"""Every call of the API that this sandbox plays; a further module adds its own here."""

from sandbox.stripe import (
    balance,
    capture,
    charges,
    confirmation,
    endpoints,
    events,
    intents,
    methods,
    refunds,
)

OPERATIONS = (
    *intents.OPERATIONS,
    *confirmation.OPERATIONS,
    *capture.OPERATIONS,
    *methods.OPERATIONS,
    *charges.OPERATIONS,
    *refunds.OPERATIONS,
    *balance.OPERATIONS,
    *events.OPERATIONS,
    *endpoints.OPERATIONS,
)
