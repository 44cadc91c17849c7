"""Clients, what they were granted, and every one-time thing on the way there.

Secrets are kept as digests; what a client asked for may name a person (`login_hint`) and is sealed.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Stateful
from app.core.ids import new_id
from app.oauth.values import ClientStatus, GrantStatus, TokenState


class Client(Stateful, Base):
    """A system of somebody else's; its `id` is the `client_id` of the protocol."""

    __tablename__ = "clients"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint(
            "status in ('draft', 'sandbox', 'active', 'suspended', 'retired')", name="status"
        ),
        CheckConstraint("profile in ('fapi', 'plain')", name="profile"),
        CheckConstraint(
            "auth_method in "
            "('private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none')",
            name="auth_method",
        ),
        CheckConstraint(
            "profile = 'plain' or auth_method = 'private_key_jwt'", name="fapi_has_a_key"
        ),
        CheckConstraint(
            "auth_method <> 'private_key_jwt' or (jwks is null) <> (jwks_uri is null)",
            name="keys_in_one_place",
        ),
    )
    ENTITY = "client"
    FIRST = frozenset({ClientStatus.DRAFT})
    MOVES = {
        ClientStatus.DRAFT: frozenset({ClientStatus.SANDBOX, ClientStatus.RETIRED}),
        ClientStatus.SANDBOX: frozenset(
            {ClientStatus.ACTIVE, ClientStatus.SUSPENDED, ClientStatus.RETIRED}
        ),
        ClientStatus.ACTIVE: frozenset({ClientStatus.SUSPENDED, ClientStatus.RETIRED}),
        ClientStatus.SUSPENDED: frozenset(
            {ClientStatus.SANDBOX, ClientStatus.ACTIVE, ClientStatus.RETIRED}
        ),
        ClientStatus.RETIRED: frozenset(),
    }

    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    profile: Mapped[str]
    auth_method: Mapped[str]
    grant_types: Mapped[list[Any]]
    redirect_uris: Mapped[list[Any]]
    post_logout_uris: Mapped[list[Any]]
    backchannel_logout_uri: Mapped[str | None]
    initiate_login_uri: Mapped[str | None]
    jwks: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    jwks_uri: Mapped[str | None]
    sector: Mapped[str]
    department: Mapped[str | None]
    needs_nonce: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class ClientScope(Base):
    """A scope that a client may ask for, and until when."""

    __tablename__ = "client_scopes"

    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime | None]


