"""Settlement over HTTP: bank accounts, batches and their files, statements; for finance."""

import base64
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs
from app.ledger.values import StatementLine
from app.settlement import service
from app.settlement.models import SettlementLine
from app.settlement.schemas import (
    AccountFilter,
    BankAccountSchema,
    FileArgs,
    NewBankAccountSchema,
    NewSettlementBatchSchema,
    PayeeBalanceSchema,
    PayeeStatementLineSchema,
    PayeeStatementSchema,
    SettlementBatchSchema,
    SettlementLineSchema,
    SettlementPaidSchema,
    SettlementReturnedSchema,
    StatementFileArgs,
)
from app.settlement.service import SettlementDeps
from app.settlement.values import (
    AccountStatus,
    AccountView,
    BankAccount,
    BatchView,
    Encoding,
    FileFormat,
    PayeeView,
    StatementFormat,
    StatementView,
)

BYTES = {"type": "string", "format": "binary"}
CSV_TYPE, XML_TYPE, PDF_TYPE = "text/csv", "application/xml", "application/pdf"
CHARSETS = {Encoding.GB18030: "gb18030"}

blueprint = Blueprint("settlement", __name__, description="Paying out payees, and their statements")


@blueprint.route("/accounts")
class Accounts(MethodView):
    """The bank accounts of payees."""

    @blueprint.staff("settlement.propose")
    @blueprint.repeatable
    @blueprint.arguments(NewBankAccountSchema)
    @blueprint.response(201, BankAccountSchema)
    def post(self, wanted: BankAccount) -> AccountView:
        """Propose a bank account."""
        return service.propose_account(unit(), deps(SettlementDeps), principal(), wanted)

    @blueprint.staff("settlement.read")
    @blueprint.arguments(AccountFilter, location="query")
    @blueprint.page(BankAccountSchema)
    def get(self, wanted: dict[str, Any]) -> Page[AccountView]:
        """List bank accounts."""
        return service.list_accounts(unit(), deps(SettlementDeps), wanted["page"], wanted["payee"])


@blueprint.route("/accounts/<uuid:account_id>/approval")
class AccountApproval(MethodView):
    """The second person's yes to a bank account."""

    @blueprint.staff("settlement.approve")
    @blueprint.repeatable
    @blueprint.response(200, BankAccountSchema)
    def post(self, account_id: UUID) -> AccountView:
        """Approve a bank account."""
        return _decide(account_id, AccountStatus.ACTIVE)


@blueprint.route("/accounts/<uuid:account_id>/rejection")
class AccountRejection(MethodView):
    """The second person's no to a bank account."""

    @blueprint.staff("settlement.approve")
    @blueprint.repeatable
    @blueprint.response(200, BankAccountSchema)
    def post(self, account_id: UUID) -> AccountView:
        """Reject a bank account."""
        return _decide(account_id, AccountStatus.REJECTED)


def _decide(account_id: UUID, verdict: AccountStatus) -> AccountView:
    return service.decide_account(unit(), deps(SettlementDeps), principal(), account_id, verdict)


@blueprint.route("/batches")
class Batches(MethodView):
    """The batches, one a day."""

    @blueprint.staff("settlement.propose")
    @blueprint.repeatable
    @blueprint.arguments(NewSettlementBatchSchema)
    @blueprint.response(201, SettlementBatchSchema)
    def post(self, wanted: dict[str, Any]) -> BatchView:
        """Draw up a settlement batch."""
        return service.draft_batch(unit(), deps(SettlementDeps), principal(), wanted["day"])

    @blueprint.staff("settlement.read")
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(SettlementBatchSchema)
    def get(self, wanted: dict[str, Any]) -> Page[BatchView]:
        """List settlement batches."""
        return service.list_batches(unit(), wanted["page"])


@blueprint.route("/batches/<uuid:batch_id>")
class OneBatch(MethodView):
    """One batch."""

    @blueprint.staff("settlement.read")
    @blueprint.response(200, SettlementBatchSchema)
    def get(self, batch_id: UUID) -> BatchView:
        """Read a settlement batch."""
        return service.read_batch(unit(), batch_id)


@blueprint.route("/batches/<uuid:batch_id>/lines")
class BatchLines(MethodView):
    """What each payee gets."""

    @blueprint.staff("settlement.read")
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(SettlementLineSchema)
    def get(self, wanted: dict[str, Any], batch_id: UUID) -> Page[SettlementLine]:
        """List the lines of a settlement batch."""
        return service.list_lines(unit(), batch_id, wanted["page"])


@blueprint.route("/batches/<uuid:batch_id>/approval")
class BatchApproval(MethodView):
    """The second person's yes to a batch."""

    @blueprint.staff("settlement.approve")
    @blueprint.repeatable
    @blueprint.response(200, SettlementBatchSchema)
    def post(self, batch_id: UUID) -> BatchView:
        """Approve a settlement batch."""
        return service.approve_batch(unit(), principal(), batch_id)


@blueprint.route("/batches/<uuid:batch_id>/rejection")
class BatchRejection(MethodView):
    """The second person's no to a batch."""

    @blueprint.staff("settlement.approve")
    @blueprint.repeatable
    @blueprint.response(200, SettlementBatchSchema)
    def post(self, batch_id: UUID) -> BatchView:
        """Reject a settlement batch."""
        return service.reject_batch(unit(), principal(), batch_id)


