"""The door by which a plug-in issues certificates, changes its own, and finds those of others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

from app.certificates import service as certificates
from app.certificates.service import VaultOf
from app.certificates.values import CertificateView, Order
from app.consent import service as consent
from app.consent.service import ConsentDeps
from app.consent.values import Disclosure
from app.core.crypto import Keyring
from app.core.unit_of_work import UnitOfWork
from app.host.certificate_types import DeclaredCertificates
from app.host.letters import sector_of
from app.host.manifest import Manifest
from app.identity import service as identity
from app.sdk.provider import Certificate


@dataclass(frozen=True, slots=True)
class CertificateDesk:
    """What one plug-in has to do with certificates (`app.sdk.provider.House`)."""

    manifest: Manifest
    declared: DeclaredCertificates
    keyring: Keyring
    consents: ConsentDeps

    def issue(
        self,
        uow: UnitOfWork,
        letterbox: str,
        type_id: str,
        fields: Mapping[str, str],
        *,
        valid_until: date | None,
        reference: str,
        replaces: str = "",
    ) -> Certificate:
        """Issue a certificate of one of the plug-in's own types to whoever has this letterbox."""
        kind = self.declared.types.get(type_id)
        if kind is None:
            raise ValueError(f"{self.manifest.name} declares no certificate type {type_id!r}")
        order = Order(kind, self._holder(letterbox), fields, valid_until, reference, replaces)
        return _shown(certificates.issue_certificate(uow, self._vault_of, order))

    def change(self, uow: UnitOfWork, number: str, state: str, reason: str) -> Certificate:
        """Suspend one of the plug-in's own certificates, take it up again, or revoke it."""
        plugin = self.manifest.name
        return _shown(
            certificates.change_certificate(uow, self._vault_of, plugin, number, state, reason)
        )

    def find(self, uow: UnitOfWork, letterbox: str, type_id: str) -> Sequence[Certificate]:
        """Return the certificates of a type that hold now; of another's type it is told."""
        need = self.declared.needs.get(type_id)
        if need is None and type_id not in self.declared.types:
            raise ValueError(
                f"{self.manifest.name} neither issues {type_id!r} nor says it needs it"
            )
        holder = self._holder(letterbox)
        found = certificates.find_certificates(uow, self._vault_of, holder, type_id)
        if found and need is not None and type_id not in self.declared.types:
            shown = Disclosure(
                citizen_id=holder,
                consumer=f"plugin:{self.manifest.name}",
                title=self.manifest.title,
                attributes=frozenset({f"certificate:{type_id}"}),
                basis=need.basis,
                purpose=need.purpose,
            )
            consent.record_disclosure(uow, self.consents, shown)
        return [_shown(view) for view in found]

    @property
    def _vault_of(self) -> VaultOf:
        return partial(identity.find_vault, self.keyring)

    def _holder(self, letterbox: str) -> UUID:
        return self.keyring.open_letterbox(sector_of(self.manifest.name), letterbox)


def _shown(view: CertificateView) -> Certificate:
    return Certificate(
        number=view.number,
        type=view.type,
        status=view.status,
        reference=view.reference,
        issued_at=view.issued_at,
        valid_until=view.valid_until,
    )
