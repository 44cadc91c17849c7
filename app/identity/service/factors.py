"""What citizens prove themselves with besides their phone: set, shown, taken away.

Whoever changes a factor has proven themselves by another one within five minutes (`step_up` at the
door). Only the first factor has nothing to be proven by; it may be added within five minutes of a
log-in, which is the strongest proof that its citizen has.
"""

import secrets
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.core.blind_indexes import take_index
from app.core.clock import now
from app.core.crypto import mask_phone
from app.core.errors import STEP_UP_SECONDS, StepUpRequired
from app.core.ids import new_id
from app.core.passkeys import Credential
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.credentials import service as credentials
from app.credentials.values import (
    Asked,
    Ceremony,
    Factors,
    Owner,
    PasskeyView,
    Policy,
)
from app.identity.events import PasskeyBound
from app.identity.models import AuthSession, Citizen
from app.identity.service.citizens import id_by_phone
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import lock_citizen, record_evidence, withdraw_evidence
from app.identity.service.phone import canonical_phone
from app.identity.service.sessions import end_every_session
from app.identity.service.vault import decoy_vault, vault_of
from app.identity.values import CitizenStatus, EvidenceKind
from app.notifications import service as notifications

_WHAT = {
    "password-set": ("设置了登录密码", "A password was set"),
    "password-removed": ("删除了登录密码", "The password was removed"),
    "passkey-added": ("添加了通行密钥", "A passkey was added"),
    "passkey-removed": ("删除了通行密钥", "A passkey was removed"),
    "recovery-codes": ("生成了新的恢复码", "New recovery codes were made"),
}


def describe_factors(uow: UnitOfWork, citizen_id: UUID) -> Factors:
    """Return what a citizen can prove themselves with besides their phone."""
    return credentials.factors_of(uow, Owner.citizen(citizen_id))


def set_password(uow: UnitOfWork, deps: IdentityDeps, who: Principal, password: str) -> None:
    """Make this the caller's password and end their other sessions; they are told.

    Raise `StepUpRequired`, `PasswordTooWeak` or `PasswordsBusy`.
    """
    with uow.phase():
        check_may_add(uow, who)
        context = words_of(uow, deps, who.id)
    owner = Owner.citizen(who.id)
    prepared = credentials.prepare_password(
        uow, deps.credentials, owner, password, Policy.CITIZEN, context=context
    )
    lock_citizen(uow, who.id)
    credentials.put_password(uow, deps.credentials, owner, prepared)
    end_every_session(uow, who.id, "password-set", but=who.session_id)
    _tell(uow, who.id, "password-set")


def remove_password(uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID) -> None:
    """Take the caller's password away; idempotent."""
    lock_citizen(uow, citizen_id)
    if credentials.remove_password(uow, deps.credentials, Owner.citizen(citizen_id)):
        _tell(uow, citizen_id, "password-removed")


def ask_new_passkey(uow: UnitOfWork, deps: IdentityDeps, who: Principal) -> Asked:
    """Return what the caller's browser is asked to make a passkey.

    Raise `StepUpRequired` or `TooManyPasskeys`.
    """
    check_may_add(uow, who)
    phone = _phone_of(uow, deps, who.id)
    return credentials.begin_passkey_registration(
        uow,
        deps.credentials,
        Owner.citizen(who.id),
        session_id=who.session_id,
        user_name=mask_phone(phone),
    )


def add_passkey(
    uow: UnitOfWork, deps: IdentityDeps, who: Principal, credential: Credential, name: str
) -> PasskeyView:
    """Keep a passkey that was made in this session; its citizen is told.

    Raise `StepUpRequired`, `PasskeyRefused`, `PasskeyExists` or `TooManyPasskeys`.
    """
    with uow.phase():
        check_may_add(uow, who)
    made = credentials.finish_passkey_registration(
        uow,
        deps.credentials,
        Owner.citizen(who.id),
        credential,
        session_id=who.session_id,
        name=name,
    )
    if made.is_bound:
        uow.emit(PasskeyBound(citizen_id=who.id, passkey_id=made.id))
    _tell(uow, who.id, "passkey-added")
    return made


