"""What stands beside the generated client: who calls (FAPI 2.0, DPoP), and what is tried again.

`connect(Credentials.read("credentials.json"))` returns a client of `wudang_api` that calls in its
own name. `new_key()` makes the `Idempotency-Key` that every payment wants.
"""

from uuid import uuid4

import httpx
from wudang_api import AuthenticatedClient

from wudang_client.credentials import Credentials
from wudang_client.transport import CityTransport

__all__ = ["CityTransport", "Credentials", "connect", "new_key"]
SECONDS = 15.0


def connect(credentials: Credentials, *, scope: str = "") -> AuthenticatedClient:
    """Return a client that calls in its own name with these scopes; none named: all it has.

    It fetches tokens by itself, proves its key at each call, and tries again what may be.
    """
    return AuthenticatedClient(
        base_url=credentials.issuer,
        token="",  # the transport's own
        timeout=httpx.Timeout(SECONDS),
        httpx_args={"transport": CityTransport(credentials, scope=scope)},
    )


def new_key() -> str:
    """Return a key for one thing that is meant once: keep it, and repeat with it."""
    return str(uuid4())
