"""What identity refuses."""

from app.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
)


class PhoneNotSupported(Invalid):
    """Only mobile numbers of mainland China get codes."""

    code = "phone-not-supported"
    title_zh = "仅支持中国大陆手机号"
    title_en = "Only mobile numbers of mainland China are supported"


class TooManyCodes(RateLimited):
    """No code is sent now: this number, this network or the whole city has had enough."""

    code = "too-many-codes"
    title_zh = "验证码发送过于频繁，请稍后再试"
    title_en = "Too many codes were asked for"


class TooManyTries(RateLimited):
    """The whole city sees too many wrong codes: somebody is guessing."""

    code = "too-many-tries"
    title_zh = "尝试次数过多，请稍后再试"
    title_en = "Too many wrong codes"


class CodeWrong(Invalid):
    """The code is wrong, over, used, or of no challenge: the answer is the same."""

    code = "code-wrong"
    title_zh = "验证码不正确或已失效"
    title_en = "The code is wrong or over"


class CredentialsWrong(Invalid):
    """The password is wrong, there is none, or nobody has the number: the answer is the same."""

    code = "credentials-wrong"
    title_zh = "手机号或密码不正确"
    title_en = "The number or the password is wrong"


class SecondFactorNeeded(Forbidden):
    """The password is right, but too short to stand alone: a code goes with it."""

    code = "second-factor-needed"
    title_zh = "该密码需与短信验证码一同使用"
    title_en = "This password needs a code besides"


class ResetRefused(Invalid):
    """The second proof does not hold, or nobody has the number: the answer is the same."""

    code = "reset-refused"
    title_zh = "身份核验未通过，无法重置密码"
    title_en = "The proof does not hold; nothing was reset"


class PhoneTaken(Conflict):
    """Another account has this number."""

    code = "phone-taken"
    title_zh = "该手机号已被其他账号使用"
    title_en = "Another account has this number"


class PhoneUnchanged(Conflict):
    """The account has this number already."""

    code = "phone-unchanged"
    title_zh = "新手机号与当前手机号相同"
    title_en = "The account has this number already"


class AccountLocked(Forbidden):
    """The account is locked."""

    code = "account-locked"
    title_zh = "账号已被锁定"
    title_en = "The account is locked"


class StepUpImpossible(Conflict):
    """The citizen has neither a passkey nor a password: one is set first, after a fresh log-in."""

    code = "step-up-impossible"
    title_zh = "请先重新登录并设置密码或通行密钥"
    title_en = "A password or a passkey is needed first: log in again and set one"


class StepUpNotFound(NotFound):
    """This session has begun no such step-up, or it is over or used."""

    code = "step-up-not-found"
    title_zh = "该验证已失效，请重新开始"
    title_en = "There is no such step-up, or it is over"


class StepUpRefused(Invalid):
    """The code, the password or the passkey does not hold; which of them is not said."""

    code = "step-up-refused"
    title_zh = "验证未通过"
    title_en = "The proof does not hold"


class RefreshTokenInvalid(Unauthenticated):
    """The refresh token is not one of ours, is over, or its session was ended."""

    code = "refresh-token-invalid"
    title_zh = "登录已失效，请重新登录"
    title_en = "The refresh token is not valid"


class SessionNotFound(NotFound):
    """This citizen has no session with this id."""

    code = "session-not-found"
    title_zh = "没有这个登录设备"
    title_en = "There is no such session"


class ResidentIdInvalid(Invalid):
    """The resident identity number cannot be one."""

    code = "resident-id-invalid"
    title_zh = "身份证号码不正确"
    title_en = "This cannot be a resident identity number"


class DocumentNotSupported(Invalid):
    """A permit of the old form has no resident number; its holder is confirmed at a counter."""

    code = "document-not-supported"
    title_zh = "暂不支持该证件，请到政务服务窗口办理"
    title_en = "This kind of document is not supported here"


class IdentityMismatch(Invalid):
    """The register does not know this name with this number."""

    code = "identity-mismatch"
    title_zh = "姓名与身份证号码不一致"
    title_en = "The name and the number do not belong together"


class IdentityAlreadyBound(Conflict):
    """Another account was verified with this number."""

    code = "identity-already-bound"
    title_zh = "该身份已绑定其他账号"
    title_en = "This identity is bound to another account"


class IdentityDiffers(Conflict):
    """The account was verified with another number; it stays one person's."""

    code = "identity-differs"
    title_zh = "该账号已绑定另一身份"
    title_en = "The account belongs to another identity"


class ProofMismatch(Invalid):
    """It is not registered to this citizen, or not known at all: the answer is the same."""

    code = "proof-mismatch"
    title_zh = "与本人信息不一致"
    title_en = "This is not registered to you"


class NumberMissing(Invalid):
    """The number of the card, account or licence is needed; a phone is the account's own."""

    code = "number-missing"
    title_zh = "请填写号码"
    title_en = "The number is needed"


class FaceCheckWaiting(Conflict):
    """The authority has not seen a face yet."""

    code = "face-check-waiting"
    title_zh = "人脸核验尚未完成"
    title_en = "The face check is not finished"


class FaceCheckFailed(Invalid):
    """The authority did not recognise a living person, or not this one."""

    code = "face-check-failed"
    title_zh = "人脸核验未通过"
    title_en = "The face check did not pass"


class CitizenNotFound(NotFound):
    """No account has this identity or this id."""

    code = "citizen-not-found"
    title_zh = "没有找到该用户"
    title_en = "There is no such citizen"


class AlreadyVerified(Conflict):
    """The citizen's name has been proven before."""

    code = "already-verified"
    title_zh = "您已完成实名认证"
    title_en = "The name has been verified before"


class TooManyVerifications(RateLimited):
    """The citizen has tried often enough for a day."""

    code = "too-many-verifications"
    title_zh = "今日实名认证次数已达上限"
    title_en = "Too many verifications for one day"


class RegisterUnavailable(Unavailable):
    """The population register does not answer; nothing was decided."""

    code = "register-unavailable"
    title_zh = "实名认证服务暂时不可用，请稍后再试"
    title_en = "The population register is unavailable"
