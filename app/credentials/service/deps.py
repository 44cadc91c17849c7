"""What the room works with, as the factory made it."""

from dataclasses import dataclass

from app.core.crypto import Keyring
from app.core.passkeys import RelyingParty
from app.core.passwords import Passwords

FAILED_PASSWORDS = 500
FAILURES_PER_QUARTER = 10


@dataclass(frozen=True, slots=True)
class CredentialsDeps:
    """Keys, hashes, and us as browsers know us.

    `failed_passwords` is how many failures in ten minutes look like somebody guessing all over the
    city; it does not hold for loopback when `loopback_exempt` is set (the sandbox). After
    `failures_per_quarter` at one account from one network both wait.
    """

    keyring: Keyring
    passwords: Passwords
    relying_party: RelyingParty
    loopback_exempt: bool
    failed_passwords: int = FAILED_PASSWORDS
    failures_per_quarter: int = FAILURES_PER_QUARTER
