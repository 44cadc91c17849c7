"""Types of certificates, states of one, and what the room takes and gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from app.core.clock import city_date


class CertificateStatus(StrEnum):
    """Where a certificate is; only an active one is worth something."""

    ISSUED = "issued"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"
    REPLACED = "replaced"


class FieldKind(StrEnum):
    """What a field of a certificate holds: any text of a line, or a day as YYYY-MM-DD."""

    TEXT = "text"
    DATE = "date"


class PresentationStatus(StrEnum):
    """Where the showing of a certificate is."""

    OFFERED = "offered"
    REDEEMED = "redeemed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a type; what is `selective` is shown to others only when the holder says so."""

    id: str
    title: Mapping[str, str]
    kind: FieldKind
    personal: bool
    selective: bool


@dataclass(frozen=True, slots=True)
class CertificateType:
    """What a plug-in may issue.

    `code` is the type's in the manner of GB/T 36904: the unified social credit code of whoever
    defines it, and three digits. `holder` is the field that names who holds it.
    """

    id: str
    plugin: str
    code: str
    title: Mapping[str, str]
    issuer: str
    issuer_code: str
    issuer_title: Mapping[str, str]
    holder: str
    longest_days: int | None
    fields: tuple[Field, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what is kept with each certificate: how its type was when it was issued."""
        return {
            "title": dict(self.title),
            "issuer": self.issuer,
            "issuer_title": dict(self.issuer_title),
            "holder": self.holder,
            "fields": [
                {
                    "id": field.id,
                    "title": dict(field.title),
                    "kind": field.kind,
                    "personal": field.personal,
                    "selective": field.selective,
                }
                for field in self.fields
            ],
        }


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be issued: `reference` is the plug-in's, and names one certificate for ever.

    `replaces` is the number of the one that this one takes the place of, or empty.
    """

    type: CertificateType
    citizen_id: UUID
    fields: Mapping[str, str]
    valid_until: date | None
    reference: str
    replaces: str = ""


class Vault(Protocol):
    """Seals and opens what is one citizen's (`app.identity`)."""

    def seal(self, plain: str, table: str, column: str, row: UUID) -> bytes:
        """Return a text as it is kept."""

    def open(self, sealed: bytes, table: str, column: str, row: UUID) -> str:
        """Return a text as it was."""


@dataclass(frozen=True, slots=True)
class Step:
    """One move of a certificate: to which state, why, and when."""

    status: CertificateStatus
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CertificateView:
    """A certificate with what it says; `fields` is None when the holder's account is closed.

    `status` is what it is at this moment: one that is over is expired, whatever its row says.
    """

    id: UUID
    number: str
    code: str
    type: str
    status: CertificateStatus
    plugin: str
    reference: str
    title: Mapping[str, str]
    issuer: str
    issuer_title: Mapping[str, str]
    holder: str
    form: Sequence[Mapping[str, Any]]
    fields: Mapping[str, str] | None
    place: int
    issued_at: datetime
    valid_until: date | None
    history: Sequence[Step] = ()


@dataclass(frozen=True, slots=True)
class Validity:
    """What anybody is told who checks a certificate; nothing at all when the code is wrong."""

    valid: bool = False
    status: CertificateStatus | None = None
    title: Mapping[str, str] | None = None
    issuer_title: Mapping[str, str] | None = None
    holder: str | None = None
    issued_at: datetime | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a verifier is shown: a certificate, exactly the fields of a code, and what for."""

    certificate: CertificateView
    fields: Sequence[Mapping[str, object]]
    purpose: str


@dataclass(frozen=True, slots=True)
class PresentationView:
    """One showing of a certificate as its holder reads of it."""

    id: UUID
    status: PresentationStatus
    attributes: Sequence[str]
    purpose: str
    verifier_title: Mapping[str, str] | None
    created_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None


def status_now(status: str, valid_until: date | None) -> CertificateStatus:
    """Return a certificate's state at this moment: its last day is good to its end."""
    kept = CertificateStatus(status)
    ends = kept in {CertificateStatus.ACTIVE, CertificateStatus.SUSPENDED}
    is_over = valid_until is not None and valid_until.isoformat() < city_date()
    return CertificateStatus.EXPIRED if ends and is_over else kept
