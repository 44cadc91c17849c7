"""Agreements and consents for tests: fresh for each call."""

import secrets
from typing import Any
from uuid import UUID

from app.consent import service
from app.consent.values import Agreement, AgreementKind, Attribute, Basis, Grant
from app.factory import Rooms

TITLE = {"zh": "停车公司", "en": "Parking company"}


def make_agreement(rooms: Rooms, **changes: Any) -> Agreement:  # noqa: ANN401 - fields of Agreement
    """Publish an agreement about name and phone, and return it."""
    name = f"test-{secrets.token_hex(6)}"
    fields: dict[str, Any] = {
        "id": name,
        "version": 1,
        "kind": AgreementKind.SHARING,
        "controller": "停车公司",
        "title": TITLE,
        "purpose": {"zh": "办理停车", "en": "To park"},
        "legal_basis": Basis.CONSENT,
        "attributes": tuple(
            Attribute(one, "citizen", "ordinary", "contact") for one in ("name", "phone")
        ),
        "retention_days": 30,
        "jurisdiction": "CN",
        "dpia_ref": None,
        "forgettable": True,
        "consumer": None,
        "text": None,
        "revision_hash": secrets.token_hex(32),
        **changes,
    }
    agreement = Agreement(**fields)
    with rooms.units.open(actor="test") as uow:
        service.publish_agreements(uow, [agreement])
        return service.current_agreement(uow, agreement.id)


def grant(
    rooms: Rooms,
    citizen_id: UUID,
    consumer: str,
    agreement: Agreement,
    **changes: Any,  # noqa: ANN401 - fields of Grant
) -> UUID:
    """Record a yes to everything that an agreement covers, and return the consent's id."""
    fields: dict[str, Any] = {
        "citizen_id": citizen_id,
        "consumer": consumer,
        "title": TITLE,
        "agreement_id": agreement.id,
        "attributes": agreement.attribute_names,
        **changes,
    }
    with rooms.units.open(actor="test") as uow:
        return service.grant_consent(uow, Grant(**fields))


def seen(rooms: Rooms, citizen_id: UUID, consumer: str) -> frozenset[str]:
    """Return what a consumer may see of a citizen now."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return service.covered(service.find_live(uow, citizen_id, consumer))


def make_consumer(kind: str = "client") -> str:
    """Return a consumer that nobody has consented to."""
    return f"{kind}:{secrets.token_hex(6)}"
