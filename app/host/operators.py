"""Stands before the operations of a remote provider, as the guard stands before its payables."""

from collections.abc import Mapping
from typing import Any

from app.core.errors import Unavailable
from app.core.logs import get_logger
from app.core.unit_of_work import forbid_open_transaction
from app.host.canary import is_in_share
from app.host.gate import Gate, Refused, is_refusal
from app.host.guard import POST_SECONDS, READ_SECONDS
from app.sdk.operations import Operation, OperationCall, OperationOutcomeUnknown, Operator
from app.sdk.provider import Citizen
from app.sdk.registry import Closed

log = get_logger("host")


class GuardedOperator:
    """Operations behind the gate that the provider's other calls go through, too."""

    def __init__(self, operator: Operator, gate: Gate) -> None:
        self._operator = operator
        self._gate = gate

    def operate(
        self, operation: Operation, call: OperationCall, citizen: Citizen
    ) -> Mapping[str, Any]:
        """Return the answer; raise declared refusals, `Unavailable`, `OperationOutcomeUnknown`."""
        forbid_open_transaction(self._gate.name)
        try:
            return self._gate.run(
                "operate",
                READ_SECONDS if operation.is_safe else POST_SECONDS,
                lambda: self._operator.operate(operation, call, citizen),
                in_share=True,
            )
        except Refused as error:
            raise Unavailable from error
        except Exception as error:
            if is_refusal(error) or isinstance(error, Unavailable):
                raise
            log.exception("plugin.failed", plugin=self._gate.name, call="operate")
            if operation.is_safe:
                raise Unavailable from error
            raise OperationOutcomeUnknown from error


class CanaryOperator:
    """Operations of a provider on trial: for the citizens of its share alone."""

    def __init__(self, operator: Operator, percent: int, trial: Closed) -> None:
        self._operator = operator
        self._percent = percent
        self._trial = trial

    def operate(
        self, operation: Operation, call: OperationCall, citizen: Citizen
    ) -> Mapping[str, Any]:
        """Return the answer. Raise `ServiceUnavailable` for citizens outside the share."""
        if not is_in_share(citizen.reference, self._percent):
            raise self._trial.refusal()
        return self._operator.operate(operation, call, citizen)
