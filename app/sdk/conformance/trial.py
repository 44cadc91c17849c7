"""A company's own service on trial: how it is called, what it has declared, what can be paid."""

from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.core import jose
from app.core.errors import Conflict, DomainError
from app.core.ids import new_id, new_secret
from app.sdk.conformance.caller import Caller
from app.sdk.conformance.duty import Broken
from app.sdk.operations import Operation, Operator, build_operation
from app.sdk.provider import Citizen, OutcomeUnknown, PayableProvider
from app.sdk.remote import City, Line, RemoteKeeper, RemoteOperator, RemotePayable, Sender


@dataclass(frozen=True, slots=True)
class DeclaredOperation:
    """An operation of a manifest, and the service that it belongs to."""

    service: str
    operation: Operation


@dataclass(slots=True)
class Trial:
    """One provider, looked at from outside through one payable service of its manifest.

    `references` name things that are unpaid in the provider's test world; a run pays three of them.
    """

    caller: Caller
    provider: PayableProvider
    operator: Operator
    manifest: Mapping[str, Any]
    declared: Mapping[str, Any]
    references: Sequence[str]
    citizen: Citizen

    @property
    def unknown_reference(self) -> str:
        """Return a reference that nobody has minted."""
        return f"no-such-{new_id()}"

    @property
    def operations(self) -> list[DeclaredOperation]:
        """Return what this trial looks at: of its service, and of those that are not payable."""
        mine = [one for one in self.manifest["services"] if one["id"] not in self._others]
        try:
            return [
                DeclaredOperation(service["id"], build_operation(raw, service["assurance"]))
                for service in mine
                for raw in service.get("operations", ())
            ]
        except KeyError as missing:
            raise Broken(f"the manifest declares an operation without {missing}") from missing

    @property
    def _others(self) -> frozenset[str]:
        """Return the other payable services of this provider: their references are not ours."""
        return frozenset(one["id"] for one in payable_services(self.manifest)) - {
            self.declared["id"]
        }

    def make_payable(self) -> tuple[str, Citizen]:
        """Return the next reference that is not known to be paid, and the citizen of this run."""
        for reference in self.references:
            try:
                if self.provider.get_payable(reference, self.citizen).service in self._others:
                    continue
            except Conflict:
                continue
            except (DomainError, OutcomeUnknown):
                pass  # whoever asks finds out what is wrong with it
            return reference, self.citizen
        raise Broken(f"none of {len(self.references)} references is unpaid: give more")


def open_trials(
    base_url: str,
    manifest: Mapping[str, Any],
    references: Sequence[str],
    city: City,
    sender: Sender,
    claims: Mapping[str, str],
) -> list[Trial]:
    """Return a trial for each payable service of a manifest, or raise `JoseInvalid` for its keys.

    The citizen of the trial has the claims that are given, and nobody else has any.
    """
    keys = {key["kid"]: _public(key) for key in jose.check_public_keys({"keys": manifest["keys"]})}
    line = Line(manifest["name"], base_url, keys.get, city, sender)
    keeps_data = manifest.get("personal_data", False)
    return [
        Trial(
            caller=Caller(base_url, manifest["name"], city, keys.get, sender),
            provider=RemoteKeeper(line) if keeps_data else RemotePayable(line),
            operator=RemoteOperator(line),
            manifest=manifest,
            declared=service,
            references=references,
            citizen=Citizen(f"conformance-{new_secret(16)}", "verified", claims),
        )
        for service in payable_services(manifest)
    ]


def payable_services(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a manifest declares as payable."""
    return [service for service in manifest["services"] if service["kind"] == "payable"]


def _public(key: Mapping[str, Any]) -> Ed25519PublicKey:
    raw = urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4))
    return Ed25519PublicKey.from_public_bytes(raw)
