"""The addresses of our pages: one for each interaction, one for devices, and the ends of both."""

import secrets
from typing import Any
from uuid import UUID

from flask import Response, abort, g
from flask.views import MethodView
from marshmallow import fields, validate

from app.core.errors import DomainError, RateLimited, Unavailable
from app.core.unit_of_work import Units
from app.http.blueprint import Blueprint
from app.http.context import client_address, deps, unit
from app.http.cookies import read_cookie, set_cookie
from app.http.fields import Schema
from app.http.problems import status_of
from app.oauth import service
from app.oauth.pages.forms import FORM_TYPE, LONGEST, Form, check_proof, proof_of
from app.oauth.pages.page import (
    ASSETS,
    LANGUAGE_COOKIE,
    VERSION,
    fault_of,
    go_to,
    language,
    show,
    show_refusal,
)
from app.oauth.pages.steps import FIELDS, STEPS, Posted, read_visit, show_visit
from app.oauth.service import OAuthDeps
from app.oauth.values import BROWSER_COOKIE

UNPROCESSABLE = 422
blueprint = Blueprint("pages", __name__, url_prefix="/oauth", description="What citizens see")


class PageArgs(Schema):
    """What may stand in the address of a page."""

    lang = fields.String(load_default=None)
    way = fields.String(load_default="code")
    challenge = fields.UUID(load_default=None)
    user_code = fields.String(load_default="")
    state = fields.String(load_default="")


class TicketArgs(Schema):
    """What stands in the address that the city's app opens."""

    ticket = fields.String(load_default="", validate=validate.Length(max=100))


@blueprint.route("/interaction/<uuid:interaction_id>")
class InteractionPage(MethodView):
    """One interaction: log in, raise the level, consent or refuse, confirm a log-out."""

    @blueprint.public
    @blueprint.critical
    @blueprint.arguments(PageArgs, location="query")
    def get(self, wanted: dict[str, Any], interaction_id: UUID) -> Response:
        """Show what is to be decided next."""
        visit = read_visit(unit(), interaction_id)
        return _keep_language(wanted, show_visit(unit(), visit, **_asked(wanted)))

    @blueprint.public
    @blueprint.critical
    @blueprint.raw_body(FORM_TYPE, max_bytes=LONGEST)
    def post(self, raw: bytes, interaction_id: UUID) -> Response:
        """Take one step of it; an accepted form answers with a redirect."""
        form = Form(raw)
        check_proof(form, read_cookie(BROWSER_COOKIE), str(interaction_id))
        step = STEPS.get(form.one("step"))
        if step is None:
            abort(400)
        g.posted = Posted(interaction_id, form)
        return step(unit(), read_visit(unit(), interaction_id), form)


@blueprint.route("/entry")
class EntryPage(MethodView):
    """Where a citizen comes from the city's app, on the way to a service's page."""

    @blueprint.public
    @blueprint.writing
    @blueprint.arguments(TicketArgs, location="query")
    def get(self, wanted: dict[str, str]) -> Response:
        """Tie the way to this browser and send it on to the client."""
        browser = read_cookie(BROWSER_COOKIE) or secrets.token_urlsafe(32)
        response = go_to(service.follow_entry(unit(), deps(OAuthDeps), wanted["ticket"], browser))
        set_cookie(response, BROWSER_COOKIE, browser)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


@blueprint.route("/device")
class DevicePage(MethodView):
    """Where somebody types the code that a device shows."""

    @blueprint.public
    @blueprint.arguments(PageArgs, location="query")
    def get(self, wanted: dict[str, Any]) -> Response:
        """Ask for the code; one that stands in the address still has to be confirmed."""
        browser = read_cookie(BROWSER_COOKIE) or secrets.token_urlsafe(32)
        response = _show_device(browser, user_code=wanted["user_code"])
        set_cookie(response, BROWSER_COOKIE, browser)
        return _keep_language(wanted, response)

    @blueprint.public
    @blueprint.raw_body(FORM_TYPE, max_bytes=LONGEST)
    def post(self, raw: bytes) -> Response:
        """Go on with the interaction of the device whose code it is."""
        form = Form(raw)
        browser = read_cookie(BROWSER_COOKIE)
        check_proof(form, browser, "device")
        g.posted = Posted(None, form)
        found = service.open_device_interaction(
            unit(), deps(OAuthDeps), form.one("user_code"), browser or "", client_address()
        )
        return go_to(f"/oauth/interaction/{found}")


@blueprint.route("/device/done")
class DeviceDone(MethodView):
    """The end of connecting a device."""

    @blueprint.public
    @blueprint.arguments(PageArgs, location="query")
    def get(self, wanted: dict[str, Any]) -> Response:
        """Say that the device goes on by itself."""
        response = show(
            "message",
            zh="已处理",
            en="Done",
            more_zh="请回到设备上，它会自动继续。您可以关闭本页面。",
            more_en="Return to the device; it goes on by itself. You can close this page.",
            code=None,
        )
        return _keep_language(wanted, response)


@blueprint.route("/logout/done")
class LogoutDone(MethodView):
    """The end of a log-out that no client waits for."""

    @blueprint.public
    @blueprint.arguments(PageArgs, location="query")
    def get(self, wanted: dict[str, Any]) -> Response:
        """Say that it is over."""
        response = show(
            "message",
            zh="登录已处理完毕",
            en="That is settled",
            more_zh="您可以关闭本页面。",
            more_en="You can close this page.",
            code=None,
        )
        return _keep_language(wanted, response)


@blueprint.route("/assets/<slug:version>/<name>")
class Asset(MethodView):
    """The style, the script and the icon of the pages."""

    @blueprint.public
    @blueprint.unmetered
    def get(self, version: str, name: str) -> Response:
        """Hand out one of them; its address changes whenever it does."""
        if name not in ASSETS:
            abort(404)
        body, kind = ASSETS[name]
        response = Response(body, mimetype=kind)
        is_current = version == VERSION
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if is_current else "no-cache"
        )
        return response


@blueprint.errorhandler(Exception)
def _answer(error: Exception) -> Response:
    """Show a refused form again with what was wrong; for everything else, a page that says it."""
    posted: Posted | None = g.get("posted")
    if posted is None or not isinstance(error, DomainError):
        return show_refusal(error)
    form = posted.form
    can_wait = isinstance(error, RateLimited | Unavailable)
    fault = fault_of(error, None if can_wait else FIELDS.get(form.one("step")))
    status = status_of(error) if can_wait else UNPROCESSABLE
    if posted.interaction_id is None:
        browser = read_cookie(BROWSER_COOKIE) or ""
        return _show_device(browser, user_code=form.one("user_code"), fault=fault, status=status)
    try:
        with deps(Units).open(actor="anonymous", read_only=True, request_id=g.request_id) as uow:
            visit = read_visit(uow, posted.interaction_id)
            return show_visit(uow, visit, fault=fault, status=status, **posted.typed())
    except DomainError as gone:
        return show_refusal(gone)


def _show_device(browser: str, *, user_code: str, **more: Any) -> Response:  # noqa: ANN401
    return show("device", csrf=proof_of(browser, "device"), typed={"user_code": user_code}, **more)


def _asked(wanted: dict[str, Any]) -> dict[str, Any]:
    return {"way": wanted["way"], "challenge": wanted["challenge"]}


def _keep_language(wanted: dict[str, Any], response: Response) -> Response:
    """Remember a language that was switched to."""
    if wanted["lang"]:
        set_cookie(response, LANGUAGE_COOKIE, language())
    return response
