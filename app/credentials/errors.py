"""What credentials refuses."""

from app.core.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited


class PasswordTooWeak(Invalid):
    """The password is against its policy; `reasons` names each rule that it breaks."""

    code = "password-too-weak"
    title_zh = "密码不符合要求"
    title_en = "The password is too easy to guess"


class PasswordReused(Invalid):
    """The password is one of the last that this member of staff has had."""

    code = "password-reused"
    title_zh = "不能使用最近用过的密码"
    title_en = "The password was used recently"


class TooManyGuesses(RateLimited):
    """Too many failures for this account from this network, or in the whole city."""

    code = "too-many-guesses"
    title_zh = "尝试次数过多，请稍后再试"
    title_en = "Too many failures; try again later"


class MeansBlocked(Forbidden):
    """A hundred failures in a row: this way in stays shut until it is reset; others are open."""

    code = "means-blocked"
    title_zh = "该登录方式因连续失败已停用，请使用其他方式或重置"
    title_en = "This way in is shut after too many failures; use another one, or reset it"


class PasskeyExists(Conflict):
    """This passkey is registered, here or with another account."""

    code = "passkey-exists"
    title_zh = "该通行密钥已被绑定"
    title_en = "The passkey is registered already"


class TooManyPasskeys(Conflict):
    """The owner has as many passkeys as one may have."""

    code = "too-many-passkeys"
    title_zh = "通行密钥数量已达上限"
    title_en = "There are as many passkeys as one may have"


class PasskeyNotFound(NotFound):
    """This owner has no passkey with this id."""

    code = "passkey-not-found"
    title_zh = "没有这个通行密钥"
    title_en = "There is no such passkey"


class TotpExists(Conflict):
    """An authenticator app has been confirmed before; it is removed first."""

    code = "totp-exists"
    title_zh = "已绑定动态口令"
    title_en = "An authenticator app is bound already"
