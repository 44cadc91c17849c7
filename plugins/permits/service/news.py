"""What citizens and integrators are told of an application: how it goes, and no officer's name."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from app.sdk import CITY_TIME, ApplicationStep, House, UnitOfWork, now
from plugins.permits.models import Application
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.winding import Wound
from plugins.permits.values.applications import AcceptanceReason
from plugins.permits.values.bundles import Deemed, Title
from plugins.permits.values.clock import Alarm
from plugins.permits.values.fees import NOT_PAID
from plugins.permits.values.tasks import TaskStatus

# What a citizen has done themselves is no news to them; a part is told by its own title.
_NOTICES: Mapping[ApplicationStep, str] = {
    ApplicationStep.ACCEPTED: "permit-accepted",
    ApplicationStep.RETURNED: "permit-returned",
    ApplicationStep.DECIDED: "permit-decided",
    ApplicationStep.COMPLETED: "permit-ended",
    ApplicationStep.REFUSED: "permit-ended",
    ApplicationStep.LAPSED: "permit-ended",
}
# The first warning is the department's alone: nothing has happened to the citizen yet.
_ALARMS: Mapping[Alarm, str] = {
    Alarm.LAST_WARNING: "permit-silence-near",
    Alarm.OVERDUE: "permit-late",
}
_INTAKE: Title = {"zh": "受理审查", "en": "Intake"}
_SILENCE: Mapping[Deemed, Title] = {
    Deemed.APPROVED: {"zh": "视为同意", "en": "approved"},
    Deemed.REFUSED: {"zh": "视为不予同意", "en": "refused"},
}
_DEEMED: Mapping[str, Deemed] = {
    TaskStatus.DEEMED_APPROVED: Deemed.APPROVED,
    TaskStatus.DEEMED_REFUSED: Deemed.REFUSED,
}
_REASONS = {NOT_PAID: "permit-fee-not-paid"}
"""What is told of an end that has a reason of its own."""


def announce(
    house: House,
    uow: UnitOfWork,
    application: Application,
    step: ApplicationStep,
    part: str = "",
    *,
    outcome: str = "",
) -> None:
    """Announce a step of an application that was submitted and whose citizen was not erased.

    Integrators that follow the service hear of every step, the citizen of what others have done.
    `outcome` is how a part was decided: a citizen is told in other words what silence decided.
    """
    if application.submitted_at is None or not application.letterbox:
        return
    bundle = find_bundle(application.bundle, application.bundle_version)
    reference = str(application.id)
    house.announce(uow, application.letterbox, bundle.service, reference, step, part=part)
    kind = _REASONS.get(application.reason or "") or _NOTICES.get(step)
    if kind is None:
        return
    params = _said("bundle", bundle.title)
    if step is ApplicationStep.ACCEPTED and application.reason == AcceptanceReason.NOT_TOLD:
        kind = "permit-accepted-by-silence"
        params["received_on"] = application.submitted_at.astimezone(CITY_TIME).date()
    if step is ApplicationStep.DECIDED:
        params |= _said("task", bundle.task(part).title)
        if outcome in _DEEMED:
            kind = "permit-deemed"
            params |= _said("outcome", _SILENCE[_DEEMED[outcome]])
    # Everything else happens once; a supplement can be asked for again, and is told again.
    again = now().isoformat() if step is ApplicationStep.RETURNED else ""
    subject = f"{reference}-{part or step}-{again}"
    house.tell(uow, application.letterbox, kind, subject, **params)


def tell_alarm(
    house: House, uow: UnitOfWork, wound: Wound, alarm_id: UUID, kind: Alarm, due_at: datetime
) -> None:
    """Tell the citizen that a part is late, or that silence will decide it soon; once an alarm.

    Where silence decides that is told, and not besides that the part is late; and only there.
    """
    application, notice = wound.application, _ALARMS.get(kind)
    is_late, is_decided = kind is Alarm.OVERDUE, wound.deemed is not None
    if notice is None or is_late is is_decided or not application.letterbox:
        return
    bundle = find_bundle(application.bundle, application.bundle_version)
    part = _INTAKE if wound.task is None else bundle.task(wound.task.template).title
    params = _said("bundle", bundle.title) | _said("task", part)
    if wound.deemed is not None:
        params |= _said("outcome", _SILENCE[wound.deemed])
    house.tell(uow, application.letterbox, notice, str(alarm_id), due_at=due_at, **params)


def _said(name: str, title: Title) -> dict[str, str | date]:
    return {f"{name}_zh": title["zh"], f"{name}_en": title["en"]}
