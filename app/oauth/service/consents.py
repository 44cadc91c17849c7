"""What a citizen agreed that a client may do and see: remembered with consent, asked each time.

The room of consent keeps the yes and the attributes it covers; here stand the scopes beside it.
Whoever withdraws it there takes everything back at once: nothing below finds it live any more.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.consent import service as consent
from app.consent.service import LiveConsent
from app.consent.values import Basis, Disclosure
from app.consent.values import Grant as Yes
from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.oauth.models import Client, ConsentedScopes
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import GRANT_LIFETIME, BrowserSession

AGREEMENT = "third-party-sign-in"
LEVEL = "assurance"
_ATTRIBUTES = {
    "openid": {LEVEL},
    "profile": {"name"},
    "phone": {"phone"},
    "real_name": {"name", "resident_id"},
}


def remember_consent(
    uow: UnitOfWork,
    client: Client,
    session: BrowserSession,
    subject: str,
    *,
    asked: Collection[str],
    granted: Collection[str],
) -> None:
    """Record a citizen's decision: what was asked counts as decided, the rest stays as it was."""
    before = find_consented(uow, session.citizen_id, client.id)
    scopes = sorted((before - set(asked)) | set(granted))
    consent_id = consent.grant_consent(
        uow,
        Yes(
            citizen_id=session.citizen_id,
            consumer=consumer_of(client.id),
            title=_title(client),
            agreement_id=AGREEMENT,
            attributes=attributes_of(scopes),
            expires_at=now() + GRANT_LIFETIME,
            subject=subject,
            method="oauth",
            session_id=session.session_id,
        ),
    )
    statement = insert(ConsentedScopes).values(
        citizen_id=session.citizen_id, client_id=client.id, consent_id=consent_id, scopes=scopes
    )
    uow.execute(
        statement.on_conflict_do_update(
            index_elements=["citizen_id", "client_id"],
            set_={"consent_id": consent_id, "scopes": scopes},
        )
    )


def find_consented(uow: UnitOfWork, citizen_id: UUID, client_id: UUID) -> frozenset[str]:
    """Return the scopes that a citizen consented to and has not taken back."""
    live = find_live(uow, citizen_id, client_id)
    if live is None:
        return frozenset()
    scopes = uow.scalar(
        select(ConsentedScopes.scopes).where(
            ConsentedScopes.citizen_id == citizen_id,
            ConsentedScopes.client_id == client_id,
            ConsentedScopes.consent_id == live.id,
        )
    )
    return frozenset(scopes or ())


def find_live(uow: UnitOfWork, citizen_id: UUID, client_id: UUID) -> LiveConsent | None:
    """Return the consent that lets a client see anything of a citizen, if it holds now."""
    found = consent.find_live(uow, citizen_id, consumer_of(client_id))
    return next((one for one in found if one.agreement_id == AGREEMENT), None)


def disclose(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client,
    citizen_id: UUID,
    live: LiveConsent,
    attributes: frozenset[str],
) -> None:
    """Record that a client is shown attributes of a citizen; call it before it is."""
    consent.record_disclosure(
        uow,
        deps.consents,
        Disclosure(
            citizen_id=citizen_id,
            consumer=consumer_of(client.id),
            title=_title(client),
            attributes=attributes,
            basis=Basis.CONSENT,
            purpose=live.purpose,
            consent_id=live.id,
        ),
    )


def attributes_of(scopes: Collection[str]) -> frozenset[str]:
    """Return the attributes of the agreement that some scopes let a client see."""
    return frozenset(name for scope in scopes for name in _ATTRIBUTES.get(scope, ()))


def consumer_of(client_id: UUID) -> str:
    """Return how the room of consent calls a client."""
    return f"client:{client_id}"


def client_of(consumer: str) -> UUID | None:
    """Return which client the room of consent means; None for consumers that are none."""
    kind, _, name = consumer.partition(":")
    return UUID(name) if kind == "client" else None


def _title(client: Client) -> dict[str, str]:
    return {"zh": client.name, "en": client.name_en or client.name}
