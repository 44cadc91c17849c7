"""The calls that steer the wallets: the payer's acts, faults, notices, books, the journal."""

import io
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import segno
from flask import Blueprint, Response, jsonify, request

from sandbox.wallets.books import Refused, Row
from sandbox.wallets.desk import Desk, Wallet
from sandbox.wallets.faults import KINDS, Fault, Faults
from sandbox.wallets.notices import MODES

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sandbox {wallet}</title>
<h1>Sandbox {wallet}</h1><p>{amount} fen, {state}</p>
<form method="post"><button name="outcome" value="approve">Approve</button>
<button name="outcome" value="decline">Decline</button></form></html>
"""


def make_blueprint(desk: Desk, wallets: Mapping[str, Wallet]) -> Blueprint:
    """Return the routes below `/sandbox/{wallet}`; they ask for no key, all of this is loopback."""
    blueprint = Blueprint("control", __name__, url_prefix="/sandbox/<any(alipay, wechat):wallet>")
    _add_orders(blueprint, desk, wallets)
    _add_refunds(blueprint, desk, wallets)
    _add_steering(blueprint, desk, wallets)

    @blueprint.errorhandler(Refused)
    def refuse(error: Refused) -> tuple[Response, int]:
        return jsonify({"code": error.reason}), 409

    return blueprint


def show(row: Row) -> dict[str, Any]:
    """Return a row as JSON."""
    return {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row iterates over values


def act(desk: Desk, wallet: Wallet, number: str, outcome: str) -> Row:
    """Let the payer do something with an order."""
    books = wallet.books
    with desk.store.change():
        if outcome == "approve":
            order = books.pay(number)
            wallet.tell_paid(order)
        elif outcome in {"decline", "scan"}:
            order = books.see(number)
        else:
            order = books.be(number, outcome)
    desk.notices.wake()
    return order


def _add_orders(blueprint: Blueprint, desk: Desk, wallets: Mapping[str, Wallet]) -> None:
    outcomes = "approve, decline, scan, paying, open, failed, finished"

    @blueprint.post(f"/orders/<number>/<any({outcomes}):outcome>")
    def do(wallet: str, number: str, outcome: str) -> Response:
        return jsonify(show(act(desk, wallets[wallet], number, outcome)))

    @blueprint.get("/orders/<number>")
    def read(wallet: str, number: str) -> Response:
        return jsonify(show(wallets[wallet].books.get(number)))

    @blueprint.get("/pay/<number>")
    def page(wallet: str, number: str) -> str:
        order = wallets[wallet].books.see(number)
        return _PAGE.format(wallet=wallet, amount=order["amount"], state=order["state"])

    @blueprint.post("/pay/<number>")
    def decide(wallet: str, number: str) -> str:
        wanted = "approve" if request.form.get("outcome") == "approve" else "decline"
        order = act(desk, wallets[wallet], number, wanted)
        return _PAGE.format(wallet=wallet, amount=order["amount"], state=order["state"])

    @blueprint.get("/pay/<number>/qr.png")
    def draw(wallet: str, number: str) -> Response:
        image = io.BytesIO()
        url = f"{request.host_url}sandbox/{wallet}/pay/{number}"
        segno.make_qr(url).save(image, kind="png", scale=4)
        return Response(image.getvalue(), mimetype="image/png")


def _add_refunds(blueprint: Blueprint, desk: Desk, wallets: Mapping[str, Wallet]) -> None:
    @blueprint.post("/refunds/<number>/<any(done, closed, abnormal):state>")
    def settle(wallet: str, number: str, state: str) -> tuple[Response, int] | Response:
        with desk.store.change():
            refund = wallets[wallet].books.settle_refund(number, state)
            if refund is None:
                return jsonify({"code": "over"}), 409
            wallets[wallet].tell_refund(refund)
        desk.notices.wake()
        return jsonify(show(refund))

    @blueprint.get("/refunds/<number>")
    def read_refund(wallet: str, number: str) -> tuple[Response, int] | Response:
        refund = wallets[wallet].books.find_refund(number)
        return (jsonify({"code": "absent"}), 404) if refund is None else jsonify(show(refund))

    @blueprint.post("/payouts")
    def pay_out(wallet: str) -> Response:
        return jsonify({"id": wallets[wallet].books.pay_out(int(_body()["amount"]))})


def _add_steering(  # noqa: C901 - a list of routes
    blueprint: Blueprint, desk: Desk, wallets: Mapping[str, Wallet]
) -> None:
    add: Callable[..., None] = blueprint.add_url_rule

    def faults(wallet: str) -> Response:
        planned = Faults(wallet, desk.store)
        if request.method == "DELETE":
            planned.clear()
        if request.method == "PUT":
            body = _body()
            if body.get("kind") not in KINDS:
                raise Refused(f"kind is one of {', '.join(KINDS)}")
            planned.plan(Fault(**{"operation": "*", **body}))
        return jsonify({"items": [fault.kind for fault in planned.planned()]})

    def notices(wallet: str) -> Response:
        if request.method == "PUT":
            mode = _body().get("mode")
            if mode not in MODES:
                raise Refused(f"mode is one of {', '.join(MODES)}")
            desk.notices.behave(wallet, mode)
            desk.notices.wake()
        rows = desk.notices.listed(wallet, request.args.get("subject"))
        return jsonify({"items": [_with_letter(desk, row) for row in rows]})

    def redeliver(wallet: str) -> Response:
        body = _body()
        count = desk.notices.again(wallet, str(body["subject"]), int(body.get("times", 1)))
        desk.notices.wake()
        return jsonify({"queued": count})

    def close_books(wallet: str) -> Response:
        day = date.fromisoformat(str(_body()["day"]))
        desk.close_books(wallet, day)
        return jsonify({"day": day.isoformat(), "closed": True})

    def journal(wallet: str) -> Response:
        rows = desk.store.rows("SELECT * FROM journal WHERE wallet = ? ORDER BY number", [wallet])
        return jsonify({"items": [show(row) for row in rows]})

    del wallets
    add("/faults", view_func=faults, methods=["GET", "PUT", "DELETE"])
    add("/notices", view_func=notices, methods=["GET", "PUT"])
    add("/notices/redeliver", view_func=redeliver, methods=["POST"])
    add("/books", view_func=close_books, methods=["POST"])
    add("/journal", view_func=journal, methods=["GET"])


def _with_letter(desk: Desk, row: Row) -> dict[str, Any]:
    letter = desk.notices.letter(row)
    return {**show(row), "raw": letter.raw.decode(), "headers": dict(letter.headers)}


def _body() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refused("send a JSON object")
    return body
