"""Agreements, states of a consent, and what the room takes and gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

THE_APP = "app"
"""The consumer of what every citizen agrees to: the city's app itself."""


class AgreementKind(StrEnum):
    """What an agreement is about: the app, showing attributes to others, standing orders."""

    TERMS = "terms"
    NOTICE = "notice"
    SHARING = "sharing"
    STANDING_ORDER = "standing_order"


class Basis(StrEnum):
    """Why personal information may be handled (PIPL article 13)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    STATUTORY_DUTY = "statutory-duty"
    EMERGENCY = "emergency"
    LAW = "law"


class ConsentStatus(StrEnum):
    """Where a consent is; only a granted one lets anything be seen."""

    DRAFT = "draft"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


class DelayReason(StrEnum):
    """The only reasons for which a citizen is told of a disclosure later (PIPL article 18)."""

    CRIMINAL_INVESTIGATION = "criminal-investigation"
    NATIONAL_SECURITY = "national-security"
    COURT_ORDER = "court-order"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing about a person that an agreement covers."""

    name: str
    source: str
    sensitivity: str
    category: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version of an agreement, never changed; `revision_hash` names its content exactly."""

    id: str
    version: int
    kind: AgreementKind
    controller: str
    title: Mapping[str, str]
    purpose: Mapping[str, str]
    legal_basis: Basis
    attributes: tuple[Attribute, ...]
    retention_days: int
    jurisdiction: str
    dpia_ref: str | None
    forgettable: bool
    consumer: str | None
    text: Mapping[str, str] | None
    revision_hash: str

    @property
    def attribute_names(self) -> frozenset[str]:
        """Return the names of the attributes that it covers."""
        return frozenset(attribute.name for attribute in self.attributes)


@dataclass(frozen=True, slots=True)
class Grant:
    """A citizen's yes: to whom, under which agreement, to which attributes, until when.

    `subject` is the name by which the consumer knows the citizen, `title` what citizens read as
    the consumer's name. `method` says how the yes was given (`app`, `oauth`, `counter`).
    """

    citizen_id: UUID
    consumer: str
    title: Mapping[str, str]
    agreement_id: str
    attributes: frozenset[str]
    expires_at: datetime | None = None
    subject: str | None = None
    method: str = "app"
    session_id: UUID | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class LiveConsent:
    """A consent that holds now, and the attributes it lets its consumer see."""

    id: UUID
    agreement_id: str
    agreement_version: int
    purpose: Mapping[str, str]
    attributes: frozenset[str]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentView:
    """One consent as its citizen sees it."""

    id: UUID
    status: str
    consumer: str
    title: Mapping[str, str]
    agreement: Agreement
    attributes: Sequence[str]
    granted_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One step of a consumer's feed: which consent now stands how."""

    number: int
    consent_id: UUID
    subject: str | None
    status: str
    agreement_id: str
    agreement_version: int
    attributes: Sequence[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """A part of a consumer's feed; `next_cursor` goes on after it, also at its present end."""

    items: Sequence[ConsentChange]
    next_cursor: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An agreement of the app, and the version of it that the citizen has accepted."""

    agreement: Agreement
    accepted_version: int | None
    accepted_at: datetime | None

    @property
    def is_pending(self) -> bool:
        """Say whether the citizen is to be asked (again)."""
        return self.accepted_version != self.agreement.version


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One showing of a citizen's attributes to somebody: names of attributes, never values.

    `officer` is the role of the member of staff who looked, or None for a system. `basis` is
    `Basis.CONSENT` exactly when `consent_id` is given. With `delay_reason` and `hidden_until`
    the citizen reads of it only from that moment on.
    """

    citizen_id: UUID
    consumer: str
    title: Mapping[str, str]
    attributes: frozenset[str]
    basis: Basis
    purpose: Mapping[str, str]
    consent_id: UUID | None = None
    mandate_id: UUID | None = None
    officer: str | None = None
    delay_reason: DelayReason | None = None
    hidden_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AgreementFile:
    """What one file of `config/agreements` says."""

    name: str
    content: Mapping[str, Any] = field(default_factory=dict)
