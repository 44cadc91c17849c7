"""From the city's app into a client's page: third-party initiated login (OpenID Connect Core 4).

The address that the app is given is one of ours: it ties the way in to the browser that opens it.
The hint that the client then carries is worth nothing in any other browser, the client's own too.
"""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, update

from app.catalog import service as catalog
from app.core.clock import now
from app.core.crypto import digest
from app.core.errors import AssuranceTooLow
from app.core.ids import new_secret
from app.core.tokens import LEVELS, Principal
from app.core.unit_of_work import UnitOfWork
from app.identity import service as identity
from app.oauth.errors import EntryOver, ServiceHasNoPage
from app.oauth.events import EntryOpened, EntryRefused, EntryTaken
from app.oauth.models import Client, EntryTicket, OpenInteraction
from app.oauth.service.addresses import add_to_query
from app.oauth.service.clients import find_live
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import (
    ENTRY_HINT,
    ENTRY_LIFETIME,
    AuthorizationRequest,
    BrowserSession,
    EntryView,
)


def open_entry(uow: UnitOfWork, deps: OAuthDeps, who: Principal, service_id: str) -> EntryView:
    """Return an address that leads a citizen into a service's page, once and within a minute.

    Raise `AssuranceTooLow`, `ServiceHasNoPage`, or what is wrong with the service: one that is only
    being tried is not entered by anybody. The client is one that staff registered with the very
    address that the service names.
    """
    service = deps.registry.service(service_id)
    if service.trial is not None:
        raise service.trial.refusal()
    page = service.page
    client = None if page is None else find_live(uow, page.client_id, is_sandbox=deps.is_sandbox)
    if page is None or client is None or client.initiate_login_uri != page.initiate_login_uri:
        raise ServiceHasNoPage
    if not who.reaches(service.assurance):
        raise AssuranceTooLow(needed=service.assurance)
    secret = new_secret()
    ticket = EntryTicket(
        client_id=client.id,
        citizen_id=who.id,
        session_id=who.session_id,
        service=service.id,
        assurance=service.assurance,
        target_link_uri=page.target_link_uri,
        digest=digest(secret),
        expires_at=now() + ENTRY_LIFETIME,
    )
    uow.add(ticket)
    uow.record(EntryOpened(subject=who.id, client_id=client.id, service=service.id))
    address = add_to_query(deps.address_of("/oauth/entry"), ticket=secret)
    return EntryView(address, ticket.expires_at)


def follow_entry(uow: UnitOfWork, deps: OAuthDeps, secret: str, browser_secret: str) -> str:
    """Tie a way in to this browser and return the client's address to send it to.

    The hint in it is good for a minute. Raise `EntryOver` the second time, too late, when the
    citizen has logged out, or when the client may not act any more.
    """
    hint = new_secret()
    ticket = _step(
        uow,
        EntryTicket.digest == digest(secret),
        EntryTicket.opened_at.is_(None),
        opened_at=now(),
        browser_digest=digest(browser_secret),
        hint_digest=digest(hint),
        expires_at=now() + ENTRY_LIFETIME,
    )
    client = None if ticket is None else _client(uow, deps, ticket)
    if ticket is None or client is None or session_of(uow, ticket.id) is None:
        client_id = ticket.client_id if ticket else None
        uow.record(EntryRefused(client_id=client_id, reason="ticket", result="refused"))
        raise EntryOver
    catalog.note_use(uow, ticket.citizen_id, [ticket.service])
    return add_to_query(
        client.initiate_login_uri or "",
        iss=deps.issuer,
        target_link_uri=ticket.target_link_uri,
        login_hint=f"{ENTRY_HINT}{hint}",
    )


