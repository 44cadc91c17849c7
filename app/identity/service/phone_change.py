"""A change of number: the new one is proven by a code, the old one is told."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.crypto import mask_phone, seal, unseal
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import PhoneTaken, PhoneUnchanged
from app.identity.events import PhoneChanged, PhoneReplaced
from app.identity.models import PhoneChange
from app.identity.service.challenges import try_code, use_challenge
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import lock_citizen, renew_phone
from app.identity.service.sessions import end_every_session
from app.identity.service.vault import vault_of
from app.identity.values import Purpose
from app.notifications import service as notifications
from app.notifications.errors import SmsRefused
from app.notifications.values import Params

_TABLE = "phone_changes"
_COLUMN = "old_phone"
_FAREWELL = (
    "【i武当】您的账号已更换手机号，本号码不再用于登录。如非本人操作，请立即联系政务服务窗口。"
)


def change_phone(
    uow: UnitOfWork,
    deps: IdentityDeps,
    citizen_id: UUID,
    session_id: UUID,
    challenge_id: UUID,
    code: str,
    address: str,
) -> None:
    """Give the caller's account the number that a code has proven.

    The caller is stepped up. What was proven with the old number goes with it, the other sessions
    end, and both numbers are told. Raise `CodeWrong`, `TooManyTries`, `PhoneUnchanged`, or
    `PhoneTaken` (said to the holder of that number only).
    """
    challenge = try_code(uow, deps, challenge_id, code, Purpose.CHANGE_PHONE, address)
    phone = use_challenge(uow, deps, challenge)
    citizen = lock_citizen(uow, citizen_id)
    if citizen.phone_index == challenge.phone_index:
        raise PhoneUnchanged
    vault = vault_of(uow, deps.keyring, citizen_id)
    old = vault.open(citizen.phone_sealed, "citizens", "phone", citizen_id)
    try:
        with uow.begin_nested():
            citizen.phone_sealed = vault.seal(phone, "citizens", "phone", citizen_id)
            citizen.phone_index = challenge.phone_index
    except IntegrityError as error:
        raise PhoneTaken from error
    renew_phone(uow, citizen, challenge.id)
    end_every_session(uow, citizen_id, "phone-changed", but=session_id)
    change_id = new_id()
    key = deps.keyring.class_key(_TABLE)
    sealed = seal(key, old.encode(), context=f"{_TABLE}|{_COLUMN}|{change_id}")
    uow.add(PhoneChange(id=change_id, citizen_id=citizen_id, old_phone_sealed=sealed))
    uow.emit(PhoneChanged(change_id=change_id))
    told: Params = {"at": now(), "phone": mask_phone(phone)}
    notifications.tell(uow, citizen_id, "phone-changed", str(change_id), told)
    uow.record(PhoneReplaced(subject=citizen_id))


def tell_old_phone(uow: UnitOfWork, deps: IdentityDeps, changed: PhoneChanged) -> None:
    """Tell the number that an account has left, and forget it; running twice sends one SMS.

    Raise `SmsUnavailable` to be called again.
    """
    with uow.phase():
        change = uow.get(PhoneChange, changed.change_id)
    if change is None or change.old_phone_sealed is None:
        return
    context = f"{_TABLE}|{_COLUMN}|{change.id}"
    phone = unseal(deps.keyring.class_key(_TABLE), change.old_phone_sealed, context=context)
    with suppress(SmsRefused):  # the number is gone: nobody is there to be told
        deps.sms.send(to=phone.decode(), text=_FAREWELL, key=str(change.id))
    told = update(PhoneChange).where(PhoneChange.id == change.id)
    uow.execute(told.values(old_phone_sealed=None))
