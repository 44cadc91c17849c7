"""A copy of everything that is kept about a citizen: asked for, gathered, read, forgotten."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import city_date, now
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.identity import service as identity
from app.identity.service.vault import vault_of
from app.notifications import service as notifications
from app.privacy.errors import ExportIncomplete, ExportNotFound, ExportNotReady, TooManyExports
from app.privacy.events import DataExported, ExportRequested
from app.privacy.models import EXPORTS_A_DAY, Export, ExportPart
from app.privacy.service.deps import PrivacyDeps
from app.privacy.service.rows import read_rows
from app.privacy.values import ExportContent, ExportStatus, ExportView

KEPT = timedelta(days=7)
GIVEN_UP = timedelta(days=2)


def request_export(uow: UnitOfWork, deps: PrivacyDeps, citizen_id: UUID) -> ExportView:
    """Ask for a copy of a citizen's data; a job gathers it.

    Three a city day: raise `TooManyExports` for a fourth, also in parallel.
    """
    identity.lock_citizen(uow, citizen_id)
    moment = now()
    day = date.fromisoformat(city_date(moment))
    number = uow.scalars(
        select(func.count()).where(Export.citizen_id == citizen_id, Export.day == day)
    ).one()
    if number >= EXPORTS_A_DAY:
        raise TooManyExports
    export = Export(
        id=new_id(),
        citizen_id=citizen_id,
        day=day,
        number=number + 1,
        status=ExportStatus.REQUESTED,
        requested_at=moment,
    )
    uow.open_record(export, cause="citizen")
    uow.emit(ExportRequested(export_id=export.id))
    uow.flush()
    return _view(uow, deps, export)


def gather_export(uow: UnitOfWork, deps: PrivacyDeps, asked: ExportRequested) -> None:
    """Gather a copy: each plug-in's part, then the house's, sealed with the citizen's own key.

    Parts that were given are kept, so a repeat asks the others only. Raise `ExportIncomplete` to
    be called again while a plug-in does not answer.
    """
    with uow.phase():
        export = uow.get(Export, asked.export_id)
        if export is None or export.status != ExportStatus.REQUESTED:
            return
        missing = _missing(uow, deps, export)
    failed = [name for name in missing if not _gather_part(uow, deps, export, name)]
    if failed:
        raise ExportIncomplete(f"Not given: {', '.join(failed)}.")
    _finish(uow, deps, export.id)


def _missing(uow: UnitOfWork, deps: PrivacyDeps, export: Export) -> list[str]:
    given = set(uow.scalars(select(ExportPart.plugin).where(ExportPart.export_id == export.id)))
    return sorted(deps.plugins.keys() - given)


def _gather_part(uow: UnitOfWork, deps: PrivacyDeps, export: Export, plugin: str) -> bool:
    """Ask one plug-in for its part, with no transaction open; say whether it gave it."""
    provider = deps.plugins.get(plugin)
    if provider is None:
        return False
    try:
        content = provider.export(deps.citizen_of(plugin, export.citizen_id))
    except Unavailable:
        return False
    with uow.phase():
        vault = vault_of(uow, deps.keyring, export.citizen_id)
        packed = orjson.dumps(content).decode()
        place = f"content|{plugin}"
        uow.execute(
            insert(ExportPart)
            .values(
                export_id=export.id,
                plugin=plugin,
                content_sealed=vault.seal(packed, "export_parts", place, export.id),
                given_at=now(),
            )
            .on_conflict_do_nothing()
        )
    return True


def _finish(uow: UnitOfWork, deps: PrivacyDeps, export_id: UUID) -> None:
    export = _locked(uow, export_id)
    if export is None or export.status != ExportStatus.REQUESTED:
        return
    vault = vault_of(uow, deps.keyring, export.citizen_id)
    parts = uow.scalars(
        select(ExportPart).where(ExportPart.export_id == export_id).order_by(ExportPart.plugin)
    )
    moment = now()
    content = {
        "generated_at": moment.isoformat(),
        "house": read_rows(uow, deps.keyring, vault, deps.inventory, export.citizen_id),
        "plugins": {
            part.plugin: orjson.loads(
                vault.open(part.content_sealed, "export_parts", f"content|{part.plugin}", export_id)
            )
            for part in parts
        },
    }
    packed = orjson.dumps(content).decode()
    export.content_sealed = vault.seal(packed, "exports", "content", export_id)
    export.ready_at = moment
    export.expires_at = moment + KEPT
    uow.move(export, ExportStatus.READY, cause="gathered")
    uow.execute(delete(ExportPart).where(ExportPart.export_id == export_id))
    notifications.tell(
        uow, export.citizen_id, "export-ready", str(export_id), {"at": export.expires_at}
    )


def _locked(uow: UnitOfWork, export_id: UUID) -> Export | None:
    return uow.scalar(
        select(Export)
        .where(Export.id == export_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def list_exports(
    uow: UnitOfWork, deps: PrivacyDeps, citizen_id: UUID, page: PageRequest
) -> Page[ExportView]:
    """Return the copies that a citizen has asked for, newest first."""
    found = fetch_page(
        uow,
        select(Export).where(Export.citizen_id == citizen_id),
        (Export.requested_at, Export.id),
        page,
        descending=True,
    )
    return Page([_view(uow, deps, export) for export in found.items], found.next_cursor)


def read_export(
    uow: UnitOfWork, deps: PrivacyDeps, citizen_id: UUID, export_id: UUID
) -> ExportView:
    """Return how a citizen's copy stands, or raise `ExportNotFound`."""
    return _view(uow, deps, _own(uow, citizen_id, export_id))


