"""What the room refuses."""

from app.core.errors import Conflict, NotFound


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


class CertificateUnreadable(NotFound):
    """The certificate is known, and what it says cannot be read any more."""

    code = "certificate-unreadable"
    title_zh = "证照内容已不可读取"
    title_en = "What the certificate says cannot be read any more"
