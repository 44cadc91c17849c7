"""What an intent asks of the citizen next: a redirect, a code to scan, or a challenge."""

import base64

from sandbox.stripe.errors import Body
from sandbox.stripe.ids import new_id
from sandbox.stripe.world import Call

# One transparent pixel: clients draw the code from `data`, and this only has to be an image.
_PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d4944415478da63640000000600023081d02f0000000049454e44ae426082"
    )
).decode()


def page_url(call: Call, intent: Body) -> str:
    """Return the address of the page on which the citizen approves or declines."""
    return f"{call.base_url}/sandbox/pay/{intent['id']}"


def build(call: Call, intent: Body, method: Body) -> Body:
    """Return the next action for an intent that needs the citizen."""
    if method["type"] == "alipay":
        return _alipay(call, intent)
    if method["type"] == "wechat_pay":
        return _wechat_pay(call, intent)
    return _challenge(call, intent)


def _alipay(call: Call, intent: Body) -> Body:
    details = {
        "native_data": None,
        "native_url": None,
        "return_url": call.params["return_url"],
        "url": page_url(call, intent),
    }
    return {"type": "alipay_handle_redirect", "alipay_handle_redirect": details}


def _wechat_pay(call: Call, intent: Body) -> Body:
    options = intent["payment_method_options"]["wechat_pay"]
    url = page_url(call, intent)
    if options["client"] == "ios":
        kind, details = "wechat_pay_redirect_to_ios_app", {"native_url": url}
    elif options["client"] == "android":
        kind = "wechat_pay_redirect_to_android_app"
        details = {
            "app_id": options["app_id"],
            "nonce_str": new_id("nonce"),
            "package": "Sign=WXPay",
            "partner_id": "sandbox",
            "prepay_id": new_id("prepay"),
            "sign": new_id("sign"),
            "timestamp": str(call.now),
        }
    else:
        kind = "wechat_pay_display_qr_code"
        details = {
            "data": url,
            "hosted_instructions_url": url,
            "image_data_url": f"data:image/png;base64,{_PIXEL}",
            "image_url_png": f"{url}/qr.png",
            "image_url_svg": f"{url}/qr.svg",
        }
    return {"type": kind, kind: details}


def _challenge(call: Call, intent: Body) -> Body:
    url = page_url(call, intent)
    return_url = call.params.get("return_url")
    if return_url and not call.params.get("use_stripe_sdk"):
        return {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": url},
        }
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {
            "type": "three_d_secure_redirect",
            "source": new_id("src"),
            "stripe_js": url,
        },
    }
