"""What must not happen, tried: each refusal with its status and its stable code."""

from typing import Any

from app.cli.demo.actors import Phone, approve_wallet, confirm_card, is_sandbox_stripe, order_of
from app.cli.demo.journey import Paid, Tour, await_inbox, read_balance
from app.cli.demo.story import check, expect, expect_refusal, wait_for, yuan

SECOND_AMOUNT = 3180
REFUSED_AMOUNT = 2760
_LEVELS_ABOVE = ("strong", "verified")


def perform(tour: Tour, paid: Paid) -> None:
    """Try every row of the table, after the journey; raise `Broken` at the first that differs."""
    _repeat(tour, paid)
    _pay_by_wallet(tour, paid)
    _pay_again(tour, paid)
    stranger = Phone.fresh(tour.web)
    _be_somebody_else(tour, paid, stranger)
    _be_too_unsure(tour, stranger)
    _be_refused_by_biller(tour, paid)


def _repeat(tour: Tour, paid: Paid) -> None:
    with tour.story.step("14", "重复请求 same key again") as step:
        again = tour.phone.start_payment(paid.order, paid.key)
        expect(again, 201)
        check("Idempotent-Replayed", "true", again.headers.get("idempotent-replayed"))
        check("the body", paid.first.raw, again.raw)
        step.say("201, the first answer byte for byte, Idempotent-Replayed: true")
    with tour.story.step("15", "同键异文 same key, other body") as step:
        other = {**paid.order, "method": "alipay", "return_url": "wudang://paid"}
        answer = tour.phone.start_payment(other, paid.key)
        expect_refusal(answer, 422, "idempotency-key-reused")
        step.say("422 idempotency-key-reused")


def _pay_by_wallet(tour: Tour, paid: Paid) -> None:
    wallet = is_sandbox_stripe(tour.stripe)
    with tour.story.step("16", "支付中 a bill being paid, other key") as step:
        bill, _ = tour.link_account(paid.holder, SECOND_AMOUNT)
        listed = tour.phone.open_bill(bill)
        order = (
            order_of(listed, "alipay", return_url="wudang://paid") if wallet else order_of(listed)
        )
        first = expect(tour.phone.start_payment(order), 201)
        answer = tour.phone.start_payment(order)
        body = expect_refusal(answer, 409, "payment-in-progress")
        check("the live payment", first["id"], body.get("payment_id"))
        live = expect(tour.phone.get(f"/v1/payments/{first['id']}"), 200)
        check("its next action", first["next_action"], live["next_action"])
        step.say("409 payment-in-progress, names the live payment; it can still be paid:")
    with tour.story.step("17", "支付宝 … by Alipay" if wallet else "… by card") as step:
        action: dict[str, Any] = live["next_action"]
        if wallet:
            check("next action", "redirect", action["type"])
            approve_wallet(tour.stripe, action["intent"])
        else:
            confirm_card(action)
        done = tour.phone.await_payment(first["id"], "fulfilled")
        step.say(f"{done['status']} {yuan(done['amount'])}, posted")


def _pay_again(tour: Tour, paid: Paid) -> None:
    with tour.story.step("18", "已缴 pay a paid bill") as step:
        expect_refusal(tour.phone.start_payment(paid.order), 409, "already-paid")
        step.say("409 already-paid")
    with tour.story.step("19", "无幂等键 no key") as step:
        answer = tour.phone.post("/v1/payments", paid.order)
        expect_refusal(answer, 400, "idempotency-key-missing")
        step.say("400 idempotency-key-missing")


def _be_somebody_else(tour: Tour, paid: Paid, stranger: Phone) -> None:
    with tour.story.step("20", "他人 somebody else's things") as step:
        stranger.log_in(tour.city)
        nothing = "00000000-0000-7000-8000-000000000000"
        for path, theirs in (
            ("/v1/payments/{}", paid.payment_id),
            ("/v1/payments/{}/events", paid.payment_id),
            ("/v1/payments/{}/receipt", paid.payment_id),
            ("/v1/utilities/accounts/{}", paid.account_id),
            ("/v1/utilities/bills/{}", paid.bill_id),
        ):
            seen = expect(stranger.get(path.format(theirs)), 404)
            absent = expect(stranger.get(path.format(nothing)), 404)
            check("the code", absent["code"], seen["code"])
        step.say("404 for payment, timeline, receipt, account, bill, as for what does not exist")
    with tour.story.step("21", "未登录 no token, a wrong token") as step:
        for phone in (Phone(tour.web, ""), Phone(tour.web, "", "not-a-token")):
            answer = phone.get("/v1/me")
            expect(answer, 401)
            challenge = answer.headers.get("www-authenticate", "")
            check("WWW-Authenticate", "Bearer", challenge.partition(" ")[0])
        step.say("401 with WWW-Authenticate: Bearer")


def _be_too_unsure(tour: Tour, stranger: Phone) -> None:
    """Pay for what needs more than a phone number, as somebody who has proven only that."""
    number, title = "22", "认证不足 assurance too low"
    listed = expect(stranger.get("/v1/services?kind=payable&limit=100"), 200)["items"]
    guarded = [item for item in listed if item["assurance"] in _LEVELS_ABOVE and item["available"]]
    if not guarded:
        tour.story.skip(number, title, "not shown: nothing here that is paid needs more than basic")
        return
    with tour.story.step(number, title) as step:
        service = guarded[0]
        order = order_of({"service": service["id"], "reference": "X-1"})
        body = expect_refusal(stranger.start_payment(order), 403, "assurance-too-low")
        check("the level needed", service["assurance"], body.get("needed"))
        step.say(f"403 assurance-too-low; {service['id']} needs {body['needed']}")


def _be_refused_by_biller(tour: Tour, paid: Paid) -> None:
    with tour.story.step("23", "退款 biller refuses after the money") as step:
        bill, _ = tour.link_account(paid.holder, REFUSED_AMOUNT)
        order = order_of(tour.phone.open_bill(bill))
        payment = expect(tour.phone.start_payment(order), 201)
        tour.city.pay_at_counter(bill)
        confirm_card(payment["next_action"])
        done = tour.phone.await_payment(payment["id"], "refunded")
        check("refunded", REFUSED_AMOUNT, done["refunded_amount"])
        await_inbox(tour.phone, {"payment-refunded-item", "refund-succeeded"})
        wait_for(
            "the SMS about the refund",
            lambda: tour.city.texts_to(tour.phone.number),
            lambda seen: any("退款" in text for text in seen),
        )
        effective = [p for p in tour.city.postings_of(bill) if p["effective"]]
        check("effective postings", 0, len(effective))
        step.say(f"{yuan(done['refunded_amount'])} went back by itself; told in the app and by SMS")
    with tour.story.step("24", "对账 the books once more") as step:
        read_balance(tour)
        step.say("zero in every currency")
