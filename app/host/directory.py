"""Shows citizens to plug-ins: never an id, never more than law or consent allows, never unseen."""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.consent import service as consent
from app.consent.service import ConsentDeps
from app.consent.values import Basis, Disclosure
from app.core.crypto import Keyring
from app.core.unit_of_work import UnitOfWork, request_in_hand
from app.host.letters import sector_of
from app.host.manifest import Manifest
from app.sdk.provider import Citizen


class Known(Protocol):
    """What the house knows of a citizen: how surely, and the attributes that were asked for."""

    @property
    def assurance(self) -> str:
        """Return the level that the citizen has reached."""

    @property
    def values(self) -> Mapping[str, str]:
        """Return the attributes that the citizen has, of those that were asked for."""


AttributesOf = Callable[[UnitOfWork, UUID, frozenset[str]], Known]


@dataclass(frozen=True, slots=True)
class PairwiseDirectory:
    """The house's `Directory`: a reference for each provider, and the attributes it may have.

    A provider, be it a plug-in or remote, gets the attributes that its manifest names, as far as
    the manifest declares a legal basis or the citizen's live consent covers them; `attributes_of`
    is asked for those and for no others. What is shown is recorded first, for the citizen to read.
    """

    keyring: Keyring
    manifest_of: Callable[[str], Manifest | None]
    attributes_of: AttributesOf
    deps: ConsentDeps

    def view(self, plugin: str, citizen_id: UUID) -> Citizen:
        """Return the citizen as this plug-in may see them; no transaction is open afterwards."""
        manifest = self.manifest_of(plugin)
        with self.deps.units.open(
            actor=f"plugin:{plugin}", read_only=True, request_id=request_in_hand()
        ) as uow:
            allowed = {} if manifest is None else _allowed(uow, manifest, citizen_id)
            known = self.attributes_of(uow, citizen_id, frozenset(allowed))
            shown = {name: value for name, value in known.values.items() if name in allowed}
            for disclosure in _disclosures({name: allowed[name] for name in shown}):
                consent.record_disclosure(uow, self.deps, disclosure)
        return Citizen(
            reference=self.keyring.pairwise(sector_of(plugin), str(citizen_id)),
            assurance=known.assurance,
            attributes=shown,
            letterbox=self.keyring.seal_letterbox(sector_of(plugin), citizen_id),
        )


_Ground = Callable[..., Disclosure]


def _allowed(uow: UnitOfWork, manifest: Manifest, citizen_id: UUID) -> dict[str, _Ground]:
    """Return the attributes that a plug-in may see of a citizen, each with its ground."""
    wanted = manifest.citizen_attributes
    if not wanted:
        return {}
    shown_to = functools.partial(
        Disclosure,
        citizen_id=citizen_id,
        consumer=f"plugin:{manifest.name}",
        title=manifest.title,
    )
    law = manifest.attributes_basis
    if law is not None:
        ground = functools.partial(shown_to, basis=law.basis, purpose=law.purpose)
        return dict.fromkeys(wanted, ground)
    allowed: dict[str, _Ground] = {}
    for live in consent.find_live(uow, citizen_id, f"plugin:{manifest.name}"):
        ground = functools.partial(
            shown_to, basis=Basis.CONSENT, purpose=live.purpose, consent_id=live.id
        )
        allowed |= dict.fromkeys(wanted & live.attributes, ground)
    return allowed


def _disclosures(shown: Mapping[str, _Ground]) -> Iterator[Disclosure]:
    """Return one disclosure for each ground on which something is shown."""
    for ground in dict.fromkeys(shown.values()):
        yield ground(attributes=frozenset(name for name, own in shown.items() if own is ground))
