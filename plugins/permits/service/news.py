"""What citizens and integrators are told of an application: how it goes, and no officer's name."""

from collections.abc import Mapping

from app.sdk import ApplicationStep, House, UnitOfWork, now
from plugins.permits.models import Application
from plugins.permits.service.bundles import find_bundle

# What a citizen has done themselves is no news to them; a part is told by its own title.
_NOTICES: Mapping[ApplicationStep, str] = {
    ApplicationStep.ACCEPTED: "permit-accepted",
    ApplicationStep.RETURNED: "permit-returned",
    ApplicationStep.DECIDED: "permit-decided",
    ApplicationStep.COMPLETED: "permit-ended",
    ApplicationStep.REFUSED: "permit-ended",
    ApplicationStep.LAPSED: "permit-ended",
}


def announce(
    house: House, uow: UnitOfWork, application: Application, step: ApplicationStep, part: str = ""
) -> None:
    """Announce a step of an application that was submitted and whose citizen was not erased.

    Integrators that follow the service hear of every step, the citizen of what others have done.
    """
    if application.submitted_at is None or not application.letterbox:
        return
    bundle = find_bundle(application.bundle, application.bundle_version)
    reference = str(application.id)
    house.announce(uow, application.letterbox, bundle.service, reference, step, part=part)
    kind = _NOTICES.get(step)
    if kind is None:
        return
    params = {"bundle_zh": bundle.title["zh"], "bundle_en": bundle.title["en"]}
    if step is ApplicationStep.DECIDED:
        title = bundle.task(part).title
        params |= {"task_zh": title["zh"], "task_en": title["en"]}
    # Everything else happens once; a supplement can be asked for again, and is told again.
    again = now().isoformat() if step is ApplicationStep.RETURNED else ""
    subject = f"{reference}-{part or step}-{again}"
    house.tell(uow, application.letterbox, kind, subject, **params)
