"""Passkeys: a challenge is given, one answer is taken, and it counts for one purpose.

A challenge is kept as a digest with what it is bound to. Whoever answers uses it up, right or
wrong. Everything that is wrong with an answer is the same refusal.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.crypto import Keyring, digest, seal, unseal
from app.core.ids import new_id
from app.core.passkeys import (
    CHALLENGE_SIZE,
    Credential,
    PasskeyRefused,
    challenge_of,
    credential_id_of,
    user_handle_of,
)
from app.core.unit_of_work import UnitOfWork
from app.credentials.errors import PasskeyExists, PasskeyNotFound, TooManyPasskeys
from app.credentials.events import PasskeyAdded, PasskeyRejected, PasskeyRemoved
from app.credentials.models import Passkey, PasskeyCeremony
from app.credentials.service.decoys import decoys_of
from app.credentials.service.deps import CredentialsDeps
from app.credentials.service.owners import lock_owner, of
from app.credentials.values import Asked, Ceremony, Owner, OwnerKind, PasskeyProof, PasskeyView

LIFETIME = timedelta(minutes=5)
MOST = 10
_TABLE = "passkeys"


def begin_passkey_registration(
    uow: UnitOfWork, deps: CredentialsDeps, owner: Owner, *, session_id: UUID, user_name: str
) -> Asked:
    """Return what a browser is asked to make a passkey; only this session may answer.

    `user_name` is what the authenticator shows, already masked. Raise `TooManyPasskeys`.
    """
    known = _ids_of(uow, owner)
    if len(known) >= MOST:
        raise TooManyPasskeys
    challenge, expires_at = _open(uow, Ceremony.REGISTER, owner, session_id)
    asked = deps.relying_party.ask_registration(
        challenge, user_id=owner.id.bytes, user_name=user_name, known=known
    )
    return Asked(asked, expires_at)


def finish_passkey_registration(
    uow: UnitOfWork,
    deps: CredentialsDeps,
    owner: Owner,
    credential: Credential,
    *,
    session_id: UUID,
    name: str,
) -> PasskeyView:
    """Keep the passkey that answers a registration of this owner in this session.

    Raise `PasskeyRefused`, `PasskeyExists` (anybody's) or `TooManyPasskeys`.
    """
    challenge = challenge_of(credential)
    with uow.phase():  # used up, whatever follows
        ceremony = _use(uow, Ceremony.REGISTER, challenge, session_id)
    if ceremony is None or (ceremony.owner_kind, ceremony.owner_id) != (owner.kind, owner.id):
        raise PasskeyRefused
    made = deps.relying_party.check_registration(credential, challenge)
    lock_owner(uow, owner)
    if len(_ids_of(uow, owner)) >= MOST:
        raise TooManyPasskeys
    row = new_id()
    passkey = Passkey(
        id=row,
        owner_kind=owner.kind,
        owner_id=owner.id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        is_synced=made.is_synced,
        is_bound=made.is_bound,
        name_sealed=_seal(deps.keyring, name, row),
    )
    try:
        with uow.begin_nested():
            uow.add(passkey)
    except IntegrityError as error:
        raise PasskeyExists from error
    uow.record(
        PasskeyAdded(
            subject=owner.subject, owner_kind=owner.kind, owner_id=owner.id, passkey_id=row
        )
    )
    return _view(deps.keyring, passkey)


def begin_passkey_assertion(
    uow: UnitOfWork,
    deps: CredentialsDeps,
    purpose: Ceremony,
    *,
    owner: Owner | None = None,
    claimed: str = "",
    session_id: UUID | None = None,
) -> Asked:
    """Return what a browser is asked to prove a passkey with.

    With an owner, only their passkeys may answer; with a `claimed` name that nobody has, none may,
    but what is asked looks alike: ten ids, the same each time. With neither, the authenticator says
    whose it is. In a session, only that session may answer.
    """
    is_open = owner is None and not claimed
    # Nobody's passkeys are looked for like somebody's: it takes the same time.
    target = owner or Owner(OwnerKind.CITIZEN, new_id())
    known = [] if is_open else _ids_of(uow, target)
    challenge, expires_at = _open(uow, purpose, None if is_open else target, session_id)
    allowed = known
    if claimed:
        allowed = sorted([*known, *decoys_of(deps.keyring, claimed, MOST - len(known))])
    return Asked(deps.relying_party.ask_assertion(challenge, allowed=allowed), expires_at)


def finish_passkey_assertion(
    uow: UnitOfWork,
    deps: CredentialsDeps,
    purpose: Ceremony,
    credential: Credential,
    *,
    session_id: UUID | None = None,
) -> PasskeyProof:
    """Return whose passkey has answered a challenge of this purpose, or raise `PasskeyRefused`.

    The challenge is used up whatever follows, and a counter that did not grow is a copied key.
    Phases of its own: call it outside one.
    """
    challenge = challenge_of(credential)
    credential_id = credential_id_of(credential)
    with uow.phase():
        ceremony = _use(uow, purpose, challenge, session_id)
        passkey = uow.scalar(select(Passkey).where(Passkey.credential_id == credential_id))
    if ceremony is None or passkey is None:
        raise PasskeyRefused
    owner = Owner(OwnerKind(passkey.owner_kind), passkey.owner_id)
    handle = user_handle_of(credential)
    is_meant = ceremony.owner_id is None or (
        (ceremony.owner_kind, ceremony.owner_id) == (owner.kind, owner.id)
    )
    if not is_meant or (handle is not None and handle != owner.id.bytes):
        _reject(uow, owner, passkey, "not-the-owners")
    try:
        count = deps.relying_party.check_assertion(credential, challenge, passkey.public_key)
    except PasskeyRefused:
        uow.record(_rejected(owner, passkey, "not-genuine"))
        raise
    if not _advance(uow, passkey, count):
        _reject(uow, owner, passkey, "counter-did-not-grow")
    return PasskeyProof(owner, passkey.id)


def list_passkeys(uow: UnitOfWork, deps: CredentialsDeps, owner: Owner) -> list[PasskeyView]:
    """Return an owner's passkeys, oldest first."""
    found = uow.scalars(select(Passkey).where(*of(Passkey, owner)).order_by(Passkey.id))
    return [_view(deps.keyring, passkey) for passkey in found]


def remove_passkey(uow: UnitOfWork, owner: Owner, passkey_id: UUID) -> None:
    """Take one of an owner's passkeys away; raise `PasskeyNotFound` for anybody else's."""
    gone = delete(Passkey).where(Passkey.id == passkey_id, *of(Passkey, owner))
    if uow.scalar(gone.returning(Passkey.id)) is None:
        raise PasskeyNotFound
    uow.record(
        PasskeyRemoved(
            subject=owner.subject, owner_kind=owner.kind, owner_id=owner.id, passkey_id=passkey_id
        )
    )


def _open(
    uow: UnitOfWork, purpose: Ceremony, owner: Owner | None, session_id: UUID | None
) -> tuple[bytes, datetime]:
    challenge = secrets.token_bytes(CHALLENGE_SIZE)
    moment = now()
    uow.add(
        PasskeyCeremony(
            challenge_digest=digest(challenge.hex()),
            purpose=purpose,
            owner_kind=owner.kind if owner else None,
            owner_id=owner.id if owner else None,
            session_id=session_id,
            created_at=moment,
            expires_at=moment + LIFETIME,
        )
    )
    return challenge, moment + LIFETIME


def _use(
    uow: UnitOfWork, purpose: Ceremony, challenge: bytes, session_id: UUID | None
) -> PasskeyCeremony | None:
    """Use up the open challenge of this purpose and session; None when there is none."""
    in_session = (
        PasskeyCeremony.session_id.is_(None)
        if session_id is None
        else PasskeyCeremony.session_id == session_id
    )
    return uow.scalar(
        update(PasskeyCeremony)
        .where(
            PasskeyCeremony.challenge_digest == digest(challenge.hex()),
            PasskeyCeremony.purpose == purpose,
            PasskeyCeremony.used_at.is_(None),
            PasskeyCeremony.expires_at > now(),
            in_session,
        )
        .values(used_at=now())
        .returning(PasskeyCeremony)
    )


def _advance(uow: UnitOfWork, passkey: Passkey, count: int) -> bool:
    """Keep the counter of an answer, if it grew (or the authenticator does not count at all)."""
    grew = or_(Passkey.sign_count < count, (Passkey.sign_count == 0) & (count == 0))
    kept = (
        update(Passkey)
        .where(Passkey.id == passkey.id, grew)
        .values(sign_count=count, last_used_at=now())
        .returning(Passkey.id)
    )
    return uow.scalar(kept) is not None


def _reject(uow: UnitOfWork, owner: Owner, passkey: Passkey, reason: str) -> None:
    uow.record(_rejected(owner, passkey, reason))
    raise PasskeyRefused


def _rejected(owner: Owner, passkey: Passkey, reason: str) -> PasskeyRejected:
    return PasskeyRejected(
        subject=owner.subject,
        result="refused",
        owner_kind=owner.kind,
        owner_id=owner.id,
        passkey_id=passkey.id,
        reason=reason,
    )


def _ids_of(uow: UnitOfWork, owner: Owner) -> Sequence[bytes]:
    return uow.scalars(select(Passkey.credential_id).where(*of(Passkey, owner))).all()


def _view(keyring: Keyring, passkey: Passkey) -> PasskeyView:
    return PasskeyView(
        id=passkey.id,
        name=unseal(
            keyring.class_key(_TABLE), passkey.name_sealed, context=f"{_TABLE}|name|{passkey.id}"
        ).decode(),
        is_synced=passkey.is_synced,
        is_bound=passkey.is_bound,
        created_at=passkey.created_at,
        last_used_at=passkey.last_used_at,
    )


def _seal(keyring: Keyring, name: str, row: UUID) -> bytes:
    return seal(keyring.class_key(_TABLE), name.encode(), context=f"{_TABLE}|name|{row}")
