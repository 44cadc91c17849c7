"""What integrators that follow a service are told of an application: how it goes, and no name."""

from app.sdk import ApplicationStep, House, UnitOfWork
from plugins.permits.models import Application
from plugins.permits.service.bundles import find_bundle


def announce(
    house: House, uow: UnitOfWork, application: Application, step: ApplicationStep, part: str = ""
) -> None:
    """Announce a step of an application that was submitted and whose citizen was not erased."""
    if application.submitted_at is None or not application.letterbox:
        return
    service = find_bundle(application.bundle, application.bundle_version).service
    house.announce(uow, application.letterbox, service, str(application.id), step, part=part)
