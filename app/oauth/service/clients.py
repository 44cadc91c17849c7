"""Clients: staff registers them, changes them, and decides what they may ask for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.core import jose
from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_secret
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import ClientExists, ClientInvalid, ClientNotFound
from app.oauth.events import ClientChanged
from app.oauth.models import Client, ClientScope, ClientSecret
from app.oauth.service.addresses import host_of, is_redirect_uri
from app.oauth.values import (
    AuthMethod,
    ClientStatus,
    ClientView,
    GrantedScope,
    GrantType,
    NewClient,
    Profile,
)

SECRET_OVERLAP = timedelta(days=7)
_SCOPE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_BY_CITIZEN = {GrantType.CODE, GrantType.DEVICE}
_SECRETS = {AuthMethod.BASIC, AuthMethod.POST}


def create_client(
    uow: UnitOfWork, wanted: NewClient, *, cause: str, status: ClientStatus = ClientStatus.DRAFT
) -> ClientView:
    """Register a client and return it, with its secret (shown this once) if it has one.

    The profile is FAPI 2.0 unless the description says `plain`. Raise `ClientInvalid` for a
    description that contradicts itself, `ClientExists` when the name is taken.
    """
    wanted = _check(wanted)
    client = Client(status=ClientStatus.DRAFT, **_columns(wanted))
    try:
        with uow.begin_nested():
            uow.open_record(client, cause=cause)
    except IntegrityError as error:
        raise _taken(error) from error
    _grant_scopes(uow, client.id, wanted.scopes)
    secret = _add_secret(uow, client.id) if wanted.auth_method in _SECRETS else None
    if status is not ClientStatus.DRAFT:
        uow.move(client, ClientStatus.SANDBOX, cause=cause)
    if status is ClientStatus.ACTIVE:
        uow.move(client, ClientStatus.ACTIVE, cause=cause)
    uow.record(ClientChanged(client_id=client.id, fields="created"))
    uow.flush()
    return replace(_view(client, wanted.scopes), secret=secret)


def change_client(
    uow: UnitOfWork, client_id: UUID, changes: Mapping[str, Any], *, cause: str
) -> ClientView:
    """Change what the description of a client says, or its state; return it as it is then.

    Keys roll over by a new `jwks` that holds the old key beside the new one. Raise
    `ClientNotFound`, `ClientInvalid`, `ClientExists`, or `IllegalMove`.
    """
    client = uow.scalar(select(Client).where(Client.id == client_id).with_for_update())
    if client is None:
        raise ClientNotFound
    changes = dict(changes)
    status = changes.pop("status", None)
    before = _description(client, scopes_of(uow, client_id))
    wanted = _check(replace(before, **changes))
    if wanted.auth_method != before.auth_method and wanted.auth_method in _SECRETS:
        raise ClientInvalid("A client that shall have a secret is registered anew.")
    for name, value in _columns(wanted).items():
        setattr(client, name, value)
    if "scopes" in changes:
        _grant_scopes(uow, client_id, wanted.scopes)
    if status is not None and status != client.status:
        uow.move(client, ClientStatus(status), cause=cause)
    named = sorted({*changes, *(["status"] if status is not None else [])})
    uow.record(ClientChanged(client_id=client_id, fields=" ".join(named)))
    try:
        uow.flush()
    except IntegrityError as error:
        raise _taken(error) from error
    return _view(client, wanted.scopes)


def renew_secret(uow: UnitOfWork, client_id: UUID) -> ClientView:
    """Give a client another secret, shown this once; the one before lives for seven more days."""
    client = uow.scalar(select(Client).where(Client.id == client_id).with_for_update())
    if client is None:
        raise ClientNotFound
    if client.auth_method not in _SECRETS:
        raise ClientInvalid("This client has no secret.")
    moment = now()
    uow.execute(
        delete(ClientSecret).where(
            ClientSecret.client_id == client_id, ClientSecret.expires_at.is_not(None)
        )
    )
    uow.execute(
        update(ClientSecret)
        .where(ClientSecret.client_id == client_id)
        .values(expires_at=moment + SECRET_OVERLAP)
    )
    secret = _add_secret(uow, client_id)
    uow.record(ClientChanged(client_id=client_id, fields="secret"))
    return replace(_view(client, scopes_of(uow, client_id)), secret=secret)


def read_client(uow: UnitOfWork, client_id: UUID) -> ClientView:
    """Return a client as staff sees it, or raise `ClientNotFound`."""
    client = uow.get(Client, client_id)
    if client is None:
        raise ClientNotFound
    return _view(client, scopes_of(uow, client_id))


def list_clients(uow: UnitOfWork, page: PageRequest) -> Page[ClientView]:
    """Return the clients, newest first."""
    found = fetch_page(uow, select(Client), [Client.created_at, Client.id], page, descending=True)
    return Page([_view(c, scopes_of(uow, c.id)) for c in found.items], found.next_cursor)


def scopes_of(uow: UnitOfWork, client_id: UUID) -> tuple[GrantedScope, ...]:
    """Return every scope that a client was granted, those that are over too."""
    rows = uow.scalars(
        select(ClientScope).where(ClientScope.client_id == client_id).order_by(ClientScope.scope)
    )
    return tuple(GrantedScope(row.scope, row.expires_at) for row in rows)


def live_scopes(uow: UnitOfWork, client_id: UUID) -> frozenset[str]:
    """Return the scopes that a client may ask for now."""
    return frozenset(
        uow.scalars(
            select(ClientScope.scope).where(
                ClientScope.client_id == client_id,
                or_(ClientScope.expires_at.is_(None), ClientScope.expires_at > now()),
            )
        )
    )


def find_live(uow: UnitOfWork, client_id: str, *, is_sandbox: bool) -> Client | None:
    """Return a client that may act now, or None: unknown, not ready, suspended, retired."""
    try:
        parsed = UUID(client_id)
    except ValueError:
        return None
    if str(parsed) != client_id:
        return None
    client = uow.get(Client, parsed)
    return (
        client if client is not None and is_usable(client.status, is_sandbox=is_sandbox) else None
    )


def is_usable(status: str, *, is_sandbox: bool) -> bool:
    """Say whether a client in this state may act in this installation."""
    return status == ClientStatus.ACTIVE or (is_sandbox and status == ClientStatus.SANDBOX)


def has_secret(uow: UnitOfWork, client_id: UUID, secret: str) -> bool:
    """Say whether this is a living secret of a client."""
    found = uow.scalar(
        select(ClientSecret.id).where(
            ClientSecret.client_id == client_id,
            ClientSecret.digest == digest(secret),
            or_(ClientSecret.expires_at.is_(None), ClientSecret.expires_at > now()),
        )
    )
    return found is not None


def _taken(error: IntegrityError) -> Exception:
    """Return the refusal of a name that is taken, or the error itself: a fault of ours."""
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return ClientExists() if constraint == "uq_clients_name" else error


def _check(wanted: NewClient) -> NewClient:
    faults = [*_profile_faults(wanted), *_key_faults(wanted), *_address_faults(wanted)]
    if not all(_SCOPE.fullmatch(granted.scope) for granted in wanted.scopes):
        faults.append(("scopes", "Not the name of a scope."))
    if len({granted.scope for granted in wanted.scopes}) != len(wanted.scopes):
        faults.append(("scopes", "A scope stands twice."))
    if faults:
        raise ClientInvalid(
            errors=[{"pointer": f"/{name}", "message": message} for name, message in faults]
        )
    return replace(wanted, sector=wanted.sector or _sector(wanted))


def _profile_faults(wanted: NewClient) -> list[tuple[str, str]]:
    faults = []
    if wanted.profile is Profile.FAPI and wanted.auth_method is not AuthMethod.KEY:
        faults.append(("auth_method", "The FAPI profile needs private_key_jwt."))
    if not wanted.grant_types:
        faults.append(("grant_types", "At least one."))
    if wanted.auth_method is AuthMethod.NONE and {GrantType.CLIENT, GrantType.EXCHANGE} & set(
        wanted.grant_types
    ):
        faults.append(("grant_types", "A public client cannot act in its own name."))
    if GrantType.REFRESH in wanted.grant_types and not _BY_CITIZEN & set(wanted.grant_types):
        faults.append(("grant_types", "There would be nothing to refresh."))
    return faults


def _key_faults(wanted: NewClient) -> list[tuple[str, str]]:
    if wanted.auth_method is not AuthMethod.KEY:
        given = wanted.jwks is not None or wanted.jwks_uri is not None
        return [("jwks", "Only private_key_jwt uses keys.")] if given else []
    if (wanted.jwks is None) == (wanted.jwks_uri is None):
        return [("jwks", "Either jwks or jwks_uri.")]
    if wanted.jwks is not None:
        try:
            jose.check_public_keys(wanted.jwks)
        except jose.JoseInvalid as error:
            return [("jwks", f"{error}.")]
    elif not is_redirect_uri(wanted.jwks_uri or "", loopback=True):
        return [("jwks_uri", "Not an https address.")]
    return []


def _address_faults(wanted: NewClient) -> list[tuple[str, str]]:
    faults = []
    if (GrantType.CODE in wanted.grant_types) != bool(wanted.redirect_uris):
        faults.append(("redirect_uris", "Needed for authorization_code, and only for it."))
    lists = (("redirect_uris", wanted.redirect_uris), ("post_logout_uris", wanted.post_logout_uris))
    for name, urls in lists:
        if not all(is_redirect_uri(url, loopback=True) for url in urls):
            faults.append((name, "https without fragment, or http on 127.0.0.1 or [::1]."))
    for name in ("backchannel_logout_uri", "initiate_login_uri"):
        url = getattr(wanted, name)
        if url is not None and not is_redirect_uri(url, loopback=True):
            faults.append((name, "Not an https address."))
    hosts = set() if faults else {host_of(url) for url in wanted.redirect_uris}
    if wanted.sector is None and len(hosts) > 1:
        faults.append(("sector", "Needed when redirect addresses have several hosts."))
    return faults


def _sector(wanted: NewClient) -> str:
    """Return whom a citizen's pairwise name is for: the host of the client, or its own name."""
    hosts = {host_of(url) for url in wanted.redirect_uris}
    return hosts.pop() if hosts else wanted.name