def count_passkey(uow: UnitOfWork, deps: IdentityDeps, bound: PasskeyBound) -> None:
    """Make a passkey that cannot leave its device evidence of its citizen; twice is once.

    A job of its own: the citizen is locked before their credentials, never after.
    """
    citizen = lock_citizen(uow, bound.citizen_id)
    owner = Owner.citizen(citizen.id)
    held = {
        key.id for key in credentials.list_passkeys(uow, deps.credentials, owner) if key.is_bound
    }
    if citizen.status != CitizenStatus.CLOSED and bound.passkey_id in held:
        withdraw_evidence(uow, citizen, EvidenceKind.PASSKEY, bound.passkey_id, cause="renewed")
        record_evidence(uow, citizen, EvidenceKind.PASSKEY, "passkey", reference=bound.passkey_id)


def list_passkeys(uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID) -> list[PasskeyView]:
    """Return the caller's passkeys, oldest first."""
    return credentials.list_passkeys(uow, deps.credentials, Owner.citizen(citizen_id))


def remove_passkey(uow: UnitOfWork, citizen_id: UUID, passkey_id: UUID) -> None:
    """Take one of the caller's passkeys away, and with it the level that it carried.

    Raise `PasskeyNotFound` for anybody else's.
    """
    citizen = lock_citizen(uow, citizen_id)
    credentials.remove_passkey(uow, Owner.citizen(citizen_id), passkey_id)
    withdraw_evidence(uow, citizen, EvidenceKind.PASSKEY, passkey_id, cause="revoked")
    _tell(uow, citizen_id, "passkey-removed")


def make_recovery_codes(uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID) -> Collection[str]:
    """Return ten new recovery codes, shown once; the ones before are worth nothing."""
    codes = credentials.make_recovery_codes(uow, deps.credentials, Owner.citizen(citizen_id))
    _tell(uow, citizen_id, "recovery-codes")
    return codes


def ask_passkey(uow: UnitOfWork, deps: IdentityDeps, purpose: Ceremony, phone: str | None) -> Asked:
    """Return what a browser is asked to prove a passkey with, to somebody who has not logged in.

    With a number, its passkeys are named; a number that nobody has looks alike. Raise
    `PhoneNotSupported`.
    """
    if phone is None:
        return credentials.begin_passkey_assertion(uow, deps.credentials, purpose)
    index = take_index(uow, deps.keyring, "phone", canonical_phone(phone))
    citizen_id = uow.scalar(id_by_phone(index))
    owner = Owner.citizen(citizen_id) if citizen_id else None
    return credentials.begin_passkey_assertion(
        uow, deps.credentials, purpose, owner=owner, claimed=index.hex()
    )


def check_may_add(uow: UnitOfWork, who: Principal) -> None:
    """Raise `StepUpRequired` unless the session is stepped up, or a first factor is being added."""
    if who.is_stepped_up:
        return
    began = uow.scalar(select(AuthSession.created_at).where(AuthSession.id == who.session_id))
    is_fresh = began is not None and began > now() - timedelta(seconds=STEP_UP_SECONDS)
    if not is_fresh or not describe_factors(uow, who.id).are_none:
        raise StepUpRequired


def words_of(uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID | None) -> Collection[str]:
    """Return the words that a citizen's password may not contain: their number and their name.

    Nobody is looked for like somebody, and given a number that is nobody's: it takes the same time.
    """
    sought = citizen_id or new_id()
    citizen = uow.get(Citizen, sought)
    if citizen is None:
        decoy = decoy_vault(uow, deps.keyring, sought)
        number = decoy.seal(f"{secrets.randbelow(10**11):011d}", "citizens", "phone", sought)
        return [decoy.open(number, "citizens", "phone", sought)]
    vault = vault_of(uow, deps.keyring, citizen.id)
    words = [vault.open(citizen.phone_sealed, "citizens", "phone", citizen.id)[-11:]]
    if citizen.name_sealed is not None:
        words.append(vault.open(citizen.name_sealed, "citizens", "name", citizen.id))
    return words


def _phone_of(uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID) -> str:
    sealed = uow.scalars(
        select(Citizen.phone_sealed).where(
            Citizen.id == citizen_id, Citizen.status != CitizenStatus.CLOSED
        )
    ).one()
    return vault_of(uow, deps.keyring, citizen_id).open(sealed, "citizens", "phone", citizen_id)


def _tell(uow: UnitOfWork, citizen_id: UUID, what: str) -> None:
    what_zh, what_en = _WHAT[what]
    notifications.tell(
        uow,
        citizen_id,
        "factor-changed",
        str(new_id()),
        {"at": now(), "what_zh": what_zh, "what_en": what_en},
    )
