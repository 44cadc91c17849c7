"""Questions to a citizen's browser: log in, consent, or confirm; decided once, where they began."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select

from app.core.clock import now
from app.core.crypto import digest
from app.core.errors import RateLimited
from app.core.ids import new_id
from app.core.tokens import LEVELS
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import (
    AccessDenied,
    InteractionNotFound,
    InteractionOver,
    StepMissing,
    UserCodeUnknown,
)
from app.oauth.events import AuthorizationRefused, BrowserLoggedOut
from app.oauth.models import (
    Client,
    CodeGuess,
    DeviceCode,
    OpenInteraction,
)
from app.oauth.service.addresses import add_to_query
from app.oauth.service.browsers import end_browser_session
from app.oauth.service.clients import is_usable
from app.oauth.service.consents import find_consented, remember_consent
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.entries import confirm_entry
from app.oauth.service.granting import grant_code, open_grant, refusal_address
from app.oauth.service.minting import subject_of
from app.oauth.service.sealing import open_json, open_request, seal_json, seal_request
from app.oauth.values import (
    GRANT_LIFETIME,
    INTERACTION_LIFETIME,
    SCOPES,
    AuthMethod,
    AuthorizationRequest,
    BrowserSession,
    ClientFace,
    ClientStatus,
    Interaction,
    Kind,
    ScopeLine,
    Step,
)

GUESSES = 10
GUESS_WINDOW = timedelta(minutes=10)
DEVICE_DONE = "/oauth/device/done"
LOGOUT_DONE = "/oauth/logout/done"
_TABLE = "interactions"
_REQUIRED = frozenset({"openid"})


@dataclass(frozen=True, slots=True)
class LogoutWish:
    """Where a browser goes once it is logged out."""

    url: str
    state: str | None = None


def open_interaction(
    uow: UnitOfWork,
    deps: OAuthDeps,
    kind: Kind,
    client: Client | None,
    request: AuthorizationRequest | LogoutWish,
    browser_secret: str,
) -> OpenInteraction:
    """Begin a question to the browser that has this secret."""
    moment = now()
    row = OpenInteraction(
        id=new_id(),
        kind=kind,
        client_id=client.id if client else None,
        browser_digest=digest(browser_secret),
        created_at=moment,
        expires_at=moment + INTERACTION_LIFETIME,
    )
    if isinstance(request, AuthorizationRequest):
        row.request_sealed = seal_request(deps, _TABLE, row.id, request)
    else:
        wish = {"url": request.url, "state": request.state}
        row.request_sealed = seal_json(deps, _TABLE, row.id, wish)
    uow.add(row)
    return row


def open_device_interaction(
    uow: UnitOfWork, deps: OAuthDeps, user_code: str, browser_secret: str, address: str
) -> UUID:
    """Begin the question of a device whose code somebody typed; return the interaction's id.

    Raise `UserCodeUnknown`, and `RateLimited` after ten wrong codes in ten minutes from an address.
    """
    moment = now()
    with uow.phase():  # a wrong guess counts although the answer is a refusal
        guesses = uow.scalar(
            select(func.count())
            .select_from(CodeGuess)
            .where(CodeGuess.source == address, CodeGuess.at > moment - GUESS_WINDOW)
        )
        is_allowed = (guesses or 0) < GUESSES
        waiting = _find_device(uow, user_code) if is_allowed else None
        if waiting is None and is_allowed:
            uow.add(CodeGuess(source=address, at=moment))
    if not is_allowed:
        raise RateLimited(retry_after=int(GUESS_WINDOW.total_seconds()))
    if waiting is None:
        raise UserCodeUnknown
    client = uow.get_one(Client, waiting.client_id)
    request = AuthorizationRequest(
        redirect_uri="", scopes=tuple(waiting.scopes), code_challenge=str(waiting.id)
    )
    return open_interaction(uow, deps, Kind.DEVICE, client, request, browser_secret).id


def read_interaction(
    uow: UnitOfWork,
    deps: OAuthDeps,
    interaction_id: UUID,
    browser_secret: str,
    session: BrowserSession | None,
) -> Interaction:
    """Return what a page has to ask, for the browser that began it.

    Raise `InteractionNotFound` for every other browser, `InteractionOver` once it is decided.
    """
    row = uow.scalar(select(OpenInteraction).where(OpenInteraction.id == interaction_id))
    row = _check_open(row, browser_secret)
    client = uow.get(Client, row.client_id) if row.client_id else None
    face = _face(client) if client else None
    if row.kind == Kind.LOGOUT:
        return Interaction(
            id=row.id,
            kind=Kind.LOGOUT,
            step=Step.CONFIRM,
            client=face,
            expires_at=row.expires_at,
        )
    if client is None:
        raise InteractionNotFound
    request = open_request(deps, _TABLE, row.id, row.request_sealed)
    step = next_step(uow, deps, client, request, row.created_at, session)
    is_device = row.kind == Kind.DEVICE
    return Interaction(
        id=row.id,
        kind=Kind(row.kind),
        step=step or Step.CONSENT,
        client=face,
        expires_at=row.expires_at,
        scopes=tuple(_line(name) for name in request.scopes),
        wanted_level=request.level,
        login_hint=request.login_hint,
        ui_locales=request.ui_locales,
        details=request.details,
        is_consented=step is None and not is_device,
        redirect_uri=request.redirect_uri or None,
        lasts=GRANT_LIFETIME,
    )


def decide_interaction(
    uow: UnitOfWork,
    deps: OAuthDeps,
    interaction_id: UUID,
    browser_secret: str,
    session: BrowserSession | None,
    *,
    granted: frozenset[str] | None,
) -> str:
    """Decide a question and return the address to send the browser to (by 303).

    `granted` are the scopes that were left; None refuses, which needs no log-in. Exactly once:
    raise `InteractionOver` for a second decision, `StepMissing` while something else comes first.
    """
    row = uow.scalar(
        select(OpenInteraction)
        .where(OpenInteraction.id == interaction_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row = _check_open(row, browser_secret)
    row.decided_at = now()
    row.outcome = "refused" if granted is None else "granted"
    client = uow.get(Client, row.client_id) if row.client_id else None
    if row.kind == Kind.LOGOUT:
        wish = LogoutWish(**open_json(deps, _TABLE, row.id, row.request_sealed))
        return _decide_logout(uow, deps, client, wish, session if granted is not None else None)
    if client is None or not is_usable(client.status, is_sandbox=deps.is_sandbox):
        raise InteractionOver
    request = open_request(deps, _TABLE, row.id, row.request_sealed)
    kept = () if granted is None else tuple(s for s in request.scopes if s in granted | _REQUIRED)
    if not kept:
        if row.kind == Kind.DEVICE:
            _refuse_device(uow, UUID(request.code_challenge))
            return deps.address_of(DEVICE_DONE)
        citizen_id = session.citizen_id if session else None
        return refusal_address(uow, deps, client, request, AccessDenied(), citizen_id)
    step = next_step(uow, deps, client, request, row.created_at, session)
    if session is None or step not in {None, Step.CONSENT}:
        raise StepMissing
    remember_consent(
        uow,
        client,
        session,
        subject_of(deps, client, session.citizen_id),
        asked=request.scopes,
        granted=kept,
    )
    if session.entry_id is not None:
        confirm_entry(uow, session.entry_id)
    if row.kind == Kind.DEVICE:
        _grant_device(uow, client, UUID(request.code_challenge), kept, session)
        return deps.address_of(DEVICE_DONE)
    return grant_code(uow, deps, client, request, kept, session)


def next_step(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client,
    request: AuthorizationRequest,
    begun_at: datetime,
    session: BrowserSession | None,
) -> Step | None:
    """Return what has to be asked before this request can be granted; None when nothing.

    `prompt=login` and `max_age` are met by a log-in after the request began.
    """
    if session is None:
        return Step.LOG_IN
    oldest = None
    if {"login", "select_account"} & set(request.prompt):
        oldest = begun_at
    elif request.max_age is not None:
        oldest = begun_at - timedelta(seconds=request.max_age)
    if oldest is not None and session.authenticated_at < oldest:
        return Step.LOG_IN
    hint = request.subject_hint
    if hint is not None and hint != subject_of(deps, client, session.citizen_id):
        return Step.LOG_IN
    if request.level is not None and not _reaches(session.assurance, request.level):
        return Step.RAISE_LEVEL
    consented = find_consented(uow, session.citizen_id, client.id)
    # Whoever copies the name of a public client is asked for consent, too (RFC 8252, 8.6).
    is_public = client.auth_method == AuthMethod.NONE
    if is_public or "consent" in request.prompt or request.details:
        return Step.CONSENT
    return None if set(request.scopes) <= consented else Step.CONSENT


def _check_open(row: OpenInteraction | None, browser_secret: str) -> OpenInteraction:
    if row is None or not browser_secret or row.browser_digest != digest(browser_secret):
        raise InteractionNotFound
    if row.decided_at is not None or row.expires_at <= now():
        raise InteractionOver
    return row


def _find_device(uow: UnitOfWork, user_code: str) -> DeviceCode | None:
    return uow.scalar(
        select(DeviceCode).where(
            DeviceCode.user_code_digest == digest(normal_user_code(user_code)),
            DeviceCode.outcome.is_(None),
            DeviceCode.expires_at > now(),
        )
    )


def normal_user_code(typed: str) -> str:
    """Return a user code as it is kept, however it was typed."""
    return "".join(sign for sign in typed.upper() if sign.isalpha())


def _grant_device(
    uow: UnitOfWork,
    client: Client,
    device_id: UUID,
    scopes: tuple[str, ...],
    session: BrowserSession,
) -> None:
    device = _lock_device(uow, device_id)
    grant = open_grant(uow, client, scopes, session, None)
    grant.expires_at = device.expires_at
    uow.flush()
    device.grant_id = grant.id
    device.outcome = "granted"


def _refuse_device(uow: UnitOfWork, device_id: UUID) -> None:
    device = _lock_device(uow, device_id)
    device.outcome = "refused"
    uow.record(
        AuthorizationRefused(client_id=device.client_id, error="access_denied", result="refused")
    )


def _lock_device(uow: UnitOfWork, device_id: UUID) -> DeviceCode:
    device = uow.scalar(
        select(DeviceCode)
        .where(
            DeviceCode.id == device_id,
            DeviceCode.outcome.is_(None),
            DeviceCode.expires_at > now(),
        )
        .with_for_update()
    )
    if device is None:
        raise InteractionOver
    return device


def _decide_logout(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client | None,
    wish: LogoutWish,
    session: BrowserSession | None,
) -> str:
    if session is None:  # stay logged in, or nobody was: nothing is told to the client
        return deps.address_of(LOGOUT_DONE)
    log_out_browser(uow, client, session)
    return add_to_query(wish.url, state=wish.state)


def log_out_browser(uow: UnitOfWork, client: Client | None, session: BrowserSession) -> None:
    """End a browser's session; whoever hangs on it is told by the event of its end."""
    end_browser_session(uow, session)
    uow.record(
        BrowserLoggedOut(subject=session.citizen_id, client_id=client.id if client else None)
    )


def forget_guesses(uow: UnitOfWork) -> None:
    """Remove guesses that count no more. Idempotent."""
    uow.execute(delete(CodeGuess).where(CodeGuess.at < now() - GUESS_WINDOW))


def _face(client: Client) -> ClientFace:
    return ClientFace(client.id, client.name, client.name_en, client.status == ClientStatus.SANDBOX)


def _line(name: str) -> ScopeLine:
    scope = SCOPES[name]
    return ScopeLine(
        name, scope.title_zh, scope.title_en, scope.claims, name in _REQUIRED, scope.level
    )


def _reaches(assurance: str, level: str) -> bool:
    return LEVELS.index(assurance) >= LEVELS.index(level)