def read_export_content(
    uow: UnitOfWork, deps: PrivacyDeps, citizen_id: UUID, export_id: UUID
) -> ExportContent:
    """Return a copy itself. Raise `ExportNotReady` before it is gathered and after seven days."""
    export = _own(uow, citizen_id, export_id)
    is_over = export.expires_at is not None and export.expires_at <= now()
    if export.content_sealed is None or is_over:
        raise ExportNotReady(export_status=_status(export))
    vault = vault_of(uow, deps.keyring, citizen_id)
    content: dict[str, Any] = orjson.loads(
        vault.open(export.content_sealed, "exports", "content", export_id)
    )
    uow.record(DataExported(subject=citizen_id, export_id=export_id))
    assert export.ready_at is not None
    plugins: Mapping[str, Mapping[str, object]] = content["plugins"]
    return ExportContent(citizen_id, export.ready_at, content["house"], plugins)


def _own(uow: UnitOfWork, citizen_id: UUID, export_id: UUID) -> Export:
    export = uow.scalar(
        select(Export).where(Export.id == export_id, Export.citizen_id == citizen_id)
    )
    if export is None:
        raise ExportNotFound
    return export


def _status(export: Export) -> str:
    if export.status == ExportStatus.READY and export.expires_at and export.expires_at <= now():
        return ExportStatus.EXPIRED
    return export.status


def _view(uow: UnitOfWork, deps: PrivacyDeps, export: Export) -> ExportView:
    is_waiting = export.status == ExportStatus.REQUESTED
    return ExportView(
        id=export.id,
        status=_status(export),
        requested_at=export.requested_at,
        ready_at=export.ready_at,
        expires_at=export.expires_at,
        missing=_missing(uow, deps, export) if is_waiting else [],
    )


def forget_exports(uow: UnitOfWork) -> None:
    """Remove copies whose seven days are over, and give up those that nobody could gather."""
    moment = now()
    over = uow.scalars(
        select(Export)
        .where(Export.status == ExportStatus.READY, Export.expires_at <= moment)
        .with_for_update(skip_locked=True)
    )
    for export in over.all():
        export.content_sealed = None
        uow.move(export, ExportStatus.EXPIRED, cause="expiry")
    stuck = uow.scalars(
        select(Export)
        .where(Export.status == ExportStatus.REQUESTED, Export.requested_at <= moment - GIVEN_UP)
        .with_for_update(skip_locked=True)
    )
    for export in stuck.all():
        uow.move(export, ExportStatus.FAILED, cause="plug-ins did not answer")
        uow.execute(delete(ExportPart).where(ExportPart.export_id == export.id))
