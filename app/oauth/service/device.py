"""Devices without a keyboard (RFC 8628): they show a code, somebody types it elsewhere."""

import secrets
from datetime import timedelta

from sqlalchemy import select

from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_secret
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    InvalidGrant,
    OAuthError,
    SlowDown,
    UnauthorizedClient,
)
from app.oauth.models import Client, DeviceCode, Grant
from app.oauth.service.client_auth import authenticate_client
from app.oauth.service.clients import live_scopes
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.requests import read_scopes
from app.oauth.values import (
    DEVICE_INTERVAL,
    DEVICE_LIFETIME,
    DeviceAnswer,
    GrantType,
    ProtocolCall,
)

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8
PAGE = "/oauth/device"


def start_device(uow: UnitOfWork, deps: OAuthDeps, call: ProtocolCall) -> DeviceAnswer:
    """Give a device a code to poll with, and one of eight letters for a citizen to type."""
    client = authenticate_client(uow, deps, call)
    if GrantType.DEVICE not in client.grant_types:
        raise UnauthorizedClient("The client may not use this grant.")
    scopes = read_scopes(call.form.get("scope", ""), live_scopes(uow, client.id))
    secret = new_secret()
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    shown = f"{letters[:4]}-{letters[4:]}"
    uow.add(
        DeviceCode(
            digest=digest(secret),
            user_code_digest=digest(letters),
            client_id=client.id,
            scopes=list(scopes),
            interval_seconds=DEVICE_INTERVAL,
            expires_at=now() + DEVICE_LIFETIME,
        )
    )
    page = deps.address_of(PAGE)
    return DeviceAnswer(
        device_code=secret,
        user_code=shown,
        verification_uri=page,
        verification_uri_complete=f"{page}?user_code={shown}",
        expires_in=int(DEVICE_LIFETIME.total_seconds()),
        interval=DEVICE_INTERVAL,
    )


def redeem_device(uow: UnitOfWork, client: Client, device_code: str) -> Grant | OAuthError:
    """Return the locked grant that a device waited for, once; or what it is told instead.

    The caller commits either way: how often a device asked is kept.
    """
    device = uow.scalar(
        select(DeviceCode).where(DeviceCode.digest == digest(device_code)).with_for_update()
    )
    if device is None or device.client_id != client.id or device.used_at is not None:
        return InvalidGrant("The device code is unknown, used, or another client's.")
    wait = _wait(device)
    if wait is not None:
        return wait
    device.used_at = now()
    if device.grant_id is None:
        return AccessDenied()
    return uow.scalars(select(Grant).where(Grant.id == device.grant_id).with_for_update()).one()


def _wait(device: DeviceCode) -> OAuthError | None:
    """Return why a device that asks now gets nothing yet, or nothing any more."""
    moment = now()
    if device.expires_at <= moment:
        return ExpiredToken()
    last, device.polled_at = device.polled_at, moment
    if last is not None and moment - last < timedelta(seconds=device.interval_seconds):
        device.interval_seconds += DEVICE_INTERVAL
        return SlowDown()
    return AuthorizationPending() if device.outcome is None else None
