"""`/v1/utilities/desk`: what a biller's own system does in its own name."""

from typing import Any

from flask import Response
from flask.views import MethodView

from app.sdk import (
    Page,
    integrator,
    request_unit,
)
from plugins.utilities import service
from plugins.utilities.models import Posting
from plugins.utilities.routes.common import MIB, blueprint, house_of
from plugins.utilities.schemas.desk import (
    BillAmendmentSchema,
    BillChangeSchema,
    BillerDaySchema,
    BillWithdrawalSchema,
    DayArgs,
    DayComparisonSchema,
    DeskPostingArgs,
    DeskPostingSchema,
    NewPostingReversalSchema,
    PostingFileArgs,
    PostingReversalSchema,
    TakenReversalsSchema,
    UploadedBillFileSchema,
)
from plugins.utilities.values import (
    Amendment,
    BillChangeView,
    DayComparison,
    DayStatement,
    FileEncoding,
    NewReversal,
    ReversalView,
    TakenFile,
    TakenReversals,
    Withdrawal,
)

_CREATED, _OK = 201, 200


BILLS, POSTINGS = "utilities.bills.manage", "utilities.postings.read"
"""The scopes of a biller's own system: what it may write, and what it may read."""


REVERSALS = "utilities.postings.reverse"
"""The scope with which it takes payments back: that moves money."""


DESK_RATE = "120/minute"
"""Per client: more than a nightly run needs, and far too few to try numbers with."""


_CSV = {"text/csv": {"schema": {"type": "string"}}}


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
        file = service.upload_bills(house_of(), request_unit(), integrator(), biller_id, raw)
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


@blueprint.route("/desk/billers/<slug:biller_id>/reversals")
class DeskReversals(MethodView):
    """Postings that are taken back."""

    @blueprint.integrator(REVERSALS)
    @blueprint.rate(DESK_RATE)
    @blueprint.arguments(NewPostingReversalSchema)
    @blueprint.response(201, PostingReversalSchema)
    @blueprint.alt_response(200, schema=PostingReversalSchema)
    def post(self, wanted: NewReversal, biller_id: str) -> tuple[ReversalView, int]:
        """Take a posting of my biller back.

        By the terms and the reason the bill is owed again, or the money goes back; the citizen is
        told. 200 says that it was taken back before.
        """
        made = service.reverse_posting(house_of(), request_unit(), integrator(), biller_id, wanted)
        return made, _CREATED if made.is_new else _OK


@blueprint.route("/desk/billers/<slug:biller_id>/reversal-files")
class DeskReversalFiles(MethodView):
    """Files of postings that are taken back."""

    @blueprint.integrator(REVERSALS)
    @blueprint.rate(DESK_RATE)
    @blueprint.raw_body("text/csv", max_bytes=MIB)
    @blueprint.response(200, TakenReversalsSchema)
    def post(self, raw: bytes, biller_id: str) -> TakenReversals:
        """Take the postings of a file of my biller back.

        In the form of the posting file, with the reason as a last column. All of them are taken
        back or none; those that were before are counted and left.
        """
        return service.take_reversals(house_of(), request_unit(), integrator(), biller_id, raw)


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
