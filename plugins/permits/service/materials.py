"""Files of an application: in versions that never change, sealed, of a kind that their bytes say.

Whoever adds a file has locked the citizen and the application, so that no quota is ever exceeded.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import House, UnitOfWork, new_id, now
from plugins.permits.errors import (
    FileTooLarge,
    MaterialFileNotFound,
    MaterialNotFound,
    MaterialQuotaExceeded,
)
from plugins.permits.models import (
    Application,
    Decision,
    DecisionMaterial,
    MaterialCertificate,
    MaterialContent,
    MaterialFile,
    Task,
    Undertaking,
)
from plugins.permits.service.answers import materials_for
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.file_kinds import kind_of
from plugins.permits.service.moves import move_task
from plugins.permits.service.sealing import unseal, unseal_values
from plugins.permits.values import materials as limits
from plugins.permits.values.bundles import Answer, Bundle, MaterialTemplate, TaskTemplate
from plugins.permits.values.materials import (
    MEDIA_TYPES,
    Download,
    FileKind,
    MaterialFileView,
    MaterialState,
    MaterialView,
    NewFile,
    UndertakingStatus,
    UploadedBy,
)
from plugins.permits.values.tasks import TaskStatus

_WORKED_AT = frozenset({TaskStatus.CLAIMED, TaskStatus.IN_REVIEW, TaskStatus.PROPOSED})
"""The states from which a proposal or decision may come; into these every other one moves first."""
_SHOWN_NAME = 80
_CONTENTS = "material_contents"


def missing_materials(
    bundle: Bundle, answers: Mapping[str, Answer], held: Collection[str]
) -> tuple[MaterialTemplate, ...]:
    """Return the required materials of these answers that are not among those held."""
    return tuple(
        material
        for material in materials_for(bundle, answers)
        if material.required and material.id not in held
    )


def template_in(application: Application, material_id: str) -> MaterialTemplate:
    """Return a material of the bundle of an application, or raise `MaterialNotFound`."""
    bundle = find_bundle(application.bundle, application.bundle_version)
    for material in bundle.materials:
        if material.id == material_id:
            return material
    raise MaterialNotFound


def lock_files_of(uow: UnitOfWork, citizen_reference: str) -> None:
    """Let one file of a citizen be added after the other; call it before locking an application."""
    key = func.hashtextextended(f"permits-files|{citizen_reference}", 0)
    uow.execute(select(func.pg_advisory_xact_lock(key)))


def add_file(
    house: House,
    uow: UnitOfWork,
    application: Application,
    material: MaterialTemplate,
    new: NewFile,
    officer: UUID | None = None,
) -> MaterialFileView:
    """Add a version of a material to an application; citizen and application are locked.

    The bytes of the newest version once more are that version. Whoever works at a task that needs
    the material has an old version of the task then, and reads it anew. Raise `FileNotTaken`,
    `FileTooLarge` and `MaterialQuotaExceeded`.
    """
    if len(new.content) > limits.MOST_BYTES:
        raise FileTooLarge(most=limits.MOST_BYTES)
    kind, digest = kind_of(new.content), sha256(new.content).digest()
    newest = latest_files(uow, application.id).get(material.id)
    if newest is not None and newest.digest == digest:
        return show_file(house, uow, newest)
    _check_quota(uow, application, len(new.content))
    file_id = new_id()
    row = MaterialFile(
        id=file_id,
        application_id=application.id,
        material=material.id,
        number=1 if newest is None else newest.number + 1,
        kind=kind,
        size=len(new.content),
        digest=digest,
        uploaded_by=UploadedBy.OFFICER if officer else UploadedBy.CITIZEN,
        officer=officer,
        uploaded_at=now(),
    )
    uow.add(row)
    uow.flush()
    name = shown_name(new.name, kind)
    content = MaterialContent(
        file_id=file_id,
        name_sealed=house.vault.seal(name, place=f"{_CONTENTS}|name|{file_id}"),
        content_sealed=house.vault.seal_bytes(new.content, place=f"{_CONTENTS}|content|{file_id}"),
    )
    uow.add(content)
    uow.flush()
    _keep_promise(uow, application, material)
    _note_in_tasks(uow, application, material, row)
    return show_file(house, uow, row)


def list_materials(house: House, uow: UnitOfWork, application: Application) -> list[MaterialView]:
    """Return the materials that the answers of an application ask for, with all their versions."""
    bundle = find_bundle(application.bundle, application.bundle_version)
    answers = unseal_values(
        house, "applications", "answers", application.id, application.answers_sealed
    )
    return show_materials(house, uow, application, materials_for(bundle, answers))


def show_materials(
    house: House,
    uow: UnitOfWork,
    application: Application,
    templates: Sequence[MaterialTemplate],
) -> list[MaterialView]:
    """Return materials of an application as they are shown, in a handful of statements."""
    of_it = MaterialFile.application_id == application.id
    rows = uow.scalars(select(MaterialFile).where(of_it).order_by(MaterialFile.number)).all()
    ids = [row.id for row in rows]
    contents = uow.execute(
        select(MaterialContent.file_id, MaterialContent.name_sealed).where(
            MaterialContent.file_id.in_(ids)
        )
    )
    names = {row.file_id: row.name_sealed for row in contents}
    seen: dict[UUID, list[str]] = {}
    stages = (
        select(DecisionMaterial.file_id, Decision.stage)
        .join(Decision, Decision.id == DecisionMaterial.decision_id)
        .where(DecisionMaterial.file_id.in_(ids))
        .order_by(Decision.made_at, Decision.id)
    )
    for file_id, stage in uow.execute(stages):
        seen.setdefault(file_id, []).append(stage)
    certificates = certificates_of(uow, application.id)
    promises = {row.material: row for row in undertakings_of(uow, application.id)}
    views = []
    for template in templates:
        files = [
            _show(house, row, names.get(row.id), tuple(dict.fromkeys(seen.get(row.id, []))))
            for row in rows
            if row.material == template.id
        ]
        promise = promises.get(template.id)
        is_promised = promise is not None and promise.status == UndertakingStatus.GIVEN
        certificate = certificates.get(template.id)
        views.append(
            MaterialView(
                id=template.id,
                title=template.title,
                required=template.required,
                state=_state(files, certificate, is_promised=is_promised),
                deferrable_days=template.deferrable_days,
                due_at=promise.due_at if promise is not None and is_promised else None,
                certificate_type=template.certificate,
                certificate=certificate,
                files=files,
            )
        )
    return views


def read_file(
    house: House, uow: UnitOfWork, application: Application, file_id: UUID, of: Collection[str]
) -> Download:
    """Return a file of an application that is of one of these materials.

    Raise `MaterialFileNotFound`, also for one that was erased; what is given out has the SHA-256
    that was kept when it came.
    """
    row = uow.get(MaterialFile, file_id)
    if row is None or row.application_id != application.id or row.material not in of:
        raise MaterialFileNotFound
    content = uow.get(MaterialContent, file_id)
    if content is None:
        raise MaterialFileNotFound
    place = f"{_CONTENTS}|content|{file_id}"
    plain = house.vault.unseal_bytes(content.content_sealed, place=place)
    if sha256(plain).digest() != row.digest:
        raise ValueError("a file is not what was handed in")
    kind = FileKind(row.kind)
    return Download(f"{row.material}-v{row.number}.{kind}", MEDIA_TYPES[kind], plain)


def latest_files(uow: UnitOfWork, application_id: UUID) -> Mapping[str, MaterialFile]:
    """Return the newest version of each material that was handed in."""
    rows = uow.scalars(
        select(MaterialFile)
        .where(MaterialFile.application_id == application_id)
        .order_by(MaterialFile.number)
    )
    return {row.material: row for row in rows}


def keep_seen(
    uow: UnitOfWork, application: Application, template: TaskTemplate, decision_id: UUID
) -> None:
    """Keep with which versions a proposal or decision was made: the newest that its task needs."""
    newest = latest_files(uow, application.id)
    seen = [newest[material].id for material in template.materials if material in newest]
    if seen:
        rows = [{"decision_id": decision_id, "file_id": file_id} for file_id in seen]
        uow.execute(insert(DecisionMaterial).values(rows))


def undertakings_of(uow: UnitOfWork, application_id: UUID) -> Sequence[Undertaking]:
    """Return what a citizen has promised to hand in later."""
    mine = select(Undertaking).where(Undertaking.application_id == application_id)
    return uow.scalars(mine.order_by(Undertaking.material)).all()


def list_files(house: House, uow: UnitOfWork, application_id: UUID) -> list[MaterialFileView]:
    """Return every version of every material of an application, the first one first."""
    mine = (
        select(MaterialFile, MaterialContent.name_sealed)
        .outerjoin(MaterialContent, MaterialContent.file_id == MaterialFile.id)
        .where(MaterialFile.application_id == application_id)
        .order_by(MaterialFile.uploaded_at, MaterialFile.id)
    )
    return [_show(house, row, name, ()) for row, name in uow.execute(mine)]


def certificates_of(uow: UnitOfWork, application_id: UUID) -> Mapping[str, str]:
    """Return the numbers of the certificates that stand for materials of an application."""
    return {row.material: row.certificate for row in _certificates(uow, application_id)}


def forget_files(uow: UnitOfWork, application_id: UUID) -> None:
    """Forget what was handed in with an application; that something was, and its SHA-256, stays."""
    files = select(MaterialFile.id).where(MaterialFile.application_id == application_id)
    uow.execute(delete(MaterialContent).where(MaterialContent.file_id.in_(files)))
    mine = MaterialCertificate.application_id == application_id
    uow.execute(delete(MaterialCertificate).where(mine))


def shown_name(name: str, kind: FileKind) -> str:
    """Return what a file is called where people read it: no path, and the ending of its kind."""
    last = re.split(r"[/\\]", name)[-1]
    stem = last.rpartition(".")[0] or last
    kept = "".join(c for c in stem if c.isprintable() and c not in '<>:"|?*').strip(" .")
    return f"{kept[:_SHOWN_NAME] or 'file'}.{kind}"


def show_file(house: House, uow: UnitOfWork, row: MaterialFile) -> MaterialFileView:
    """Return a version as it is shown."""
    name = uow.scalar(select(MaterialContent.name_sealed).where(MaterialContent.file_id == row.id))
    return _show(house, row, name, ())


def _show(
    house: House, row: MaterialFile, name: bytes | None, seen_in: Sequence[str]
) -> MaterialFileView:
    return MaterialFileView(
        id=row.id,
        material_id=row.material,
        version=row.number,
        kind=row.kind,
        size=row.size,
        sha256=row.digest.hex(),
        name=unseal(house, _CONTENTS, "name", row.id, name),
        uploaded_by=row.uploaded_by,
        uploaded_at=row.uploaded_at,
        seen_in=seen_in,
    )


def _state(
    files: Sequence[MaterialFileView], certificate: str | None, *, is_promised: bool
) -> MaterialState:
    if files:
        return MaterialState.HANDED_IN
    if certificate is not None:
        return MaterialState.CERTIFICATE
    return MaterialState.UNDERTAKEN if is_promised else MaterialState.MISSING


def _certificates(uow: UnitOfWork, application_id: UUID) -> Sequence[MaterialCertificate]:
    mine = MaterialCertificate.application_id == application_id
    return uow.scalars(select(MaterialCertificate).where(mine)).all()


def _check_quota(uow: UnitOfWork, application: Application, size: int) -> None:
    counted = select(func.count(), func.coalesce(func.sum(MaterialFile.size), 0))
    here = MaterialFile.application_id == application.id
    count, total = uow.execute(counted.where(here)).one()
    if count >= limits.MOST_FILES or total + size > limits.MOST_IN_APPLICATION:
        raise MaterialQuotaExceeded(
            most_files=limits.MOST_FILES, most_bytes=limits.MOST_IN_APPLICATION
        )
    theirs = select(Application.id).where(
        Application.citizen_reference == application.citizen_reference
    )
    _, all_of_it = uow.execute(counted.where(MaterialFile.application_id.in_(theirs))).one()
    if all_of_it + size > limits.MOST_OF_CITIZEN:
        raise MaterialQuotaExceeded(most_bytes=limits.MOST_OF_CITIZEN)


def _keep_promise(uow: UnitOfWork, application: Application, material: MaterialTemplate) -> None:
    promise = uow.scalar(
        select(Undertaking)
        .where(Undertaking.application_id == application.id, Undertaking.material == material.id)
        .with_for_update()
    )
    if promise is not None and promise.status == UndertakingStatus.GIVEN:
        uow.move(promise, UndertakingStatus.KEPT, cause="handed-in")


def _note_in_tasks(
    uow: UnitOfWork, application: Application, material: MaterialTemplate, row: MaterialFile
) -> None:
    """Let whoever works at a task that needs a material know that there is a newer version."""
    bundle = find_bundle(application.bundle, application.bundle_version)
    needing = [task.id for task in bundle.tasks if material.id in task.materials]
    tasks = uow.scalars(
        select(Task)
        .where(
            Task.application_id == application.id,
            Task.template.in_(needing),
            Task.status.in_(_WORKED_AT),
        )
        .order_by(Task.id)
        .with_for_update()
    ).all()
    for task in tasks:
        here = TaskStatus(task.status)
        move_task(uow, task, here, "material-added", material=material.id, number=row.number)
