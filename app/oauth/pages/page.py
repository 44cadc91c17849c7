"""One page: its language, its headers, and what every template may ask."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from flask import Response, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core.errors import DomainError
from app.http import problems
from app.http.context import request_id
from app.http.cookies import read_cookie

LANGUAGE_COOKIE = "wudang_language"
LANGUAGES = ("zh", "en")
_ROOM = Path(__file__).resolve().parent.parent
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
ASSETS: Mapping[str, tuple[bytes, str]] = {
    path.name: (path.read_bytes(), _TYPES[path.suffix])
    for path in sorted((_ROOM / "assets").iterdir())
}
VERSION = blake2b(b"".join(body for body, _ in ASSETS.values()), digest_size=6).hexdigest()
"""Stands in the assets' addresses, so that a browser may keep them for ever."""

_FOR_BROWSERS = {"oauth.Authorize", "oauth.Logout"}
_TEMPLATES = Environment(
    loader=FileSystemLoader(_ROOM / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What was wrong with what somebody typed, and with which field."""

    zh: str
    en: str
    field: str | None = None


def language(wished: str | None = None) -> str:
    """Return the page's language: switched to, wished by the client, or the browser's own."""
    for name in (request.args.get("lang"), read_cookie(LANGUAGE_COOKIE), _first(wished)):
        if name in LANGUAGES:
            return str(name)
    return request.accept_languages.best_match(LANGUAGES, "zh")


def show(
    name: str,
    *,
    status: int = 200,
    fault: Fault | None = None,
    wished: str | None = None,
    leads_to: str | None = None,
    **values: Any,  # noqa: ANN401 - whatever the template asks for
) -> Response:
    """Return a page that may run nothing but our script and send its forms to us.

    `wished` are the client's `ui_locales`. `leads_to` is where a form may be redirected to in the
    end: browsers hold a form to its policy along its redirects.
    """
    chosen = language(wished)
    typed: Mapping[str, Any] = defaultdict(str, values.pop("typed", {}))
    html = _TEMPLATES.get_template(f"{name}.html").render(
        say=partial(_say, chosen),
        asset=_address_of_asset,
        other_language=_switched("en" if chosen == "zh" else "zh"),
        here=request.path,
        fault=fault,
        typed=typed,
        **values,
    )
    response = Response(html, status=status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _policy(leads_to)
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Content-Language"] = chosen
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


def show_refusal(error: BaseException) -> Response:
    """Return the page of something that went wrong for good, with the status it has elsewhere."""
    problem = problems.response_for(error)
    said = orjson.loads(problem.get_data())
    if isinstance(error, DomainError):
        said |= {"code": error.code, "title": error.title_en, "title_zh": error.title_zh}
    more = _ADVICE.get(said["code"], _ADVICE_OTHERWISE)
    response = show(
        "message",
        status=problem.status_code,
        zh=said["title_zh"],
        en=said["title"],
        more_zh=more[0],
        more_en=more[1],
        code=said.get("error", said["code"]),
        request_id=request_id(),
    )
    if "Retry-After" in problem.headers:
        response.headers["Retry-After"] = problem.headers["Retry-After"]
    return response


def answer_browser(error: BaseException) -> Response:
    """Answer a refusal of the protocol: where people's browsers are sent, by a page if one asks.

    RFC 6749, 4.1.2.1: a request whose client or address cannot be trusted is told to the citizen.
    """
    wanted = request.accept_mimetypes.best_match(["application/json", "text/html"])
    if request.endpoint in _FOR_BROWSERS and wanted == "text/html":
        return show_refusal(error)
    return problems.response_for(error)


def go_to(target: str) -> Response:
    """Send the browser on to fetch something else, whatever it has just posted (RFC 9110, 303)."""
    response = Response(status=303)
    response.headers["Location"] = target
    return response


def fault_of(error: DomainError, field: str | None) -> Fault:
    """Return a refusal as it is shown above the form that it refuses."""
    return Fault(error.title_zh, error.title_en, field)


_START_AGAIN = (
    "请回到原来的应用，重新开始。您的账户没有任何变化。",
    "Go back to the application and begin again. Nothing has changed in your account.",
)
_ADVICE = {
    "oauth-error": (
        "您访问的应用发来的请求不正确，请联系该应用。您的账户没有任何变化。",
        "The application's request is not correct: ask its support. Your account is unchanged.",
    ),
    "interaction-over": _START_AGAIN,
    "interaction-not-found": _START_AGAIN,
    "entry-over": _START_AGAIN,
    "form-not-ours": (
        "页面可能已过期。请返回上一页，刷新后再试。",
        "The page may be too old. Go back, reload it and try again.",
    ),
}
_ADVICE_OTHERWISE = (
    "请稍后再试，或回到原来的应用重新开始。",
    "Try again later, or go back to the application and begin again.",
)


def _say(chosen: str, zh: str, en: str) -> str:
    return zh if chosen == "zh" else en


def _first(locales: str | None) -> str | None:
    """Return the language of the client's first wish (`zh-CN en` wishes Chinese)."""
    return (locales or "").partition(" ")[0].partition("-")[0].lower() or None


def _switched(to: str) -> str:
    """Return this page's address in another language, with what else stands in it."""
    kept = {name: value for name, value in request.args.items() if name != "lang"}
    return f"{request.path}?{urlencode({**kept, 'lang': to})}"


def _address_of_asset(name: str) -> str:
    assert name in ASSETS
    return f"/oauth/assets/{VERSION}/{name}"


def _policy(leads_to: str | None) -> str:
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"form-action 'self'{_source_of(leads_to)}; base-uri 'none'; frame-ancestors 'none'"
    )


def _source_of(address: str | None) -> str:
    """Return where a client's answer goes, as a policy names it: an origin, or an app's scheme."""
    if not address:
        return ""
    parts = urlsplit(address)
    if parts.scheme in {"http", "https"}:
        return f" {parts.scheme}://{parts.netloc}"
    return f" {parts.scheme}:"