def take_hint(
    uow: UnitOfWork, client: Client, request: AuthorizationRequest, browser_secret: str
) -> tuple[AuthorizationRequest, BrowserSession | None]:
    """Return a request without its hint of ours, and whose log-in that hint stood for, once.

    It is worth nothing to another client or in another browser, later, or once the citizen has
    logged out of the app: then it is as if there were none. The assurance that the service needs
    is asked for with what the client asks for.
    """
    hint = request.login_hint or ""
    if not hint.startswith(ENTRY_HINT):
        return request, None
    request = replace(request, login_hint=None)
    ticket = _step(
        uow,
        EntryTicket.hint_digest == digest(hint.removeprefix(ENTRY_HINT)),
        EntryTicket.client_id == client.id,
        EntryTicket.browser_digest == digest(browser_secret),
        EntryTicket.taken_at.is_(None),
        taken_at=now(),
    )
    session = None if ticket is None else session_of(uow, ticket.id)
    if ticket is None or session is None:
        uow.record(EntryRefused(client_id=client.id, reason="hint", result="refused"))
        return request, None
    uow.record(EntryTaken(subject=session.citizen_id, client_id=client.id, service=ticket.service))
    wanted = max(request.level or "public", ticket.assurance, key=LEVELS.index)
    return replace(request, level=None if wanted == "public" else wanted), session


def session_of(uow: UnitOfWork, entry_id: UUID) -> BrowserSession | None:
    """Return the log-in that a way in stands for; None unless the app's session counts now."""
    ticket = uow.get_one(EntryTicket, entry_id)
    names = {"sub": str(ticket.citizen_id), "sid": str(ticket.session_id)}
    who = identity.read_citizen(uow, names)
    if who is None:
        return None
    proven_at, amr = identity.read_proof(uow, ticket.session_id)
    return BrowserSession(
        id=ticket.id,
        citizen_id=ticket.citizen_id,
        session_id=ticket.session_id,
        authenticated_at=proven_at,
        amr=amr,
        assurance=who.assurance,
        entry_id=ticket.id,
    )


def is_at_home(
    uow: UnitOfWork, entered: BrowserSession, browser_secret: str, session: BrowserSession | None
) -> bool:
    """Say whether a browser is known to be the citizen's own: logged in, or confirmed before.

    In any other one somebody might have planted their own way in: the citizen is asked.
    """
    if session is not None and session.citizen_id == entered.citizen_id:
        return True
    confirmed = exists().where(
        EntryTicket.citizen_id == entered.citizen_id,
        EntryTicket.browser_digest == digest(browser_secret),
        EntryTicket.confirmed_at.is_not(None),
    )
    return bool(uow.scalar(select(confirmed)))


def confirm_entry(uow: UnitOfWork, entry_id: UUID) -> None:
    """Remember that the citizen has said yes in the browser that a way in led to."""
    uow.execute(update(EntryTicket).where(EntryTicket.id == entry_id).values(confirmed_at=now()))


def visitor_of(
    uow: UnitOfWork, interaction_id: UUID, browser_secret: str, session: BrowserSession | None
) -> BrowserSession | None:
    """Return who decides a question: whoever came in for it, or else whom the browser knows."""
    entry_id = uow.scalar(
        select(OpenInteraction.entry_id).where(
            OpenInteraction.id == interaction_id,
            OpenInteraction.browser_digest == digest(browser_secret),
        )
    )
    return session if entry_id is None else session_of(uow, entry_id)


def leave_entry(uow: UnitOfWork, interaction_id: UUID) -> None:
    """Let a question be decided by whom the browser knows, not by whoever came in for it."""
    uow.execute(
        update(OpenInteraction).where(OpenInteraction.id == interaction_id).values(entry_id=None)
    )


def _step(
    uow: UnitOfWork, *conditions: ColumnElement[bool], **values: object
) -> EntryTicket | None:
    """Take a step on a way in that is not over; None if it was taken, or may not be."""
    found = uow.scalar(
        update(EntryTicket)
        .where(*conditions, EntryTicket.expires_at > now())
        .values(**values)
        .returning(EntryTicket.id)
    )
    return None if found is None else uow.get_one(EntryTicket, found, populate_existing=True)


def _client(uow: UnitOfWork, deps: OAuthDeps, ticket: EntryTicket) -> Client | None:
    client = find_live(uow, str(ticket.client_id), is_sandbox=deps.is_sandbox)
    return client if client is not None and client.initiate_login_uri is not None else None
