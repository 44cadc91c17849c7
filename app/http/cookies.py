"""The cookies of our pages: no script reads them, and no other site's form sends them along."""

from flask import Response, request

_HOST_PREFIX = "__Host-"


def read_cookie(name: str) -> str | None:
    """Return what a cookie of ours holds, or nothing."""
    return request.cookies.get(_full(name))


def set_cookie(response: Response, name: str, value: str) -> None:
    """Give the browser a cookie that ends with it.

    Over TLS its name begins with `__Host-`, so that no other host of the domain can plant one.
    """
    response.set_cookie(
        _full(name), value, path="/", secure=request.is_secure, httponly=True, samesite="Lax"
    )


def drop_cookie(response: Response, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        _full(name), path="/", secure=request.is_secure, httponly=True, samesite="Lax"
    )


def _full(name: str) -> str:
    return f"{_HOST_PREFIX}{name}" if request.is_secure else name
