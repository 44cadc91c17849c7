"""What the room works with, as the factory made it."""

from dataclasses import dataclass, field

from app.core.crypto import Keyring
from app.core.tokens import Tokens
from app.credentials.service import CredentialsDeps
from app.identity.gateway import RegisterGateway
from app.identity.values import CodeLimits, SessionLimits
from app.notifications.gateway import SmsGateway


@dataclass(frozen=True, slots=True)
class IdentityDeps:
    """Keys, tokens, credentials, the way to phones and to the register, and the limits.

    The limits of codes for a network and for the whole city do not hold for loopback when
    `loopback_exempt` is set (the sandbox).
    """

    keyring: Keyring
    tokens: Tokens
    sms: SmsGateway
    register: RegisterGateway
    credentials: CredentialsDeps
    loopback_exempt: bool
    codes: CodeLimits = field(default_factory=CodeLimits)
    sessions: SessionLimits = field(default_factory=SessionLimits)