class ClientSecret(Base):
    """A secret of a plain confidential client; two may live while one is being replaced."""

    __tablename__ = "client_secrets"
    __table_args__ = (UniqueConstraint("digest"), Index(None, "client_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    digest: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]


class PushedRequest(Base):
    """A request that a client pushed (RFC 9126): 90 seconds, one use, one client."""

    __tablename__ = "pushed_requests"
    __table_args__ = (UniqueConstraint("digest"), Index(None, "expires_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    digest: Mapped[bytes]
    request_sealed: Mapped[bytes]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class BrowserLogin(Base):
    """A citizen who logged in with a browser; it counts as long as its session does."""

    __tablename__ = "browser_sessions"
    __table_args__ = (UniqueConstraint("digest"), Index(None, "session_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    digest: Mapped[bytes]
    citizen_id: Mapped[UUID]
    session_id: Mapped[UUID]
    amr: Mapped[list[Any]]
    authenticated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OpenInteraction(Base):
    """A question to a citizen's browser: decided once, by the browser that began it."""

    __tablename__ = "interactions"
    __table_args__ = (
        CheckConstraint("kind in ('authorize', 'device', 'logout')", name="kind"),
        CheckConstraint("outcome in ('granted', 'refused')", name="outcome"),
        CheckConstraint("(outcome is null) = (decided_at is null)", name="decision"),
        Index(None, "expires_at"),
        Index(
            "ix_interactions_entry_id", "entry_id", postgresql_where=text("entry_id is not null")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    client_id: Mapped[UUID | None] = mapped_column(ForeignKey("clients.id"))
    browser_digest: Mapped[bytes]
    request_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    entry_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("entry_tickets.id", ondelete="SET NULL")
    )


class EntryTicket(Base):
    """A citizen's way from the city's app into a client's page: each step once, in one browser.

    Opened by its own secret, it belongs to the browser that opened it, and gives the client a hint;
    taken by the hint, it stands for a log-in there; it is confirmed when the citizen says yes.
    """

    __tablename__ = "entry_tickets"
    __table_args__ = (
        UniqueConstraint("digest"),
        UniqueConstraint("hint_digest"),
        CheckConstraint(
            "(opened_at is null) = (browser_digest is null) "
            "and (opened_at is null) = (hint_digest is null)",
            name="opened",
        ),
        CheckConstraint("taken_at is null or opened_at is not null", name="taken"),
        CheckConstraint("confirmed_at is null or taken_at is not null", name="confirmed"),
        Index(None, "citizen_id", "browser_digest"),
        Index(None, "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    citizen_id: Mapped[UUID]
    session_id: Mapped[UUID]
    service: Mapped[str]
    assurance: Mapped[str]
    target_link_uri: Mapped[str]
    digest: Mapped[bytes]
    browser_digest: Mapped[bytes | None]
    hint_digest: Mapped[bytes | None]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]


class Grant(Stateful, Base):
    """What a client may do: for a citizen who consented, or (without a citizen) for itself.

    With a mandate, `actor_id` acts through the client for the citizen, who gave the mandate.
    """

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("status in ('active', 'ended')", name="status"),
        CheckConstraint("(status = 'ended') = (ended_at is not null)", name="end"),
        CheckConstraint("(actor_id is null) = (mandate_id is null)", name="acting"),
        CheckConstraint("citizen_id is not null or session_id is null", name="session"),
        Index(None, "citizen_id", "client_id"),
        Index(None, "session_id"),
        Index(None, "parent_id"),
        Index(None, "expires_at"),
    )
    ENTITY = "grant"
    FIRST = frozenset({GrantStatus.ACTIVE})
    MOVES = {
        GrantStatus.ACTIVE: frozenset({GrantStatus.ENDED}),
        GrantStatus.ENDED: frozenset(),
    }

    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    citizen_id: Mapped[UUID | None]
    actor_id: Mapped[UUID | None]
    mandate_id: Mapped[UUID | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("grants.id"))
    session_id: Mapped[UUID | None]
    is_offline: Mapped[bool] = mapped_column(default=False)
    scopes: Mapped[list[Any]]
    id_token_claims: Mapped[list[Any]]
    details: Mapped[list[Any]]
    amr: Mapped[list[Any]]
    acr: Mapped[str]
    auth_time: Mapped[datetime | None]
    nonce: Mapped[str | None]
    key_thumbprint: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Return the citizen's id: their timeline shows what they granted."""
        return self.citizen_id or self.client_id


class ConsentedScopes(Base):
    """The scopes that stand beside a citizen's consent; worth what that consent is worth."""

    __tablename__ = "consented_scopes"

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    consent_id: Mapped[UUID]
    scopes: Mapped[list[Any]]


class AuthorizationCode(Base):
    """A code: 60 seconds, one use, bound to client, address, verifier and (where given) key.

    The answer it was exchanged for is kept, sealed, for ten seconds: a client whose connection
    broke gets it again with the same key.
    """

    __tablename__ = "authorization_codes"
    __table_args__ = (UniqueConstraint("digest"), UniqueConstraint("grant_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    digest: Mapped[bytes]
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    grant_id: Mapped[UUID] = mapped_column(ForeignKey("grants.id", ondelete="CASCADE"))
    redirect_uri: Mapped[str]
    code_challenge: Mapped[str]
    key_thumbprint: Mapped[str | None]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_with: Mapped[str | None]
    answer_sealed: Mapped[bytes | None]


class GrantToken(Base):
    """A refresh token of a grant, by its digest; at most one is current."""

    __tablename__ = "grant_tokens"
    __table_args__ = (
        UniqueConstraint("digest"),
        CheckConstraint("state in ('current', 'parent', 'spent', 'void')", name="state"),
        Index(
            "uq_grant_tokens_current",
            "grant_id",
            unique=True,
            postgresql_where=text(f"state = '{TokenState.CURRENT}'"),
        ),
        Index(
            "uq_grant_tokens_parent",
            "grant_id",
            unique=True,
            postgresql_where=text(f"state = '{TokenState.PARENT}'"),
        ),
        Index(None, "grant_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    grant_id: Mapped[UUID] = mapped_column(ForeignKey("grants.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None]
    digest: Mapped[bytes]
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class DeviceCode(Base):
    """A device that waits for a citizen (RFC 8628): ten minutes, one decision, one redemption."""

    __tablename__ = "device_codes"
    __table_args__ = (
        UniqueConstraint("digest"),
        UniqueConstraint("user_code_digest"),
        CheckConstraint(
            "case outcome when 'granted' then grant_id is not null "
            "when 'refused' then grant_id is null else outcome is null and grant_id is null end",
            name="outcome",
        ),
        Index(None, "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    digest: Mapped[bytes]
    user_code_digest: Mapped[bytes]
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    scopes: Mapped[list[Any]]
    grant_id: Mapped[UUID | None] = mapped_column(ForeignKey("grants.id", ondelete="CASCADE"))
    outcome: Mapped[str | None]
    interval_seconds: Mapped[int]
    polled_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class ClientRequest(Base):
    """A call that a client made: when, of what, how it ended. For its developers, for seven days.

    Nothing of what was asked for or answered is in it, and nobody: the address is the documented
    one, and no column could take a name.
    """

    __tablename__ = "client_requests"
    __table_args__ = (
        CheckConstraint("operation ~ '^[A-Z]+ /[^?[:space:]]*$'", name="operation"),
        CheckConstraint("status between 100 and 599", name="status"),
        CheckConstraint("milliseconds >= 0", name="milliseconds"),
        CheckConstraint("code ~ '^[a-z][a-z0-9_-]{0,63}$'", name="code"),
        Index(None, "client_id", "at", "request_id"),
        Index(None, "at"),
    )

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"))
    at: Mapped[datetime]
    operation: Mapped[str]
    status: Mapped[int]
    milliseconds: Mapped[int]
    code: Mapped[str | None]


class CodeGuess(Base):
    """A user code that nobody waits with: guesses are counted where they come from."""

    __tablename__ = "user_code_guesses"
    __table_args__ = (Index(None, "source", "at"), Index(None, "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str]
    at: Mapped[datetime]
