"""`/v1/utilities`: a citizen's accounts and bills, and the bill files of the billers."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import (
    Blueprint,
    House,
    Page,
    PageArgs,
    acts_within,
    citizen,
    deps,
    request_unit,
    staff_department,
)
from plugins.utilities import service
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.schemas import (
    AccountSchema,
    BillArgs,
    BillerSchema,
    BillFileSchema,
    BillSchema,
    NewAccountSchema,
)
from plugins.utilities.values import (
    BILLERS,
    Biller,
    CitizensBill,
    ImportedFile,
    LinkedAccount,
    NewAccount,
)

MIB = 1024 * 1024
_CREATED, _OK = 201, 200

blueprint = Blueprint("utilities", __name__, description="Utility accounts and bills")


def _house() -> House:
    return deps(UtilitiesProvider).house


def _visible() -> list[str]:
    """Return the billers whose bills the caller may see: all, but for a delegate."""
    return [biller.id for biller in BILLERS.values() if acts_within(biller.service)]


@blueprint.route("/accounts")
class Accounts(MethodView):
    """The accounts that the calling citizen has linked."""

    @blueprint.scope("bills.read")
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(AccountSchema)
    def get(self, query: dict[str, Any]) -> Page[LinkedAccount]:
        """List my utility accounts."""
        return service.list_accounts(_house(), request_unit(), citizen().reference, query["page"])

    @blueprint.arguments(NewAccountSchema)
    @blueprint.response(201, AccountSchema)
    def post(self, wanted: NewAccount) -> tuple[LinkedAccount, int, dict[str, str]]:
        """Link a utility account.

        The biller confirms that number and holder's name belong together; an unknown number and
        another name are refused alike. Linking an account again answers with the same link.
        """
        account = service.link_account(_house(), request_unit(), citizen().reference, wanted)
        place = url_for("utilities.Account", account_id=account.id)
        return account, _CREATED, {"Location": place}


@blueprint.route("/accounts/<uuid:account_id>")
class Account(MethodView):
    """One linked account."""

    @blueprint.scope("bills.read")
    @blueprint.response(200, AccountSchema)
    def get(self, account_id: UUID) -> LinkedAccount:
        """Show my utility account."""
        return service.find_account(_house(), request_unit(), citizen().reference, account_id)

    @blueprint.response(204)
    def delete(self, account_id: UUID) -> None:
        """Unlink my utility account."""
        service.unlink_account(request_unit(), citizen().reference, account_id)


@blueprint.route("/bills")
class Bills(MethodView):
    """The bills of the calling citizen's accounts."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.arguments(BillArgs, location="query")
    @blueprint.page(BillSchema)
    def get(self, query: dict[str, Any]) -> Page[CitizensBill]:
        """List my utility bills.

        Nearest due date first. Billers last asked ten seconds ago or more are asked again; when one
        does not answer, its bills are shown as they are stored: see `refreshed_at`.
        """
        service.refresh_bills(_house(), citizen().reference, query["biller"])
        return service.list_bills(
            _house(), request_unit(), citizen().reference, billers=_visible(), **query
        )


@blueprint.route("/bills/<uuid:bill_id>")
class Bill(MethodView):
    """One bill."""

    @blueprint.acting("view")
    @blueprint.scope("bills.read")
    @blueprint.response(200, BillSchema)
    def get(self, bill_id: UUID) -> CitizensBill:
        """Show my utility bill."""
        service.refresh_bills(_house(), citizen().reference)
        return service.find_bill(
            _house(), request_unit(), citizen().reference, bill_id, billers=_visible()
        )


@blueprint.route("/billers")
class Billers(MethodView):
    """The companies whose bills can be paid here."""

    @blueprint.page(BillerSchema)
    def get(self) -> Page[Biller]:
        """List the billers."""
        return Page(list(BILLERS.values()))


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
        file = service.import_bill_file(_house(), unit, department, biller_id, raw)
        return file, _CREATED if file.is_new else _OK