@blueprint.route("/batches/<uuid:batch_id>/file")
class BatchFile(MethodView):
    """What the bank is told."""

    @blueprint.staff("settlement.propose")
    @blueprint.repeatable
    @blueprint.response(200, SettlementBatchSchema)
    def post(self, batch_id: UUID) -> BatchView:
        """Make the file of a settlement batch."""
        return service.make_file(unit(), deps(SettlementDeps), batch_id)

    @blueprint.staff("settlement.propose")
    @blueprint.problems(409)
    @blueprint.arguments(FileArgs, location="query")
    @blueprint.response(200, BYTES, content_type=XML_TYPE)
    @blueprint.alt_response(200, schema=BYTES, content_type=CSV_TYPE, success=True)
    def get(self, wanted: dict[str, FileFormat], batch_id: UUID) -> Response:
        """Download the file of a settlement batch."""
        kind = wanted["format"]
        content, digest = service.read_file(unit(), deps(SettlementDeps), batch_id, kind)
        is_csv = kind == FileFormat.CSV
        answer = Response(content, mimetype=CSV_TYPE if is_csv else XML_TYPE)
        name = f"settlement-{batch_id}.{'csv' if is_csv else 'xml'}"
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        packed = base64.b64encode(bytes.fromhex(digest)).decode()
        answer.headers["Repr-Digest"] = f"sha-256=:{packed}:"  # RFC 9530
        return answer


@blueprint.route("/batches/<uuid:batch_id>/dispatch")
class Dispatch(MethodView):
    """The file's way to the bank."""

    @blueprint.staff("settlement.propose")
    @blueprint.repeatable
    @blueprint.response(200, SettlementBatchSchema)
    def post(self, batch_id: UUID) -> BatchView:
        """Note that a settlement batch was sent."""
        return service.send_batch(unit(), principal(), batch_id)


@blueprint.route("/lines/<uuid:line_id>/settlement")
class LineSettlement(MethodView):
    """What the bank has paid."""

    @blueprint.staff("settlement.propose")
    @blueprint.repeatable
    @blueprint.arguments(SettlementPaidSchema)
    @blueprint.response(200, SettlementLineSchema)
    def post(self, wanted: dict[str, str], line_id: UUID) -> SettlementLine:
        """Note that a settlement line was paid."""
        return service.settle_line(unit(), line_id, wanted["bank_reference"])


@blueprint.route("/lines/<uuid:line_id>/return")
class LineReturn(MethodView):
    """What the bank has returned; the payee is owed it again."""

    @blueprint.staff("settlement.approve")
    @blueprint.repeatable
    @blueprint.arguments(SettlementReturnedSchema)
    @blueprint.response(200, SettlementLineSchema)
    def post(self, wanted: dict[str, str], line_id: UUID) -> SettlementLine:
        """Note that a settlement line was returned."""
        return service.return_line(unit(), line_id, wanted["reason"])


@blueprint.route("/payees")
class Payees(MethodView):
    """Everybody who is owed something."""

    @blueprint.staff("settlement.read")
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(PayeeBalanceSchema)
    def get(self, wanted: dict[str, Any]) -> Page[PayeeView]:
        """List payees and what they are owed."""
        return service.list_payees(unit(), deps(SettlementDeps), wanted["page"])


@blueprint.route("/payees/<slug:payee_id>/statements/<slug:statement_id>")
class Statements(MethodView):
    """A payee's statement of a day or a month."""

    @blueprint.staff("settlement.read")
    @blueprint.problems(409)
    @blueprint.response(200, PayeeStatementSchema)
    def get(self, payee_id: str, statement_id: str) -> StatementView:
        """Read the statement of a payee."""
        of = service.parse_period(statement_id)
        return service.read_statement(unit(), deps(SettlementDeps), payee_id, of)


@blueprint.route("/payees/<slug:payee_id>/statements/<slug:statement_id>/lines")
class StatementLines(MethodView):
    """The lines of a statement."""

    @blueprint.staff("settlement.read")
    @blueprint.problems(409)
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(PayeeStatementLineSchema)
    def get(self, wanted: dict[str, Any], payee_id: str, statement_id: str) -> Page[StatementLine]:
        """List the lines of a payee's statement."""
        of, room = service.parse_period(statement_id), deps(SettlementDeps)
        return service.list_statement_lines(unit(), room, payee_id, of, wanted["page"])


@blueprint.route("/payees/<slug:payee_id>/statements/<slug:statement_id>/file")
class StatementFile(MethodView):
    """A statement as a file."""

    @blueprint.staff("settlement.read")
    @blueprint.problems(409)
    @blueprint.arguments(StatementFileArgs, location="query")
    @blueprint.response(200, BYTES, content_type=CSV_TYPE)
    @blueprint.alt_response(200, schema=BYTES, content_type=PDF_TYPE, success=True)
    def get(self, wanted: dict[str, Any], payee_id: str, statement_id: str) -> Response:
        """Download the statement of a payee."""
        kind, encoding = wanted["format"], wanted["encoding"]
        of, room = service.parse_period(statement_id), deps(SettlementDeps)
        pieces = service.read_statement_file(unit(), room, payee_id, of, kind, encoding)
        is_csv = kind == StatementFormat.CSV
        charset = f"; charset={CHARSETS.get(encoding, 'utf-8')}"
        answer = Response(pieces, content_type=f"{CSV_TYPE}{charset}" if is_csv else PDF_TYPE)
        name = f"statement-{payee_id}-{statement_id}.{kind.value}"
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer
