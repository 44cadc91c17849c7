"""The page a citizen is redirected to: approve or decline, then back to the return address."""

import io
from collections.abc import Callable
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import segno
from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.stripe import confirmation
from sandbox.stripe.errors import ApiError, Body
from sandbox.stripe.world import Call, World

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sandbox payment</title>
<h1>Sandbox payment</h1>
<p>{amount} {currency}, {status}</p>
{form}</html>
"""
_FORM = """<form method="post">
<button name="outcome" value="approve">Approve</button>
<button name="outcome" value="decline">Decline</button>
</form>
"""


def make_blueprint(world: World, wake: Callable[[], None]) -> Blueprint:
    """Return the routes of the page and of the code that leads to it."""
    blueprint = Blueprint("pages", __name__, url_prefix="/sandbox/pay")

    def show(intent_id: str) -> str:
        return _render(world.store.get("payment_intent", intent_id))

    def decide(intent_id: str) -> AnyResponse | str:
        with world.store.transaction():
            intent = world.store.get("payment_intent", intent_id)
            approved = request.form.get("outcome") == "approve"
            _apply(Call(world=world), intent, approved=approved)
            return_url = world.store.hidden(intent_id).get("return_url")
        wake()
        if not return_url:
            return _render(intent)
        return redirect(_with_outcome(return_url, intent), 303)

    def draw(intent_id: str, kind: str) -> Response:
        url = f"{request.host_url}sandbox/pay/{intent_id}"
        code = segno.make_qr(url)
        if kind == "svg":
            return Response(code.svg_inline(scale=4), mimetype="image/svg+xml")
        image = io.BytesIO()
        code.save(image, kind="png", scale=4)
        return Response(image.getvalue(), mimetype="image/png")

    blueprint.add_url_rule("/<intent_id>", "show", show)
    blueprint.add_url_rule("/<intent_id>", "decide", decide, methods=["POST"])
    blueprint.add_url_rule("/<intent_id>/qr.<any(png, svg):kind>", "draw", draw)

    @blueprint.errorhandler(ApiError)
    def refuse(error: ApiError) -> tuple[str, int]:
        return f"<!doctype html><p>{escape(str(error))}</p>", error.status

    return blueprint


def _apply(call: Call, intent: Body, *, approved: bool) -> None:
    if approved:
        confirmation.approve(call, intent, processing=False)
    else:
        confirmation.decline(call, intent)


def _render(intent: Body) -> str:
    waiting = intent["status"] in ("requires_action", "processing")
    return _PAGE.format(
        amount=intent["amount"],
        currency=escape(intent["currency"].upper()),
        status=escape(intent["status"]),
        form=_FORM if waiting else "",
    )


def _with_outcome(return_url: str, intent: Body) -> str:
    parts = urlsplit(return_url)
    paid = intent["status"] in ("succeeded", "requires_capture", "processing")
    outcome = [
        ("payment_intent", intent["id"]),
        ("payment_intent_client_secret", intent["client_secret"]),
        ("redirect_status", "succeeded" if paid else "failed"),
    ]
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *outcome])
    return urlunsplit(parts._replace(query=query))
