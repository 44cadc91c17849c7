"""Which currencies may be charged, how little and how much of each, and by which method."""

from sandbox.stripe.errors import ApiError, invalid

_LISTED = """
aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bif bmd bnd bob brl bsd bwp byn bzd cad cdf
chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl
htg huf idr ils inr isk jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk
mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln pyg qar ron rsd rub
rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs vnd
vuv wst xaf xcd xof xpf yer zar zmw
"""
SUPPORTED = frozenset(_LISTED.split())

LARGEST = 99_999_999
"""Stripe takes at most eight digits of the smallest unit."""

# What Stripe asks for at least; a currency that is not here is converted, and half a dollar rules.
_SMALLEST = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "cny": 400, "czk": 1500,
    "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000,
    "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
    "usd": 50,
}  # fmt: skip

_METHODS = {
    "alipay": frozenset(
        ["aud", "cad", "cny", "eur", "gbp", "hkd", "jpy", "myr", "nzd", "sgd", "usd"]
    ),
    "wechat_pay": frozenset(
        ["aud", "cad", "chf", "cny", "dkk", "eur", "gbp", "hkd", "jpy", "nok", "sek", "sgd", "usd"]
    ),
}


def takes(method: str, currency: str) -> bool:
    """Say whether this payment method can be charged in this currency."""
    return currency in _METHODS.get(method, SUPPORTED)


def check_currency(currency: str) -> str:
    """Return the currency in lower case, or refuse one that Stripe does not know."""
    lowered = currency.lower()
    if lowered not in SUPPORTED:
        raise invalid(f"Invalid currency: {currency}. It is not supported.", param="currency")
    return lowered


def check_amount(amount: int, currency: str) -> None:
    """Refuse an amount below the currency's minimum or above eight digits."""
    least = _SMALLEST.get(currency, 50)
    if amount < least:
        raise _amount_error(f"Amount must be at least {least} {currency}.", "amount_too_small")
    if amount > LARGEST:
        raise _amount_error(f"Amount must be at most {LARGEST} {currency}.", "amount_too_large")


def _amount_error(message: str, code: str) -> ApiError:
    return invalid(message, code=code, param="amount")
