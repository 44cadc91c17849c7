"""Calls of operations that providers declare, over HTTP."""

from typing import Any

from flask.views import MethodView

from app.core.idempotency import parse_key
from app.http.blueprint import Blueprint
from app.http.context import deps, fields_of_header, principal, unit
from app.operations import service
from app.operations.schemas import AnyQuerySchema, OperationDoneSchema, OperationListSchema
from app.operations.service import Asked, Done, OperationDeps

blueprint = Blueprint("operations", __name__, description="What providers do for citizens")

LARGEST = 64 * 1024
_JSON = "application/json"


@blueprint.route("/<slug:service_id>/gateway")
class Operations(MethodView):
    """The operations of a service."""

    @blueprint.response(200, OperationListSchema)
    def get(self, service_id: str) -> Any:  # noqa: ANN401 - with its member
        """List the operations of a service."""
        return {"items": service.list_operations(deps(OperationDeps), service_id)}


@blueprint.route("/<slug:service_id>/gateway/<way:operation_path>")
class Calls(MethodView):
    """An operation of a service, by the path that its provider declares.

    Only what the provider's manifest declares can be called; the list of a service's operations
    tells their forms. What is refused by the provider has a code with its name and a colon before
    it, such as `parking:no-space`.
    """

    @blueprint.rate("60/minute")
    @blueprint.open_query(AnyQuerySchema)
    @blueprint.response(200, OperationDoneSchema)
    def get(self, query: dict[str, str], service_id: str, operation_path: str) -> Done:
        """Ask the provider of a service."""
        return _call(Asked(service_id, "GET", operation_path, query))

    @blueprint.idempotent
    @blueprint.rate("30/minute")
    @blueprint.raw_body(_JSON, max_bytes=LARGEST)
    @blueprint.response(200, OperationDoneSchema)
    def post(self, body: bytes, service_id: str, operation_path: str) -> Done:
        """Have the provider of a service do something."""
        return _call(Asked(service_id, "POST", operation_path, {}, body, _key()))

    @blueprint.idempotent
    @blueprint.rate("30/minute")
    @blueprint.raw_body(_JSON, max_bytes=LARGEST)
    @blueprint.response(200, OperationDoneSchema)
    def put(self, body: bytes, service_id: str, operation_path: str) -> Done:
        """Have the provider of a service keep something."""
        return _call(Asked(service_id, "PUT", operation_path, {}, body, _key()))

    @blueprint.idempotent
    @blueprint.rate("30/minute")
    @blueprint.response(200, OperationDoneSchema)
    def delete(self, service_id: str, operation_path: str) -> Done:
        """Have the provider of a service take something back."""
        return _call(Asked(service_id, "DELETE", operation_path, {}, key=_key()))


def _call(asked: Asked) -> Done:
    return service.call_operation(unit(), deps(OperationDeps), principal(), asked)


def _key() -> str:
    return parse_key(fields_of_header("Idempotency-Key"))
