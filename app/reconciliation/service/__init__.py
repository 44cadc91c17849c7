"""What can be done about differences between books: import, run, look, explain, adjust, export."""

from app.reconciliation.service.adjusting import (
    approve_adjustment,
    propose_adjustment,
    reject_adjustment,
)
from app.reconciliation.service.deps import ReconciliationDeps
from app.reconciliation.service.desk import (
    assign_difference,
    count_open,
    explain_difference,
    export_differences,
    list_differences,
    list_kinds,
    read_difference,
    review_explanation,
)
from app.reconciliation.service.returning import return_proven
from app.reconciliation.service.runs import (
    TICK_SECONDS,
    list_runs,
    perform_run,
    read_run,
    request_due_runs,
    request_run,
)
from app.reconciliation.service.statements import list_statements
from app.reconciliation.service.tariffs import TARIFFS, TariffsInvalid, read_tariffs
from app.reconciliation.service.uploads import take_file

__all__ = [
    "TARIFFS",
    "TICK_SECONDS",
    "ReconciliationDeps",
    "TariffsInvalid",
    "approve_adjustment",
    "assign_difference",
    "count_open",
    "explain_difference",
    "export_differences",
    "list_differences",
    "list_kinds",
    "list_runs",
    "list_statements",
    "perform_run",
    "propose_adjustment",
    "read_difference",
    "read_run",
    "read_tariffs",
    "reject_adjustment",
    "request_due_runs",
    "request_run",
    "return_proven",
    "review_explanation",
    "take_file",
]
