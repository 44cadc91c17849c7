"""`/v1/utilities`: a citizen's accounts and bills, bill files, and the desks of the billers."""

from typing import Any
from uuid import UUID

from flask import Response, url_for
from flask.views import MethodView

from app.sdk import (
    Blueprint,
    House,
    Page,
    PageArgs,
    acts_within,
    citizen,
    deps,
    integrator,
    request_unit,
    staff_department,
)
from plugins.utilities import service
from plugins.utilities.models import Posting
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.schemas import (
    AccountSchema,
    BillAmendmentSchema,
    BillArgs,
    BillChangeSchema,
    BillerDaySchema,
    BillerSchema,
    BillerTermsSchema,
    BillFileSchema,
    BillSchema,
    BillWithdrawalSchema,
    DayArgs,
    DayComparisonSchema,
    DeskClientSchema,
    DeskPostingArgs,
    DeskPostingSchema,
    NewAccountSchema,
    PostingFileArgs,
    UploadedBillFileSchema,
)
from plugins.utilities.service.terms import Terms
from plugins.utilities.values import (
    BILLERS,
    Amendment,
    BillChangeView,
    Biller,
    CitizensBill,
    DayComparison,
    DayStatement,
    DeskClientView,
    FileEncoding,
    ImportedFile,
    LinkedAccount,
    NewAccount,
    TakenFile,
    Withdrawal,
)

MIB = 1024 * 1024
_CREATED, _OK = 201, 200
BILLS, POSTINGS = "utilities.bills.manage", "utilities.postings.read"
"""The scopes of a biller's own system: what it may write, and what it may read."""
DESK_RATE = "120/minute"
"""Per client: more than a nightly run needs, and far too few to try numbers with."""
_CSV = {"text/csv": {"schema": {"type": "string"}}}

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
        file = service.import_bill_file(_house(), unit, department, biller_id, raw)
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


@blueprint.route("/desk/billers/<slug:biller_id>/bill-files")
class DeskBillFiles(MethodView):
    """The bill files that a biller's own system uploads."""

    @blueprint.integrator(BILLS)
    @blueprint.rate(DESK_RATE)
    @blueprint.raw_body("text/csv", max_bytes=10 * MIB)
    @blueprint.response(201, UploadedBillFileSchema)
    @blueprint.alt_response(200, schema=UploadedBillFileSchema)
    def post(self, raw: bytes, biller_id: str) -> tuple[TakenFile, int]:
        """Upload a bill file of my biller.

        UTF-8 or GB18030, a line that names the file, amounts in yuan, a line of totals at the end.
        All of it is stored or nothing; 200 says that the same file came before.
        """
        file = service.upload_bills(_house(), request_unit(), integrator(), biller_id, raw)
        return file, _CREATED if file.is_new else _OK


@blueprint.route("/desk/billers/<slug:biller_id>/amendments")
class DeskAmendments(MethodView):
    """Bills that ask for something else."""

    @blueprint.integrator(BILLS)
    @blueprint.rate(DESK_RATE)
    @blueprint.repeatable
    @blueprint.arguments(BillAmendmentSchema)
    @blueprint.response(201, BillChangeSchema)
    def post(self, wanted: Amendment, biller_id: str) -> BillChangeView:
        """Amend a bill of my biller."""
        return service.amend_bill(request_unit(), integrator(), biller_id, wanted)


@blueprint.route("/desk/billers/<slug:biller_id>/withdrawals")
class DeskWithdrawals(MethodView):
    """Bills that nobody owes any more."""

    @blueprint.integrator(BILLS)
    @blueprint.rate(DESK_RATE)
    @blueprint.repeatable
    @blueprint.arguments(BillWithdrawalSchema)
    @blueprint.response(201, BillChangeSchema)
    def post(self, wanted: Withdrawal, biller_id: str) -> BillChangeView:
        """Withdraw a bill of my biller."""
        return service.withdraw_open_bill(request_unit(), integrator(), biller_id, wanted)


@blueprint.route("/desk/billers/<slug:biller_id>/postings")
class DeskPostings(MethodView):
    """What a biller was told of payments."""

    @blueprint.integrator(POSTINGS)
    @blueprint.rate(DESK_RATE)
    @blueprint.arguments(DeskPostingArgs, location="query")
    @blueprint.page(DeskPostingSchema)
    def get(self, query: dict[str, Any], biller_id: str) -> Page[Posting]:
        """List the postings of my biller."""
        return service.list_postings(request_unit(), integrator(), biller_id, **query)


@blueprint.route("/desk/billers/<slug:biller_id>/posting-file")
class DeskPostingFile(MethodView):
    """A day's postings as a file."""

    @blueprint.integrator(POSTINGS)
    @blueprint.rate(DESK_RATE)
    @blueprint.arguments(PostingFileArgs, location="query")
    @blueprint.doc(responses={"200": {"description": "CSV with totals", "content": _CSV}})
    def get(self, query: dict[str, Any], biller_id: str) -> Response:
        """Fetch the posting file of a day."""
        day, encoding = query["day"], FileEncoding(query["encoding"])
        content = service.make_posting_file(request_unit(), integrator(), biller_id, day, encoding)
        charset = "gb18030" if encoding is FileEncoding.GB18030 else "utf-8"
        headers = {"Content-Disposition": f'attachment; filename="postings-{day}.csv"'}
        return Response(content, headers=headers, content_type=f"text/csv; charset={charset}")


@blueprint.route("/desk/billers/<slug:biller_id>/statement")
class DeskStatement(MethodView):
    """A biller's day in figures."""

    @blueprint.integrator(POSTINGS)
    @blueprint.rate(DESK_RATE)
    @blueprint.arguments(DayArgs, location="query")
    @blueprint.response(200, BillerDaySchema)
    def get(self, query: dict[str, Any], biller_id: str) -> DayStatement:
        """Read the statement of my biller's day."""
        return service.read_statement(request_unit(), integrator(), biller_id, query["day"])


@blueprint.route("/desk/billers/<slug:biller_id>/comparisons")
class DeskComparisons(MethodView):
    """A biller's own books of a day against ours."""

    @blueprint.integrator(POSTINGS)
    @blueprint.rate(DESK_RATE)
    @blueprint.raw_body("text/csv", max_bytes=10 * MIB)
    @blueprint.arguments(DayArgs, location="query")
    @blueprint.response(200, DayComparisonSchema)
    def post(self, raw: bytes, query: dict[str, Any], biller_id: str) -> DayComparison:
        """Compare my biller's posting file of a day.

        In the form of the posting file. Nothing is changed: the answer names each difference.
        """
        return service.compare_day(request_unit(), integrator(), biller_id, query["day"], raw)
