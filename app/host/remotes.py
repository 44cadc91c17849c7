"""Makes the providers at the other end of a line, each behind the same guard as a plug-in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.egress import NoAnswer
from app.core.errors import DomainError
from app.core.signatures import BadSignature
from app.host.answers import Declared
from app.host.canary import CanaryPayable
from app.host.gate import Gate, Gates
from app.host.guard import GuardedPayable, GuardedPersonalData
from app.host.manifest import Manifest, build_manifest
from app.host.operators import CanaryOperator, GuardedOperator
from app.providers.values import Finding, ProviderStatus, RosterEntry
from app.sdk.operations import Operator
from app.sdk.provider import PayableProvider, PersonalData
from app.sdk.registry import Closed
from app.sdk.remote import (
    City,
    Line,
    NotItself,
    NotWell,
    RemoteKeeper,
    RemoteOperator,
    RemotePayable,
    Sender,
    ask_health,
)
from app.sdk.wire import NotOfTheContract

FOLDER = Path("providers")
"""Where a remote provider's manifest would lie if it were a folder: how people name it."""

ON_TRIAL = Closed(
    {
        "zh": "该服务正在小范围试运行，暂未对所有市民开放。",
        "en": "The service is being tried by some citizens and is not open to everybody yet.",
    }
)


def manifest_of(name: str, content: Mapping[str, Any]) -> Manifest:
    """Return what a remote provider says of itself, as if it were a plug-in."""
    return build_manifest(FOLDER / name, {**content, "name": name})


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote provider as the house calls it; `trial` is what the public reads of a canary."""

    manifest: Manifest
    payable: PayableProvider
    personal: PersonalData | None
    trial: Closed | None
    operator: Operator


class Remotes:
    """Makes remote providers anew whenever the roster changes, and keeps their gates.

    What a breaker has learnt, and who is in flight, is the provider's and not its manifest's.
    """

    def __init__(self, city: City, sender: Sender, made_by: Gates | None = None) -> None:
        self._city = city
        self._sender = sender
        self._made_by = made_by or Gates()
        self._gates: dict[str, Gate] = {}

    def remote(self, entry: RosterEntry) -> Remote:
        """Return a provider of the roster; raise whatever its manifest makes impossible."""
        line = self._line(entry)
        manifest = manifest_of(entry.name, entry.manifest or {})
        provider = RemoteKeeper(line) if manifest.personal_data else RemotePayable(line)
        gate = self._gate(entry.name)
        payees = frozenset(payee.id for payee in manifest.payees)
        declared = Declared(payees, manifest.ids_of("payable"))
        payable: PayableProvider = GuardedPayable(provider, gate, declared)
        trial = ON_TRIAL if entry.state is ProviderStatus.CANARY else None
        operator: Operator = GuardedOperator(RemoteOperator(line), gate)
        if trial is not None:
            payable = CanaryPayable(payable, entry.canary_percent, trial)
            operator = CanaryOperator(operator, entry.canary_percent, trial)
        personal = None
        if isinstance(provider, RemoteKeeper):
            personal = GuardedPersonalData(provider, gate)
        return Remote(manifest, payable, personal, trial, operator)

    def ask_health(self, entry: RosterEntry) -> Finding | None:
        """Ask a provider how it is, and return what is wrong with it; None when it is well."""
        line = self._line(entry)
        try:
            ask_health(line)
        except NoAnswer:
            return Finding.UNREACHABLE
        except BadSignature:
            return Finding.UNSIGNED
        except NotItself:
            return Finding.ANOTHER
        except (NotWell, NotOfTheContract, DomainError):
            return Finding.UNWELL
        return None

    def _line(self, entry: RosterEntry) -> Line:
        if entry.manifest is None:
            raise ValueError("no version of its manifest was released")
        base_url = str(entry.manifest["base_url"])
        return Line(entry.name, base_url, entry.key_of, self._city, self._sender)

    def _gate(self, name: str) -> Gate:
        if name not in self._gates:
            self._gates[name] = self._made_by.make(name)
        return self._gates[name]
