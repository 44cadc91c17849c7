"""What a call sees: the sandbox it runs in, who asks, and with which parameters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe.clock import Clock
from sandbox.stripe.config import Config
from sandbox.stripe.errors import Body
from sandbox.stripe.rules import Schema
from sandbox.stripe.store import Store


@dataclass(frozen=True, slots=True)
class World:
    """One sandbox: its configuration, its memory and its clock."""

    config: Config
    store: Store
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call being carried out; what the sandbox does by itself is a call without a request."""

    world: World
    params: dict[str, Any] = field(default_factory=dict)
    target: str = ""
    base_url: str = ""
    request_id: str | None = None
    idempotency_key: str | None = None
    publishable: bool = False

    @property
    def store(self) -> Store:
        """Return the sandbox's memory."""
        return self.world.store

    @property
    def now(self) -> int:
        """Return the sandbox's time in whole seconds."""
        return self.world.clock.stamp()


Handler = Callable[[Call], Body]
"""Carries out a call inside one transaction and returns the answer's body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call of the API; `public` ones may be made with the publishable key."""

    name: str
    method: str
    path: str
    handler: Handler
    schema: Schema = field(default_factory=Schema)
    public: Schema | None = None
