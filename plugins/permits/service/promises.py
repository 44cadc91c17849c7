"""Promises to hand something in later that were not kept: the case goes back to its citizen."""

from sqlalchemy import select

from app.sdk import House, now
from plugins.permits.models import Application, Undertaking
from plugins.permits.service.applications import lapse_application
from plugins.permits.values.applications import ENDED, ApplicationStatus
from plugins.permits.values.materials import UndertakingStatus

_BATCH = 50
_MAY_LAPSE = frozenset(
    {
        ApplicationStatus.SUBMITTED,
        ApplicationStatus.SUPPLEMENT_REQUIRED,
        ApplicationStatus.IN_PROGRESS,
    }
)


def return_broken(house: House) -> None:
    """Return each case of which something promised has not come in its time, a bounded number.

    Safe to run again, and beside another worker. What is decided already stays decided.
    """
    with house.unit_of_work() as uow:
        late = select(Undertaking.id, Undertaking.application_id).where(
            Undertaking.status == UndertakingStatus.GIVEN, Undertaking.due_at < now()
        )
        rows = uow.execute(late.order_by(Undertaking.due_at).limit(_BATCH)).all()
    for undertaking_id, application_id in rows:
        with house.unit_of_work() as uow:
            application = uow.lock(Application, application_id)
            promise = uow.lock(Undertaking, undertaking_id)
            if promise.status != UndertakingStatus.GIVEN:
                continue
            if application.status in ENDED:
                uow.move(promise, UndertakingStatus.ENDED, cause="application-ended")
                continue
            uow.move(promise, UndertakingStatus.BROKEN, cause="not-handed-in")
            if application.status in _MAY_LAPSE:
                lapse_application(house, uow, application)