def _columns(wanted: NewClient) -> dict[str, Any]:
    values = {f.name: getattr(wanted, f.name) for f in fields(wanted) if f.name != "scopes"}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def _description(client: Client, scopes: tuple[GrantedScope, ...]) -> NewClient:
    return NewClient(
        name=client.name,
        name_en=client.name_en,
        profile=Profile(client.profile),
        auth_method=AuthMethod(client.auth_method),
        grant_types=tuple(GrantType(g) for g in client.grant_types),
        redirect_uris=tuple(client.redirect_uris),
        post_logout_uris=tuple(client.post_logout_uris),
        backchannel_logout_uri=client.backchannel_logout_uri,
        initiate_login_uri=client.initiate_login_uri,
        jwks=client.jwks,
        jwks_uri=client.jwks_uri,
        sector=client.sector,
        department=client.department,
        needs_nonce=client.needs_nonce,
        scopes=scopes,
    )


def _grant_scopes(uow: UnitOfWork, client_id: UUID, scopes: Sequence[GrantedScope]) -> None:
    uow.execute(delete(ClientScope).where(ClientScope.client_id == client_id))
    uow.add_all(
        ClientScope(client_id=client_id, scope=s.scope, expires_at=s.expires_at) for s in scopes
    )


def _add_secret(uow: UnitOfWork, client_id: UUID, expires_at: datetime | None = None) -> str:
    secret = new_secret()
    uow.add(ClientSecret(client_id=client_id, digest=digest(secret), expires_at=expires_at))
    return secret


def _view(client: Client, scopes: Sequence[GrantedScope]) -> ClientView:
    return ClientView(
        id=client.id,
        name=client.name,
        name_en=client.name_en,
        status=client.status,
        profile=client.profile,
        auth_method=client.auth_method,
        grant_types=client.grant_types,
        redirect_uris=client.redirect_uris,
        post_logout_uris=client.post_logout_uris,
        backchannel_logout_uri=client.backchannel_logout_uri,
        initiate_login_uri=client.initiate_login_uri,
        jwks=client.jwks,
        jwks_uri=client.jwks_uri,
        sector=client.sector,
        department=client.department,
        needs_nonce=client.needs_nonce,
        scopes=scopes,
        created_at=client.created_at,
    )
