"""Addresses of clients: what may be registered, what matches, and how an answer is sent to one."""

import re
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_LONGEST = 500
_VISIBLE = re.compile(r"[!-~]+")


def is_redirect_uri(url: str, *, loopback: bool) -> bool:
    """Say whether an address may be registered to be redirected to.

    https with a host and without fragment, user or dot segments; for native apps on loopback, http
    on a literal loopback address (RFC 8252, 7.3 and 8.3).
    """
    if len(url) > _LONGEST or not _VISIBLE.fullmatch(url) or "#" in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if parts.username is not None or not parts.hostname or port == 0:
        return False
    if any(part in {".", ".."} for part in parts.path.split("/")) or "*" in parts.netloc:
        return False
    if parts.scheme == "https":
        return True
    return loopback and parts.scheme == "http" and _is_loopback(parts.hostname)


def is_same_redirect(asked: str, registered: str) -> bool:
    """Say whether an address is the registered one, letter by letter.

    Only the port of a loopback address may differ: the system gives it to a native app.
    """
    if asked == registered:
        return True
    try:
        ours, theirs = urlsplit(registered), urlsplit(asked)
        theirs_port = theirs.port
    except ValueError:
        return False
    if ours.scheme != "http" or not ours.hostname or not _is_loopback(ours.hostname):
        return False
    host = f"[{ours.hostname}]" if ":" in ours.hostname else ours.hostname
    return theirs_port is not None and asked == urlunsplit(
        ("http", f"{host}:{theirs_port}", ours.path, ours.query, "")
    )


def add_to_query(url: str, **parameters: str | None) -> str:
    """Return an address with parameters added; those that are None are left out."""
    given = [(name, value) for name, value in parameters.items() if value is not None]
    if not given:
        return url
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *given])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def host_of(url: str) -> str:
    """Return the host of an address."""
    return urlsplit(url).hostname or ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
