"""Fees: asked for when an application is accepted, taken once, and given back as the bundle says.

Whoever changes a fee has locked the row of its application before it: that money comes and that
an application is withdrawn exclude each other.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, or_, select, true

from app.sdk import (
    Citizen,
    Conflict,
    Fulfilment,
    House,
    NotFound,
    Payable,
    PaymentNotice,
    Unavailable,
    UnitOfWork,
    city_date,
    now,
)
from plugins.permits.errors import FeeDiffers, FeeNotFound, FeeOverdue, FeePaid, FeeVoid
from plugins.permits.models import Application, Fee, Task
from plugins.permits.service.answers import fee_for, tasks_for
from plugins.permits.service.bundles import find_bundle
from plugins.permits.values.applications import ApplicationStatus
from plugins.permits.values.bundles import Answer, Bundle, FeeReturn, IssuePolicy
from plugins.permits.values.fees import (
    CURRENCY,
    PAYEE,
    RETURN_REASONS,
    SERVICE,
    FeeStatus,
    FeeView,
    end_fee,
)
from plugins.permits.values.tasks import REFUSED, TaskStatus

_BATCH = 50
_TAKEN_BACK = (ApplicationStatus.WITHDRAWN, ApplicationStatus.LAPSED)
_NOT_GRANTED = REFUSED | {TaskStatus.NOT_APPLICABLE}


def mint_fees(
    house: House,
    uow: UnitOfWork,
    application: Application,
    bundle: Bundle,
    answers: Mapping[str, Answer],
) -> None:
    """Ask for what the tasks of an application cost that was accepted just now; its row is locked.

    The citizen is told once of all of it.
    """
    tasks = {task.template: task.id for task in _tasks_of(uow, application.id)}
    total = 0
    for template in tasks_for(bundle, answers):
        amount = fee_for(template, answers)
        if amount is None:
            continue
        fee = Fee(
            status=FeeStatus.OWED,
            reference=f"fee.{secrets.token_hex(16)}",
            application_id=application.id,
            task_id=tasks[template.id],
            amount=amount,
        )
        uow.open_record(fee, cause="accepted", task=template.id)
        total += amount
    uow.flush()
    if total:
        tell_of_fees(house, uow, application, "permit-fee-owed", str(application.id), total)


def settle_fees(uow: UnitOfWork, application: Application) -> None:
    """Settle the fees of what was refused, withdrawn or has lapsed; the application is locked.

    Safe to call after each decision and each end: what is settled stays so.
    """
    fees = lock_fees(uow, application.id, FeeStatus.OWED, FeeStatus.PAID)
    if not fees:
        return
    bundle = find_bundle(application.bundle, application.bundle_version)
    tasks = {task.id: task for task in _tasks_of(uow, application.id)}
    is_refused = bundle.issue is IssuePolicy.ATOMIC and any(
        task.status in REFUSED for task in tasks.values()
    )
    for fee in fees:
        task = tasks[fee.task_id]
        if is_refused or task.status in _NOT_GRANTED:
            case = FeeReturn.REFUSED
        elif application.status in _TAKEN_BACK:
            case = FeeReturn.WITHDRAWN
        else:
            continue
        before = FeeStatus(fee.status)
        after = end_fee(before, case, bundle.task(task.template).fee_returned)
        if after is FeeStatus.RETURNING:
            fee.return_reason = RETURN_REASONS[case]
        if after is not before:
            uow.move(fee, after, cause=str(case))


def void_fees(uow: UnitOfWork, application: Application, cause: str) -> None:
    """Ask nobody any more for what is still owed of an application whose row is locked."""
    for fee in lock_fees(uow, application.id, FeeStatus.OWED):
        uow.move(fee, FeeStatus.VOID, cause=cause)


def owes_fees() -> ColumnElement[bool]:
    """Return the condition that something is still owed for an application."""
    return exists().where(Fee.application_id == Application.id, Fee.status == FeeStatus.OWED)


def show_fees(uow: UnitOfWork, application_id: UUID) -> Sequence[FeeView]:
    """Return the fees of an application."""
    statement = (
        select(Fee, Task.template)
        .join(Task, Task.id == Fee.task_id)
        .where(Fee.application_id == application_id)
        .order_by(Fee.id)
    )
    return [
        FeeView(
            reference=fee.reference,
            task=template,
            amount=fee.amount,
            currency=CURRENCY,
            status=fee.status,
            due_at=fee.due_at,
            paid_at=fee.paid_at,
        )
        for fee, template in uow.execute(statement)
    ]


def list_payables(house: House, citizen: Citizen) -> Sequence[Payable]:
    """Return the fees that a citizen owes now and may still pay."""
    mine = _payables().where(
        Application.citizen_reference == citizen.reference,
        Fee.status == FeeStatus.OWED,
        or_(Fee.due_at.is_(None), Fee.due_at > now()),
    )
    with house.unit_of_work() as uow:
        rows = uow.execute(mine.order_by(Fee.id)).all()
        return [_payable(*row) for row in rows]


def get_payable(house: House, reference: str, citizen: Citizen) -> Payable:
    """Return a fee that a citizen owes.

    Raise `FeeNotFound` also for somebody else's, `FeePaid`, `FeeVoid` for what is asked of nobody
    any more, and `FeeOverdue` when the minute has come, whether or not a worker has noted it.
    """
    mine = _payables().where(
        Application.citizen_reference == citizen.reference, Fee.reference == reference
    )
    with house.unit_of_work() as uow:
        row = uow.execute(mine).one_or_none()
        if row is None:
            raise FeeNotFound
        fee = row[0]
        _check_owed(fee)
        if fee.due_at is not None and fee.due_at <= now():
            raise FeeOverdue
        return _payable(*row)


def take_payment(house: House, notice: PaymentNotice) -> Fulfilment:
    """Book the money for a fee and return the confirmation; the same key again is the same one.

    No payment begins after the last minute: what comes then was sent in time, and is taken as long
    as the application waits.
    Raise `FeeNotFound`, `FeeDiffers`, `FeePaid` by another payment, and `FeeVoid`: each for good,
    so that the house sends the money back.
    """
    with house.unit_of_work() as uow:
        statement = select(Fee.application_id).where(Fee.reference == notice.reference)
        application_id = uow.scalar(statement)
        if application_id is None:
            raise FeeNotFound
        uow.lock(Application, application_id)
        fee: Fee = uow.scalars(
            select(Fee)
            .where(Fee.reference == notice.reference)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        if (notice.amount, notice.currency, notice.payee) != (fee.amount, CURRENCY, PAYEE):
            raise FeeDiffers
        if fee.payment_key != notice.key:
            _check_owed(fee)
            fee.payment_key, fee.paid_at, fee.booked_at = notice.key, notice.paid_at, now()
            uow.move(fee, FeeStatus.PAID, cause="paid")
            uow.flush()
        return _confirmation(fee)


def find_payment(house: House, key: str) -> Fulfilment | None:
    """Return the confirmation of what was booked under a key, or None: booked is what is kept."""
    with house.unit_of_work() as uow:
        fee = uow.scalar(select(Fee).where(Fee.payment_key == key))
        return None if fee is None else _confirmation(fee)


def return_fees(house: House) -> None:
    """Send back what is to go back, a bounded number, those first that were tried longest ago.

    The house takes the same return once, however many workers ask for it. What cannot go back now
    is tried again.
    """
    waiting = (
        select(Fee.id, Fee.reference, Fee.return_reason)
        .where(Fee.status == FeeStatus.RETURNING)
        .order_by(Fee.tried_at.nulls_first(), Fee.id)
    )
    with house.unit_of_work() as uow:
        rows = uow.execute(waiting.limit(_BATCH)).all()
    for fee_id, reference, reason in rows:
        assert reason is not None
        try:
            house.return_payment(reference, None, reason)
        except (Conflict, NotFound, Unavailable):
            is_sent = False
        else:
            is_sent = True
        _note_return(house, fee_id, is_sent=is_sent)


def tell_of_fees(
    house: House,
    uow: UnitOfWork,
    application: Application,
    kind: str,
    subject: str,
    amount: int,
    **more: datetime,
) -> None:
    """Tell a citizen who was not erased something about an amount; once about each subject."""
    if not application.letterbox:
        return
    title = find_bundle(application.bundle, application.bundle_version).title
    words = {"bundle_zh": title["zh"], "bundle_en": title["en"]}
    house.tell(uow, application.letterbox, kind, subject, amount=amount, **words, **more)


def lock_fees(
    uow: UnitOfWork,
    application_id: UUID,
    *among: FeeStatus,
    where: ColumnElement[bool] | None = None,
) -> Sequence[Fee]:
    """Return the fees of an application that are in one of these states, with their rows locked.

    With `where`, only those of which it holds.
    """
    uow.flush()
    statement = (
        select(Fee)
        .where(
            Fee.application_id == application_id,
            Fee.status.in_(among),
            true() if where is None else where,
        )
        .order_by(Fee.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return uow.scalars(statement).all()


def _note_return(house: House, fee_id: UUID, *, is_sent: bool) -> None:
    with house.unit_of_work() as uow:
        application_id = uow.scalars(select(Fee.application_id).where(Fee.id == fee_id)).one()
        application = uow.lock(Application, application_id)
        fee = uow.lock(Fee, fee_id)
        if fee.status != FeeStatus.RETURNING:
            return  # another worker was here
        fee.tried_at = now()
        if is_sent:
            uow.move(fee, FeeStatus.RETURNED, cause="returned")
            kind = "permit-fee-returned"
            tell_of_fees(house, uow, application, kind, fee.reference, fee.amount)


def _payables() -> Select[Fee, Task, Application]:
    return (
        select(Fee, Task, Application)
        .join(Task, Task.id == Fee.task_id)
        .join(Application, Application.id == Fee.application_id)
    )


def _payable(fee: Fee, task: Task, application: Application) -> Payable:
    bundle = find_bundle(application.bundle, application.bundle_version)
    title = bundle.task(task.template).title
    return Payable(
        reference=fee.reference,
        title={"zh": f"{title['zh']}费用", "en": f"Fee: {title['en']}"},
        amount=fee.amount,
        currency=CURRENCY,
        payee=PAYEE,
        due_date=None if fee.due_at is None else date.fromisoformat(city_date(fee.due_at)),
        version=f"{CURRENCY}-{fee.amount}",
        service=SERVICE,
    )


def _check_owed(fee: Fee) -> None:
    if fee.status == FeeStatus.VOID:
        raise FeeVoid
    if fee.status != FeeStatus.OWED:
        raise FeePaid


def _confirmation(fee: Fee) -> Fulfilment:
    assert fee.booked_at is not None
    return Fulfilment(str(fee.id), fee.booked_at)


def _tasks_of(uow: UnitOfWork, application_id: UUID) -> Iterable[Task]:
    return uow.scalars(select(Task).where(Task.application_id == application_id)).all()
