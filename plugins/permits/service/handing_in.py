"""Handing in: by the citizen and at the desk, by a certificate of the city's, or by a promise."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import House, UnitOfWork, new_id, now
from plugins.permits.errors import (
    CertificateNotHeld,
    MaterialNotDeferrable,
    MaterialsClosed,
    PermitApplicationNotFound,
)
from plugins.permits.events import PermitFileRead
from plugins.permits.models import (
    Application,
    MaterialCertificate,
    Supplement,
    Undertaking,
)
from plugins.permits.service.bundles import find_bundle, list_bundles
from plugins.permits.service.completeness import held_certificates
from plugins.permits.service.materials import (
    add_file,
    list_materials,
    lock_files_of,
    read_file,
    show_materials,
    template_in,
    undertakings_of,
)
from plugins.permits.service.seats import take_place
from plugins.permits.service.tasks import check_held, find_task, lock_task, template_of
from plugins.permits.values.applications import ENDED, ApplicationStatus
from plugins.permits.values.bundles import MaterialTemplate
from plugins.permits.values.materials import (
    Download,
    MaterialFileView,
    MaterialView,
    NewFile,
    UndertakingStatus,
)
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import Caller, SupplementStatus

_ANY_SEAT = tuple(SeatRole)


def list_my_materials(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    services: Collection[str],
) -> list[MaterialView]:
    """Return the materials of one of a citizen's applications.

    Raise `PermitApplicationNotFound`.
    """
    return list_materials(house, uow, _mine(uow, citizen_reference, application_id, services))


def read_my_file(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    file_id: UUID,
    services: Collection[str],
) -> Download:
    """Return a file of one of a citizen's applications.

    Raise `PermitApplicationNotFound` or `MaterialFileNotFound`.
    """
    application = _mine(uow, citizen_reference, application_id, services)
    return read_file(house, uow, application, file_id, _all_of(application))


def hand_in(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    material_id: str,
    new: NewFile,
    services: Collection[str],
) -> MaterialFileView:
    """Add a version of a material to one's own application, as `add_file` does.

    While it is a draft, is asked for, or was promised; else raise `MaterialsClosed`.
    """
    lock_files_of(uow, citizen_reference)
    application = _mine(uow, citizen_reference, application_id, services, locked=True)
    material = template_in(application, material_id)
    if not _is_open(uow, application, material):
        raise MaterialsClosed
    return add_file(house, uow, application, material, new)


def use_certificate(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    material_id: str,
    services: Collection[str],
) -> list[MaterialView]:
    """Let a certificate that the city holds for the citizen stand in the place of a material.

    Raise `CertificateNotHeld` where there is none that holds now, or none can stand for it.
    """
    application = _mine(uow, citizen_reference, application_id, services, locked=True)
    material = template_in(application, material_id)
    if not _is_open(uow, application, material):
        raise MaterialsClosed
    numbers = held_certificates(house, uow, application, material)
    if not numbers:
        raise CertificateNotHeld
    row = {"certificate": numbers[0], "found_at": now()}
    statement = insert(MaterialCertificate).values(
        application_id=application.id, material=material.id, **row
    )
    uow.execute(
        statement.on_conflict_do_update(index_elements=["application_id", "material"], set_=row)
    )
    return list_materials(house, uow, application)


def undertake(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    material_ids: Collection[str],
    services: Collection[str],
) -> list[MaterialView]:
    """Promise to hand materials in within the days that each allows after the submission (容缺).

    Signed by whoever calls, all or none, once: the same promise again is the same. Raise
    `MaterialNotDeferrable` for what must be there, and `MaterialsClosed` after the submission.
    """
    application = _mine(uow, citizen_reference, application_id, services, locked=True)
    if application.status != ApplicationStatus.DRAFT:
        raise MaterialsClosed
    promised = {row.material for row in undertakings_of(uow, application.id)}
    for material_id in sorted(set(material_ids) - promised):
        days = template_in(application, material_id).deferrable_days
        if days is None:
            raise MaterialNotDeferrable(material=material_id)
        row = Undertaking(
            id=new_id(),
            status=UndertakingStatus.GIVEN,
            application_id=application.id,
            material=material_id,
            working_days=days,
        )
        uow.open_record(row, cause="citizen", material=material_id, working_days=days)
    uow.flush()
    return list_materials(house, uow, application)


def list_task_materials(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID
) -> list[MaterialView]:
    """Return the materials that a task of the caller's department needs, in all versions."""
    application, wanted = _at_task(uow, caller, task_id)
    bundle = find_bundle(application.bundle, application.bundle_version)
    templates = [material for material in bundle.materials if material.id in wanted]
    return show_materials(house, uow, application, templates)


