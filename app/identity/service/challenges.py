"""Codes by SMS: opened for anybody's number with the same answer and the same work."""

import hmac
import secrets
from uuid import UUID

from sqlalchemy import update

from app.core.blind_indexes import take_index
from app.core.clock import now
from app.core.crypto import Keyring, seal, unseal
from app.core.ids import new_id
from app.core.networks import is_loopback, network_of
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import CodeWrong
from app.identity.events import ChallengeOpened, CodeRefused
from app.identity.models import Challenge
from app.identity.service import limits
from app.identity.service.citizens import id_by_phone
from app.identity.service.deps import IdentityDeps
from app.identity.service.phone import canonical_phone, prefix_of
from app.identity.values import Opened, Purpose
from app.notifications.errors import SmsRefused

_TABLE = "challenges"
_USES = {
    Purpose.LOGIN: "",
    Purpose.STEP_UP: "用于确认本人操作，",
    Purpose.CHANGE_PHONE: "用于更换手机号，",
    Purpose.RESET: "用于重置密码，",
}


def open_challenge(
    uow: UnitOfWork, deps: IdentityDeps, phone: str, purpose: Purpose, address: str
) -> Opened:
    """Make a code for a number and queue its SMS.

    Whether the number belongs to a citizen is not looked at. Raise `PhoneNotSupported`, or
    `TooManyCodes` with the seconds to wait.
    """
    phone = canonical_phone(phone)
    index = take_index(uow, deps.keyring, "phone", phone)
    network = network_of(address)
    limits.check_number(uow, deps.codes, index)
    if not _is_exempt(deps, address):
        limits.check_network(uow, deps.codes, index, address, network)
        limits.count_in_prefix(uow, prefix_of(phone))
        limits.count_code(uow, deps.codes.city_day)
    moment = now()
    challenge_id = new_id()
    code = f"{secrets.randbelow(10**6):06d}"
    challenge = Challenge(
        id=challenge_id,
        purpose=purpose,
        phone_sealed=_seal(deps.keyring, phone, "phone", challenge_id),
        phone_index=index,
        code_digest=_digest(deps.keyring, purpose, challenge_id, index, code),
        code_sealed=_seal(deps.keyring, code, "code", challenge_id),
        address=address,
        network=network,
        created_at=moment,
        expires_at=moment + deps.codes.lifetime,
        resend_at=moment + deps.codes.resend,
    )
    uow.add(challenge)
    uow.emit(ChallengeOpened(challenge_id=challenge_id))
    return Opened(challenge_id, challenge.expires_at, challenge.resend_at)


def send_code(uow: UnitOfWork, deps: IdentityDeps, opened: ChallengeOpened) -> None:
    """Send a challenge's code and forget it; running twice sends one SMS.

    A code that is over is forgotten unsent. Raise `SmsUnavailable` to be called again.
    """
    with uow.phase():
        challenge = uow.get(Challenge, opened.challenge_id)
    if challenge is None or challenge.code_sealed is None:
        return
    sent_at = None
    if challenge.expires_at > now():
        code = _open(deps.keyring, challenge.code_sealed, "code", challenge.id)
        phone = _open(deps.keyring, challenge.phone_sealed, "phone", challenge.id)
        use = _USES[Purpose(challenge.purpose)]
        minutes = int(deps.codes.lifetime.total_seconds() // 60)
        text = f"【i武当】验证码 {code}，{use}{minutes}分钟内有效。请勿告诉他人。"
        try:
            deps.sms.send(to=phone, text=text, key=str(challenge.id))
            sent_at = now()
        except SmsRefused:
            sent_at = None
    uow.execute(
        update(Challenge)
        .where(Challenge.id == challenge.id, Challenge.code_sealed.is_not(None))
        .values(code_sealed=None, sent_at=sent_at)
    )


def try_code(
    uow: UnitOfWork,
    deps: IdentityDeps,
    challenge_id: UUID,
    code: str,
    purpose: Purpose,
    address: str,
) -> Challenge:
    """Return the challenge that a code opens for this purpose, or raise `CodeWrong`.

    The try is counted in a phase of its own, so it counts whatever happens afterwards. The
    challenge is not used up yet: `use_challenge` does that where its effect is written.
    """
    is_exempt = _is_exempt(deps, address)
    with uow.phase():
        if not is_exempt:
            limits.check_brake(uow, deps.codes.city_wrong)
        challenge: Challenge | None = uow.scalar(
            update(Challenge)
            .where(
                Challenge.id == challenge_id,
                Challenge.purpose == purpose,
                Challenge.used_at.is_(None),
                Challenge.tries < deps.codes.tries,
                Challenge.expires_at > now(),
            )
            .values(tries=Challenge.tries + 1)
            .returning(Challenge)
        )
        index = challenge.phone_index if challenge else b""
        given = _digest(deps.keyring, purpose, challenge_id, index, code)
        kept = challenge.code_digest if challenge else bytes(len(given))
        is_right = hmac.compare_digest(given, kept)
        # Asked for each code alike, right or wrong, somebody's or nobody's.
        subject = uow.scalar(id_by_phone(index))
        if not is_right and not is_exempt:
            limits.count_wrong_code(uow, deps.codes.city_wrong)
    if challenge is None or not is_right:
        uow.record(CodeRefused(subject=subject, result="refused", purpose=purpose))
        raise CodeWrong
    return challenge


def use_challenge(uow: UnitOfWork, deps: IdentityDeps, challenge: Challenge) -> str:
    """Use a challenge up and return its number; raise `CodeWrong` when it was used meanwhile."""
    used = uow.scalar(
        update(Challenge)
        .where(Challenge.id == challenge.id, Challenge.used_at.is_(None))
        .values(used_at=now(), code_sealed=None)
        .returning(Challenge.id)
    )
    if used is None:
        raise CodeWrong
    phone = _open(deps.keyring, challenge.phone_sealed, "phone", challenge.id)
    limits.count_use_in_prefix(uow, prefix_of(phone))
    return phone


def _is_exempt(deps: IdentityDeps, address: str) -> bool:
    return deps.loopback_exempt and is_loopback(address)


def _digest(keyring: Keyring, purpose: str, challenge_id: UUID, index: bytes, code: str) -> bytes:
    """Return what is kept of a code: bound to its purpose, challenge and number."""
    return keyring.code_digest(f"{purpose}|{challenge_id}|{index.hex()}", code)


def _seal(keyring: Keyring, plain: str, column: str, row: UUID) -> bytes:
    return seal(keyring.class_key(_TABLE), plain.encode(), context=f"{_TABLE}|{column}|{row}")


def _open(keyring: Keyring, sealed: bytes, column: str, row: UUID) -> str:
    return unseal(keyring.class_key(_TABLE), sealed, context=f"{_TABLE}|{column}|{row}").decode()
