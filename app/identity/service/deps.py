"""What the room works with, as the factory made it."""

from dataclasses import dataclass

from app.core.crypto import Keyring
from app.core.tokens import Tokens
from app.credentials.service import CredentialsDeps
from app.identity.gateway import RegisterGateway
from app.notifications.gateway import SmsGateway

DAILY_CODES = 50_000
FAILED_CODES = 500


@dataclass(frozen=True, slots=True)
class IdentityDeps:
    """Keys, tokens, credentials, the way to phones and to the register, and the city's limits.

    `daily_codes` is what the city sends in one day at most; `failed_codes` is how many wrong codes
    in ten minutes look like somebody guessing. Neither, nor the limits of a network, holds for
    loopback when `loopback_exempt` is set (the sandbox).
    """

    keyring: Keyring
    tokens: Tokens
    sms: SmsGateway
    register: RegisterGateway
    credentials: CredentialsDeps
    loopback_exempt: bool
    daily_codes: int = DAILY_CODES
    failed_codes: int = FAILED_CODES
