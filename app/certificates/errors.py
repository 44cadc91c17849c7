"""What the room refuses."""

from app.core.errors import Conflict, Invalid, NotFound


class HolderGone(NotFound):
    """The account of whoever should hold the certificate is closed."""

    code = "certificate-holder-gone"
    title_zh = "持证人账户已注销"
    title_en = "The holder's account is closed"


class CertificateReferenceUsed(Conflict):
    """The reference already names a certificate of another type, or somebody else's."""

    code = "certificate-reference-used"
    title_zh = "该业务编号已用于另一证照"
    title_en = "The reference names another certificate"


class CertificateNotInForce(Conflict):
    """The certificate is suspended or over; `certificate_status` says which."""

    code = "certificate-not-in-force"
    title_zh = "证照当前无效"
    title_en = "The certificate is not in force"


class FieldNotSelective(Invalid):
    """There is no such field, or everybody is shown it; `fields` are those to choose from."""

    code = "certificate-field-not-selective"
    title_zh = "该证照没有可选择出示的此项信息"
    title_en = "The certificate has no such field to choose"


class KeyProofInvalid(Invalid):
    """The proof does not show that a key is the holder's."""

    code = "credential-key-proof-invalid"
    title_zh = "无法证明持有该密钥"
    title_en = "The proof of the wallet's key does not hold"


class PresentationOver(NotFound):
    """The code was used, is over, was never made, or its certificate is not in force any more."""

    code = "certificate-presentation-over"
    title_zh = "出示码无效或已使用"
    title_en = "The code is used, over, or was never made"
