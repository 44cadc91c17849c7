"""`/v1/utilities/billers`: the companies, their terms, and what staff does for them."""

from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, request_unit, staff_department
from plugins.utilities import service
from plugins.utilities.routes.common import MIB, blueprint, house_of
from plugins.utilities.schemas.billers import (
    BillerSchema,
    BillerTermsSchema,
    BillFileSchema,
    DeskClientSchema,
)
from plugins.utilities.service.terms import Terms
from plugins.utilities.values import (
    BILLERS,
    Biller,
    DeskClientView,
    ImportedFile,
)

_CREATED, _OK = 201, 200


@blueprint.route("/billers")
class Billers(MethodView):
    """The companies whose bills can be paid here."""

    @blueprint.page(BillerSchema)
    def get(self) -> Page[Biller]:
        """List the billers."""
        return Page(list(BILLERS.values()))


@blueprint.route("/billers/<slug:biller_id>/terms")
class BillerTerms(MethodView):
    """What one company asks for and allows."""

    @blueprint.response(200, BillerTermsSchema)
    def get(self, biller_id: str) -> Terms:
        """Show what a biller asks for and allows."""
        return service.find_terms(biller_id)


@blueprint.route("/billers/<slug:biller_id>/bill-files")
class BillFiles(MethodView):
    """The files that billers send by night."""

    @blueprint.staff("provider.operate")
    @blueprint.raw_body("text/csv", max_bytes=10 * MIB)
    @blueprint.response(201, BillFileSchema)
    @blueprint.alt_response(200, schema=BillFileSchema)
    def post(self, raw: bytes, biller_id: str) -> tuple[ImportedFile, int]:
        """Import a bill file.

        UTF-8 or GB18030, amounts in yuan, a line of totals at the end. All of it is imported or
        nothing; 200 says that the same file was imported before.
        """
        unit, department = request_unit(), staff_department()
        file = service.import_bill_file(house_of(), unit, department, biller_id, raw)
        return file, _CREATED if file.is_new else _OK


@blueprint.route("/billers/<slug:biller_id>/clients")
class DeskClients(MethodView):
    """Who speaks for a biller."""

    @blueprint.staff("integrators.manage")
    @blueprint.page(DeskClientSchema)
    def get(self, biller_id: str) -> Page[DeskClientView]:
        """List the clients that speak for a biller."""
        return Page(service.list_clients(request_unit(), staff_department(), biller_id))


@blueprint.route("/billers/<slug:biller_id>/clients/<uuid:client_id>")
class OneDeskClient(MethodView):
    """One client that speaks for a biller."""

    @blueprint.staff("integrators.manage")
    @blueprint.response(200, DeskClientSchema)
    def put(self, biller_id: str, client_id: UUID) -> DeskClientView:
        """Let a client speak for a biller."""
        return service.admit_client(request_unit(), staff_department(), biller_id, client_id)

    @blueprint.staff("integrators.manage")
    @blueprint.response(204)
    def delete(self, biller_id: str, client_id: UUID) -> None:
        """Let a client speak for a biller no longer."""
        service.dismiss_client(request_unit(), staff_department(), biller_id, client_id)
