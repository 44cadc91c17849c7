"""Amounts in Chinese capitals, which nobody can change with a stroke: 人民币大写."""

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")
_GROUPS = ("亿", "万", "")
_LIMIT = 10**14


def amount_in_capitals(amount: int) -> str:
    """Return an amount of fen as Chinese cheques write it: 4250 is 肆拾贰元伍角整.

    Zeros follow the bank rules for 票据: one 零 for a run of zeros inside; where the rules leave
    it free (before a full group of four digits, and before 角) none is written.
    `ValueError` below zero and from 10^12 yuan on.
    """
    if not 0 <= amount < _LIMIT:
        raise ValueError(f"no capitals for {amount} fen")
    yuan, cents = divmod(amount, 100)
    jiao, fen = divmod(cents, 10)
    words = f"{_whole_capitals(yuan)}元" if yuan or not cents else ""
    if jiao:
        words += f"{_DIGITS[jiao]}角"
    elif fen and yuan:
        words += "零"
    return words + (f"{_DIGITS[fen]}分" if fen else "整")


def _whole_capitals(yuan: int) -> str:
    """Write whole yuan in groups of four digits: 亿, 万 and the rest."""
    words = ""
    skipped = False
    groups = (yuan // 10**8, yuan // 10**4 % 10**4, yuan % 10**4)
    for group, unit in zip(groups, _GROUPS, strict=True):
        if group:
            gap = words and (skipped or group < 1000)  # noqa: PLR2004 - the thousands are zero
            words += ("零" if gap else "") + _group_capitals(group) + unit
        skipped = not group
    return words or "零"


def _group_capitals(group: int) -> str:
    """Write one group of four digits without zeros at either end."""
    words = ""
    skipped = False
    for digit, place in zip(f"{group:04d}", _PLACES, strict=True):
        if digit != "0":
            words += ("零" if words and skipped else "") + _DIGITS[int(digit)] + place
        skipped = digit == "0"
    return words
