"""The calls that steer the sandbox itself: approvals, faults, webhooks, clock, journal."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, request

from sandbox.stripe import confirmation, disputes, journal, outbox, payouts, refunds, setups
from sandbox.stripe.errors import ApiError, Body, invalid
from sandbox.stripe.faults import KINDS, Fault, Faults
from sandbox.stripe.operations import OPERATIONS
from sandbox.stripe.world import Call, World

_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Desk:
    """What steering needs: the sandbox, its faults, and a way to wake the post office."""

    world: World
    faults: Faults
    wake: Callable[[], None]


def make_blueprint(desk: Desk) -> Blueprint:
    """Return the routes below `/sandbox`; they ask for no key, the sandbox is on loopback."""
    blueprint = Blueprint("control", __name__, url_prefix="/sandbox")
    _add_objects(blueprint, desk)
    _add_payouts(blueprint, desk)
    _add_webhooks(blueprint, desk)
    _add_faults(blueprint, desk)
    _add_clock(blueprint, desk)

    @blueprint.errorhandler(ApiError)
    def refuse(error: ApiError) -> tuple[Response, int]:
        return jsonify(error.body), error.status

    return blueprint


def _add_objects(blueprint: Blueprint, desk: Desk) -> None:
    def approve(intent_id: str) -> Response:
        wanted = _text(_body(), "as", ("succeeded", "processing"), "succeeded")
        return _on_intent(desk, intent_id, processing=wanted == "processing")

    def decline(intent_id: str) -> Response:
        return _on_intent(desk, intent_id, processing=None)

    def approve_setup(setup_id: str) -> Response:
        return _on_setup(desk, setup_id, setups.approve)

    def decline_setup(setup_id: str) -> Response:
        return _on_setup(desk, setup_id, setups.decline)

    def settle(refund_id: str) -> Response:
        body = _body()
        outcome = _text(body, "as", ("succeeded", "failed", "requires_action"), "succeeded")
        with desk.world.store.transaction():
            refund = desk.world.store.get("refund", refund_id)
            reason = body.get("failure_reason")
            refund = refunds.settle(Call(world=desk.world), refund, outcome, reason)
        desk.wake()
        return jsonify(refund)

    def dispute(intent_id: str) -> Response:
        body = _body()
        amount = _number(body, "amount")
        with desk.world.store.transaction():
            intent = desk.world.store.get("payment_intent", intent_id)
            charge = desk.world.store.get("charge", str(intent["latest_charge"]))
            made = disputes.open_dispute(
                Call(world=desk.world),
                charge,
                reason=str(body.get("reason", "fraudulent")),
                amount=None if amount is None else int(amount),
            )
        desk.wake()
        return jsonify(made)

    def settle_dispute(dispute_id: str) -> Response:
        outcome = _text(_body(), "as", disputes.OUTCOMES, "won")
        with desk.world.store.transaction():
            found = desk.world.store.get("dispute", dispute_id)
            found = disputes.settle(Call(world=desk.world), found, outcome)
        desk.wake()
        return jsonify(found)

    add = blueprint.add_url_rule
    add("/payment_intents/<intent_id>/dispute", view_func=dispute, methods=["POST"])
    add("/disputes/<dispute_id>/settle", view_func=settle_dispute, methods=["POST"])
    add("/payment_intents/<intent_id>/approve", view_func=approve, methods=["POST"])
    add("/payment_intents/<intent_id>/decline", view_func=decline, methods=["POST"])
    add("/setup_intents/<setup_id>/approve", view_func=approve_setup, methods=["POST"])
    add("/setup_intents/<setup_id>/decline", view_func=decline_setup, methods=["POST"])
    add("/refunds/<refund_id>/settle", view_func=settle, methods=["POST"])


def _on_intent(desk: Desk, intent_id: str, *, processing: bool | None) -> Response:
    with desk.world.store.transaction():
        call = Call(world=desk.world)
        intent = desk.world.store.get("payment_intent", intent_id)
        if processing is None:
            intent = confirmation.decline(call, intent)
        else:
            intent = confirmation.approve(call, intent, processing=processing)
    desk.wake()
    return jsonify(intent)


def _on_setup(desk: Desk, setup_id: str, deed: Callable[[Call, Body], Body]) -> Response:
    with desk.world.store.transaction():
        setup = deed(Call(world=desk.world), desk.world.store.get("setup_intent", setup_id))
    desk.wake()
    return jsonify(setup)


def _add_payouts(blueprint: Blueprint, desk: Desk) -> None:
    def pay_out() -> Response:
        currency = str(_body().get("currency", "cny"))
        with desk.world.store.transaction():
            payout = payouts.pay_out_all(Call(world=desk.world), currency)
        desk.wake()
        return jsonify(payout)

    def settle_payout(payout_id: str) -> Response:
        outcome = _text(_body(), "as", ("paid", "failed"), "paid")
        with desk.world.store.transaction():
            payout = desk.world.store.get("payout", payout_id)
            payout = payouts.settle(Call(world=desk.world), payout, outcome)
        desk.wake()
        return jsonify(payout)

    add = blueprint.add_url_rule
    add("/payouts", view_func=pay_out, methods=["POST"])
    add("/payouts/<payout_id>/settle", view_func=settle_payout, methods=["POST"])


def _add_webhooks(blueprint: Blueprint, desk: Desk) -> None:
    def show() -> Response:
        return jsonify(outbox.behaviour(desk.world))

    def behave() -> Response:
        body = _body()
        mode = _text(body, "mode", outbox.MODES)
        times = _number(body, "times") or (2 if mode == "reorder" else None)
        seconds = _number(body, "seconds") or 0
        change = outbox.behave(desk.world, mode, None if times is None else int(times), seconds)
        desk.wake()
        return jsonify(change)

    def redeliver() -> Response:
        body = _body()
        times, parallel = int(_number(body, "times") or 1), bool(body.get("parallel"))
        count = outbox.redeliver(desk.world, _named(desk, body), times=times, parallel=parallel)
        desk.wake()
        return jsonify({"queued": count})

    def deliveries() -> Response:
        event, intent = request.args.get("event"), request.args.get("payment_intent")
        return jsonify({"items": outbox.listed(desk.world, event=event, payment_intent=intent)})

    add = blueprint.add_url_rule
    add("/webhooks/behaviour", "show_behaviour", show)
    add("/webhooks/behaviour", "behave", behave, methods=["PUT"])
    add("/webhooks/redeliver", view_func=redeliver, methods=["POST"])
    add("/webhooks/deliveries", view_func=deliveries)


def _named(desk: Desk, body: Body) -> list[Body]:
    if "event" in body:
        return [desk.world.store.get("event", str(body["event"]))]
    if "payment_intent" not in body:
        raise invalid("Name an event or a payment_intent.", param="event")
    return desk.world.store.of_kind("event", parent=str(body["payment_intent"]))


def _add_faults(blueprint: Blueprint, desk: Desk) -> None:
    def show() -> Response:
        return jsonify({"items": desk.faults.planned()})

    def plan() -> Response:
        body = _body()
        times = _number(body, "times")
        names = ("*", *(operation.name for operation in OPERATIONS))
        fault = Fault(
            operation=_text(body, "operation", names, "*"),
            kind=_text(body, "kind", KINDS),
            times=None if times is None else int(times),
            seconds=_number(body, "seconds") or 0.0,
        )
        desk.faults.plan(fault)
        return show()

    def clear() -> Response:
        desk.faults.clear()
        return show()

    add = blueprint.add_url_rule
    add("/faults", "show_faults", show)
    add("/faults", "plan_fault", plan, methods=["PUT"])
    add("/faults", "clear_faults", clear, methods=["DELETE"])


def _add_clock(blueprint: Blueprint, desk: Desk) -> None:
    def show() -> Response:
        return jsonify({"now": desk.world.clock.now()})

    def advance() -> Response:
        seconds = _number(_body(), "advance")
        if seconds is None or seconds < 0:
            raise invalid("The clock goes forward by a number of seconds.", param="advance")
        desk.world.clock.advance(seconds)
        desk.wake()
        return show()

    def read_journal() -> Response:
        items = journal.entries(
            desk.world,
            after=request.args.get("after", 0, int),
            limit=request.args.get("limit", _MOST, int),
            operation=request.args.get("operation"),
        )
        return jsonify({"items": items})

    def clear_journal() -> Response:
        journal.clear(desk.world)
        return jsonify({"items": []})

    add = blueprint.add_url_rule
    add("/clock", "show_clock", show)
    add("/clock", "advance_clock", advance, methods=["POST"])
    add("/journal", "read_journal", read_journal)
    add("/journal", "clear_journal", clear_journal, methods=["DELETE"])


def _body() -> Body:
    # Read before Flask does: `curl -d` calls JSON a form.
    if not request.get_data():
        return {}
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise invalid("Send a JSON object.")
    return body


def _text(body: Body, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
    value = body.get(name, default)
    if value not in choices:
        raise invalid(f"{name} is one of: {', '.join(choices)}.", param=name)
    return str(value)


def _number(body: Body, name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise invalid(f"{name} is a number.", param=name)
    return float(value)
