"""Stripe's error envelope, and the errors that several calls share."""

from typing import Any

Body = dict[str, Any]
"""A Stripe object, or any other JSON object, as it travels."""

_DOCS = "https://stripe.com/docs/error-codes/"


class ApiError(Exception):
    """An answer that is an error; `keeps_effect` says that what was done before it stays."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        keeps_effect: bool = False,
        headers: dict[str, str] | None = None,
        **more: object,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keeps_effect = keeps_effect
        self.headers = headers or {}
        doc_url = _DOCS + code.replace("_", "-") if code else None
        fields = {"code": code, "doc_url": doc_url, "message": message, "param": param}
        self.error = {
            name: value
            for name, value in {**fields, "type": kind, **more}.items()
            if value is not None
        }

    @property
    def body(self) -> Body:
        """Return the whole answer."""
        return {"error": self.error}


def invalid(
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    **more: Any,  # noqa: ANN401 - any field
) -> ApiError:
    """Build the 400 for a call that cannot be carried out as it was sent."""
    return ApiError(400, "invalid_request_error", message, code=code, param=param, **more)


def missing_param(param: str) -> ApiError:
    """Build the 400 for a parameter that had to be there."""
    return invalid(f"Missing required param: {param}.", code="parameter_missing", param=param)


def not_found(what: str, object_id: str, param: str = "id", *, status: int = 404) -> ApiError:
    """Build the answer for an object that does not exist; 400 when a parameter named it."""
    return ApiError(
        status,
        "invalid_request_error",
        f"No such {what}: '{object_id}'",
        code="resource_missing",
        param=param,
    )


def server_error(*, retry: bool) -> ApiError:
    """Build the 500 of a fault, with Stripe's advice whether a retry makes sense."""
    return ApiError(
        500,
        "api_error",
        "The sandbox was asked to fail here.",
        headers={"Stripe-Should-Retry": "true" if retry else "false"},
    )
