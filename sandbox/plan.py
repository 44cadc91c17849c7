"""What `make run` is to start, read from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sandbox.processes import state_home

_DEFAULT_PORT = 8000
_STRIPE_OFFSET = 10
_CITY_OFFSET = 11
_WALLETS_OFFSET = 12
_LAST_PORT = 65535 - _WALLETS_OFFSET


class PlanInvalid(ValueError):
    """The variables contradict each other; the message says how."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to listen and keep data, and what the environment gives instead of the sandbox."""

    port: int
    data_dir: Path
    given: Mapping[str, str]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the variables named in the README; raise PlanInvalid when they do not fit."""
        given = {name: value for name, value in env.items() if value}
        if ("DATABASE_URL" in given) != ("DATABASE_OWNER_URL" in given):
            raise PlanInvalid("give DATABASE_URL and DATABASE_OWNER_URL, or neither")
        if "STRIPE_API_KEY" in given and "STRIPE_PUBLISHABLE_KEY" not in given:
            raise PlanInvalid("STRIPE_API_KEY needs its STRIPE_PUBLISHABLE_KEY")
        return cls(_port(given), data_dir_from(given), given)

    @property
    def stripe_port(self) -> int:
        """Where the sandbox Stripe listens."""
        return self.port + _STRIPE_OFFSET

    @property
    def city_port(self) -> int:
        """Where the sandbox city listens."""
        return self.port + _CITY_OFFSET

    @property
    def wallets_port(self) -> int:
        """Where the sandbox Alipay and WeChat Pay listen."""
        return self.port + _WALLETS_OFFSET

    @property
    def starts_database(self) -> bool:
        """Say whether the embedded PostgreSQL is wanted."""
        return "DATABASE_URL" not in self.given

    @property
    def starts_cache(self) -> bool:
        """Say whether the embedded Valkey is wanted."""
        return "REDIS_URL" not in self.given

    @property
    def starts_stripe(self) -> bool:
        """Say whether the sandbox Stripe is wanted: no key of Stripe's and no other place."""
        return not {"STRIPE_API_KEY", "STRIPE_API_BASE"} & self.given.keys()

    @property
    def starts_wallets(self) -> bool:
        """Say whether the sandbox wallets are wanted: no account with the real ones."""
        return not {"ALIPAY_APP_ID", "WECHAT_PAY_APP_ID"} & self.given.keys()

    @property
    def ports(self) -> dict[str, int]:
        """Return every port that will be listened on, by what listens there."""
        wanted = {"web": self.port, "city": self.city_port}
        if self.starts_stripe:
            wanted["stripe"] = self.stripe_port
        if self.starts_wallets:
            wanted["wallets"] = self.wallets_port
        return wanted


def data_dir_from(env: Mapping[str, str]) -> Path:
    """Return where the sandbox keeps its data: DATA_DIR, or a place of this machine user."""
    given = env.get("DATA_DIR")
    return Path(given).resolve() if given else state_home() / "sandbox"


def _port(given: Mapping[str, str]) -> int:
    text = given.get("PORT", str(_DEFAULT_PORT))
    if not text.isdecimal() or not 1 <= int(text) <= _LAST_PORT:
        raise PlanInvalid(f"PORT must be a whole number up to {_LAST_PORT}")
    return int(text)
