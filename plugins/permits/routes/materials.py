"""`/v1/permits/…/materials`: files of applications, by citizens and at the desk."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.sdk import Page, citizen, request_unit
from plugins.permits import service
from plugins.permits.routes.common import (
    CREATED,
    DESK,
    blueprint,
    caller,
    house_of,
    visible,
)
from plugins.permits.schemas.materials import (
    PermitFileArgs,
    PermitFileSchema,
    PermitMaterialSchema,
    PermitUndertakingSchema,
)
from plugins.permits.values.materials import (
    MEDIA_TYPES,
    MOST_BYTES,
    Download,
    MaterialFileView,
    MaterialView,
    NewFile,
)

_MINE = "/applications/<uuid:application_id>"
_TASK = "/desk/tasks/<uuid:task_id>"
_LED = "/desk/applications/<uuid:application_id>"
_TYPES = (*MEDIA_TYPES.values(), "application/octet-stream")
_FILE = {
    "200": {
        "description": "The file",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in MEDIA_TYPES.values()
        },
    }
}
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


def _send(found: Download) -> Response:
    """Answer with a file that no browser opens by itself, keeps, or takes for something else."""
    disposition = f'attachment; filename="{found.name}"'
    headers = {"Content-Disposition": disposition, **_SAFE}
    return Response(found.content, headers=headers, content_type=found.media_type)


@blueprint.route(f"{_MINE}/materials")
class PermitMaterials(MethodView):
    """The materials of one application."""

    @blueprint.acting("view")
    @blueprint.page(PermitMaterialSchema)
    def get(self, application_id: UUID) -> Page[MaterialView]:
        """List the materials of my application."""
        return Page(
            service.list_my_materials(
                house_of(), request_unit(), citizen().reference, application_id, visible()
            )
        )


@blueprint.route(f"{_MINE}/materials/<slug:material_id>/files")
class PermitMaterialFiles(MethodView):
    """The versions of one material."""

    @blueprint.acting("submit")
    @blueprint.raw_body(*_TYPES, max_bytes=MOST_BYTES)
    @blueprint.arguments(PermitFileArgs, location="query")
    @blueprint.response(201, PermitFileSchema)
    def post(
        self, raw: bytes, query: dict[str, Any], application_id: UUID, material_id: str
    ) -> tuple[MaterialFileView, int]:
        """Hand a file in with my application.

        PDF, JPEG, PNG or OFD by what it holds, at most 8 MiB. The same bytes again are the same
        version; others are a further one, and the ones before stay.
        """
        made = service.hand_in(
            house_of(),
            request_unit(),
            citizen().reference,
            application_id,
            material_id,
            NewFile(query["name"], raw),
            visible("submit"),
        )
        return made, CREATED


@blueprint.route(f"{_MINE}/materials/<slug:material_id>/certificate")
class PermitMaterialCertificate(MethodView):
    """A certificate in the place of a material."""

    @blueprint.acting("submit")
    @blueprint.page(PermitMaterialSchema)
    def put(self, application_id: UUID, material_id: str) -> Page[MaterialView]:
        """Let a certificate of mine stand for a material."""
        return Page(
            service.use_certificate(
                house_of(),
                request_unit(),
                citizen().reference,
                application_id,
                material_id,
                visible("submit"),
            )
        )


@blueprint.route(f"{_MINE}/undertaking")
class PermitUndertaking(MethodView):
    """What is promised for later."""

    @blueprint.acting("submit")
    @blueprint.arguments(PermitUndertakingSchema)
    @blueprint.page(PermitMaterialSchema)
    def put(self, body: dict[str, Any], application_id: UUID) -> Page[MaterialView]:
        """Promise to hand materials in later.

        Each within the working days that it allows, from the submission on; what has not come by
        then returns the case.
        """
        return Page(
            service.undertake(
                house_of(),
                request_unit(),
                citizen().reference,
                application_id,
                body["materials"],
                visible("submit"),
            )
        )


@blueprint.route(f"{_MINE}/files/<uuid:file_id>/content")
class PermitFile(MethodView):
    """One file of an application."""

    @blueprint.acting("view")
    @blueprint.doc(responses=_FILE)
    def get(self, application_id: UUID, file_id: UUID) -> Response:
        """Fetch a file of my application."""
        return _send(
            service.read_my_file(
                house_of(),
                request_unit(),
                citizen().reference,
                application_id,
                file_id,
                visible(),
            )
        )


@blueprint.route(f"{_TASK}/materials")
class DeskTaskMaterials(MethodView):
    """What a task needs."""

    @blueprint.staff(DESK)
    @blueprint.page(PermitMaterialSchema)
    def get(self, task_id: UUID) -> Page[MaterialView]:
        """List the materials of a task of my department."""
        return Page(service.list_task_materials(house_of(), request_unit(), caller(), task_id))


@blueprint.route(f"{_TASK}/materials/<slug:material_id>/files")
class DeskTaskMaterialFiles(MethodView):
    """What is handed in over the counter."""

    @blueprint.staff(DESK)
    @blueprint.raw_body(*_TYPES, max_bytes=MOST_BYTES)
    @blueprint.arguments(PermitFileArgs, location="query")
    @blueprint.response(201, PermitFileSchema)
    def post(
        self, raw: bytes, query: dict[str, Any], task_id: UUID, material_id: str
    ) -> tuple[MaterialFileView, int]:
        """Add a file that was handed in over the counter."""
        new = NewFile(query["name"], raw)
        made = service.hand_in_at_desk(
            house_of(), request_unit(), caller(), task_id, material_id, new
        )
        return made, CREATED


@blueprint.route(f"{_TASK}/files/<uuid:file_id>/content")
class DeskTaskFile(MethodView):
    """One file that a task needs."""

    @blueprint.staff(DESK)
    @blueprint.doc(responses=_FILE)
    def get(self, task_id: UUID, file_id: UUID) -> Response:
        """Fetch a file of a task of my department."""
        found = service.read_task_file(house_of(), request_unit(), caller(), task_id, file_id)
        return _send(found)


@blueprint.route(f"{_LED}/materials")
class DeskApplicationMaterials(MethodView):
    """What was handed in with an application."""

    @blueprint.staff(DESK)
    @blueprint.page(PermitMaterialSchema)
    def get(self, application_id: UUID) -> Page[MaterialView]:
        """List the materials of an application at intake."""
        return Page(
            service.list_desk_materials(house_of(), request_unit(), caller(), application_id)
        )


@blueprint.route(f"{_LED}/files/<uuid:file_id>/content")
class DeskApplicationFile(MethodView):
    """One file of an application."""

    @blueprint.staff(DESK)
    @blueprint.doc(responses=_FILE)
    def get(self, application_id: UUID, file_id: UUID) -> Response:
        """Fetch a file of an application at intake."""
        found = service.read_desk_file(
            house_of(), request_unit(), caller(), application_id, file_id
        )
        return _send(found)
