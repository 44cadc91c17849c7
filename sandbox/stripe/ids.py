"""Identifiers in the manner of Stripe: a prefix that tells the kind, then letters and digits."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """Return a fresh identifier such as `pi_…`; it cannot be guessed."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(length))}"


def new_client_secret(intent_id: str) -> str:
    """Return the secret that lets a client act on this intent and on no other."""
    return f"{intent_id}_{new_id('secret')}"