def read_task_file(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, file_id: UUID
) -> Download:
    """Return a file that a task of the caller's department needs; the trail knows."""
    application, wanted = _at_task(uow, caller, task_id)
    found = read_file(house, uow, application, file_id, wanted)
    uow.record(PermitFileRead(file_id=file_id, officer=caller.staff_id))
    return found


def hand_in_at_desk(
    house: House, uow: UnitOfWork, caller: Caller, task_id: UUID, material_id: str, new: NewFile
) -> MaterialFileView:
    """Add what was handed in over the counter to a task that the caller holds, as `add_file` does.

    Raise `MaterialNotFound` for what the task does not need.
    """
    take_place(uow, caller, SeatRole.CLERK)
    application, wanted = _at_task(uow, caller, task_id)
    if application.citizen_reference is None:
        raise MaterialsClosed
    lock_files_of(uow, application.citizen_reference)
    application = uow.lock(Application, application.id)
    task = lock_task(uow, caller, task_id)
    check_held(task, caller)
    material = template_in(application, material_id if material_id in wanted else "")
    return add_file(house, uow, application, material, new, officer=caller.staff_id)


def list_desk_materials(
    house: House, uow: UnitOfWork, caller: Caller, application_id: UUID
) -> list[MaterialView]:
    """Return the materials of an application to the department that leads it."""
    return list_materials(house, uow, _led(uow, caller, application_id))


def read_desk_file(
    house: House, uow: UnitOfWork, caller: Caller, application_id: UUID, file_id: UUID
) -> Download:
    """Return a file of an application to the department that leads it; the trail knows."""
    application = _led(uow, caller, application_id)
    found = read_file(house, uow, application, file_id, _all_of(application))
    uow.record(PermitFileRead(file_id=file_id, officer=caller.staff_id))
    return found


def _mine(
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    services: Collection[str],
    *,
    locked: bool = False,
) -> Application:
    bundles = [bundle.id for bundle in list_bundles() if bundle.service in services]
    statement = select(Application).where(
        Application.id == application_id,
        Application.citizen_reference == citizen_reference,
        Application.bundle.in_(bundles),
    )
    found: Application | None = uow.scalar(
        (statement.with_for_update() if locked else statement).execution_options(
            populate_existing=True
        )
    )
    if found is None:
        raise PermitApplicationNotFound
    return found


def _led(uow: UnitOfWork, caller: Caller, application_id: UUID) -> Application:
    take_place(uow, caller, *_ANY_SEAT)
    found: Application | None = uow.scalar(
        select(Application).where(
            Application.id == application_id,
            Application.lead == caller.department,
            Application.submitted_at.is_not(None),
        )
    )
    if found is None:
        raise PermitApplicationNotFound
    return found


def _at_task(uow: UnitOfWork, caller: Caller, task_id: UUID) -> tuple[Application, tuple[str, ...]]:
    """Return the application of a task of the caller's department, and the materials it needs."""
    take_place(uow, caller, *_ANY_SEAT)
    task = find_task(uow, caller, task_id)
    application = uow.get_one(Application, task.application_id)
    return application, tuple(template_of(application, task).materials)


def _all_of(application: Application) -> list[str]:
    bundle = find_bundle(application.bundle, application.bundle_version)
    return [material.id for material in bundle.materials]


def _is_open(uow: UnitOfWork, application: Application, material: MaterialTemplate) -> bool:
    """Say whether a citizen may hand a material in now."""
    if application.status == ApplicationStatus.DRAFT:
        return True
    if application.status in ENDED:
        return False
    asked = uow.scalars(
        select(Supplement).where(
            Supplement.application_id == application.id,
            Supplement.status == SupplementStatus.ASKED,
        )
    ).all()
    if any(material.id in one.materials for one in asked):
        return True
    return any(
        row.material == material.id and row.status == UndertakingStatus.GIVEN
        for row in undertakings_of(uow, application.id)
    )
