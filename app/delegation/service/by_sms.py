"""Consent by SMS: the principal is asked with a code and answers with it from their own number.

An answer counts when it comes from the number of a citizen whose name is proven, says yes or no,
and carries the code of the newest question about a mandate that waits for them. Each question has
five tries, each mandate five questions, each code an hour.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.errors import DomainError
from app.core.logs import get_logger
from app.core.tokens import LEVELS, Principal
from app.core.unit_of_work import UnitOfWork
from app.delegation.errors import (
    NotAsked,
    SmsNotOffered,
    SmsTermTooLong,
    TooManyQuestions,
)
from app.delegation.events import QuestionAsked
from app.delegation.models import Mandate, SmsAnswer, SmsQuestion
from app.delegation.service.deps import DelegationDeps
from app.delegation.service.mandates import begin_mandate, end_mandate, locked, side_of
from app.delegation.service.telling import live_services, names_of
from app.delegation.values import (
    QUESTIONS,
    SMS_TERMS,
    Consent,
    MandateStatus,
    Outcome,
    ReceivedText,
    Side,
)
from app.identity import service as identity
from app.notifications.errors import SmsRefused, SmsUnavailable

LIFETIME = timedelta(hours=1)
RESEND = timedelta(seconds=60)
TRIES = 5
TICK_SECONDS = 5
_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")
_TABLE = "mandate_questions"
log = get_logger("delegation")


def ask_by_sms(uow: UnitOfWork, deps: DelegationDeps, who: Principal, mandate_id: UUID) -> Mandate:
    """Have the principal asked by SMS, as the delegate of a mandate that waits for them.

    The code goes to the principal's number and nowhere else. Raise `SmsNotOffered`, `NotAsked` when
    the caller is not the delegate, `SmsTermTooLong`, `TooManyQuestions`, or `IllegalMove` when no
    consent is waited for.
    """
    if deps.answers is None:
        raise SmsNotOffered
    mandate = locked(uow, deps, who.id, mandate_id)
    if side_of(mandate, who.id) is not Side.DELEGATE:
        raise NotAsked
    mandate.check_move(MandateStatus.ACTIVE)
    if mandate.days not in SMS_TERMS:
        raise SmsTermTooLong
    moment = now()
    question = uow.get(SmsQuestion, mandate.id, populate_existing=True)
    if question is None:
        question = SmsQuestion(mandate_id=mandate.id, asked=0)
        uow.add(question)
    elif question.asked >= QUESTIONS:
        raise TooManyQuestions(retry_after=int(LIFETIME.total_seconds()))
    elif question.asked_at + RESEND > moment:
        wait = question.asked_at + RESEND - moment
        raise TooManyQuestions(retry_after=int(wait.total_seconds()) + 1)
    code = f"{secrets.randbelow(10**6):06d}"
    question.asked += 1
    question.asked_at = moment
    question.expires_at = moment + LIFETIME
    question.tries = 0
    question.code_digest = _digest(deps, mandate.id, code)
    question.code_sealed = deps.seal(code, _TABLE, "code", mandate.id)
    uow.emit(QuestionAsked(mandate_id=mandate.id, number=question.asked))
    return mandate


def send_question(uow: UnitOfWork, deps: DelegationDeps, event: QuestionAsked) -> None:
    """Send a question and forget its code; running twice sends one SMS.

    Raise `SmsUnavailable` to be called again.
    """
    with uow.phase():
        mandate = uow.get_one(Mandate, event.mandate_id)
        question = uow.get_one(SmsQuestion, event.mandate_id)
        phone = _phone(uow, deps, mandate)
        names = names_of(deps, live_services(mandate))
        by = deps.party(uow, mandate.delegate_id).phone or ""
    if question.code_sealed is None or question.asked != event.number:
        return
    if phone is not None and question.expires_at > now():
        code = deps.open(question.code_sealed, _TABLE, "code", mandate.id)
        text = (
            f"【i武当】尾号{by[-4:]}的用户申请代您办理{names['service_zh']}，为期{mandate.days}天。"
            f"同意请回复：同意{code}；不同意请回复：不同意{code}。请勿将此码告诉他人。"
        )
        try:
            deps.sms.send(to=phone, text=text, key=f"{mandate.id}:{event.number}")
        except SmsRefused:
            log.warning("mandate.question_refused", mandate_id=str(mandate.id))
    with uow.phase():
        sent = uow.get_one(SmsQuestion, event.mandate_id, with_for_update=True)
        if sent.asked == event.number:
            sent.code_sealed = None


def _phone(uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate) -> str | None:
    if mandate.principal_id is not None:
        return identity.phone_of(uow, deps.keyring, mandate.principal_id)
    if mandate.phone_sealed is None:
        return None
    return deps.open(mandate.phone_sealed, "mandates", "phone", mandate.id)


def read_answers(uow: UnitOfWork, deps: DelegationDeps) -> None:
    """Fetch the texts that came to the city's number and let each have its effect once.

    A gateway that does not answer is asked again at the next look.
    """
    if deps.answers is None:
        return
    with uow.phase():
        last = uow.scalar(select(func.max(SmsAnswer.number))) or 0
    try:
        texts = deps.answers.after(last)
    except SmsUnavailable:
        log.warning("sms.answers_unavailable")
        return
    for text in texts:
        with uow.phase():
            _take(uow, deps, text)


def _take(uow: UnitOfWork, deps: DelegationDeps, text: ReceivedText) -> None:
    """Let one text have its effect; its row is the fence, and of the text only that is kept."""
    claimed = uow.scalar(
        insert(SmsAnswer)
        .values(number=text.number, outcome=Outcome.UNKNOWN, at=now())
        .on_conflict_do_nothing()
        .returning(SmsAnswer.number)
    )
    if claimed is None:
        return
    answer = uow.get_one(SmsAnswer, text.number)
    words = unicodedata.normalize("NFKC", text.text)
    codes = _CODE.findall(words)
    says_no = "不同意" in words
    if not codes or "同意" not in words:
        return
    citizen_id = identity.citizen_with_phone(uow, deps.keyring, text.sender)
    if citizen_id is None or not _is_proven(uow, citizen_id):
        return
    for mandate in _waiting(uow, deps, citizen_id):
        if not _fits(uow, deps, mandate, codes):
            answer.outcome = Outcome.WRONG
            continue
        answer.mandate_id = mandate.id
        answer.outcome = _apply(uow, deps, mandate, citizen_id, text.number, says_no=says_no)
        return


def _is_proven(uow: UnitOfWork, citizen_id: UUID) -> bool:
    level = identity.assurance_of(uow, citizen_id) or "public"
    return LEVELS.index(level) >= LEVELS.index("verified")


def _waiting(uow: UnitOfWork, deps: DelegationDeps, citizen_id: UUID) -> Sequence[Mandate]:
    """Return the mandates about which a citizen was asked by SMS, locked, oldest first."""
    named = and_(
        Mandate.principal_id.is_(None),
        Mandate.named == Side.PRINCIPAL,
        Mandate.phone_index == deps.phone_index(uow, citizen_id),
    )
    return uow.scalars(
        select(Mandate)
        .join(SmsQuestion, SmsQuestion.mandate_id == Mandate.id)
        .where(
            Mandate.status == MandateStatus.AWAITING_PRINCIPAL,
            or_(Mandate.principal_id == citizen_id, named),
            SmsQuestion.expires_at > now(),
            SmsQuestion.tries < TRIES,
        )
        .order_by(Mandate.id)
        .with_for_update(of=Mandate)
        .execution_options(populate_existing=True)
    ).all()


def _fits(uow: UnitOfWork, deps: DelegationDeps, mandate: Mandate, codes: Sequence[str]) -> bool:
    """Say whether one of the codes is this mandate's; a text that has none costs a try."""
    question = uow.get_one(SmsQuestion, mandate.id, with_for_update=True, populate_existing=True)
    right = [
        hmac.compare_digest(_digest(deps, mandate.id, code), question.code_digest)
        for code in codes[:1]
    ]
    if any(right):
        question.tries = TRIES  # a code is used once
        return True
    question.tries += 1
    return False


def _apply(
    uow: UnitOfWork,
    deps: DelegationDeps,
    mandate: Mandate,
    citizen_id: UUID,
    number: int,
    *,
    says_no: bool,
) -> Outcome:
    mandate.principal_id = citizen_id
    if says_no:
        end_mandate(uow, deps, mandate, MandateStatus.DECLINED, cause=f"sms {number}")
        return Outcome.DECLINED
    mandate.consent = Consent.SMS
    mandate.consent_evidence = f"sms {number}"
    try:
        begin_mandate(uow, deps, mandate)
    except DomainError as refusal:  # the delegate's organisation is gone, say
        end_mandate(uow, deps, mandate, MandateStatus.REVOKED, cause=refusal.code)
        return Outcome.UNKNOWN
    return Outcome.CONSENTED


def _digest(deps: DelegationDeps, mandate_id: UUID, code: str) -> bytes:
    return deps.keyring.code_digest(f"mandate|{mandate_id}", code)
