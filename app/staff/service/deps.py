"""What the room works with, as the factory made it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.consent.service import ConsentDeps
from app.core.crypto import Keyring
from app.core.tokens import Tokens
from app.credentials.service import CredentialsDeps
from app.staff.values import POLICY, Act, Policy


@dataclass(frozen=True, slots=True)
class StaffDeps:
    """Keys, tokens, what proves a person, the departments there are, and the dangerous acts.

    `acts` are those of every room by name, joined in the factory.
    """

    keyring: Keyring
    tokens: Tokens
    credentials: CredentialsDeps
    consent: ConsentDeps
    department_exists: Callable[[str], bool]
    acts: Mapping[str, Act] = field(default_factory=dict)
    policy: Policy = POLICY
