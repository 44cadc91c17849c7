"""What is refused when a paper cannot be signed."""

from app.core.errors import Unavailable


class SealUnusable(Unavailable):
    """The key that signs receipts and certificates cannot be used now, or its own is over."""

    code = "receipt-seal-unusable"
    title_zh = "凭证签章暂时不可用"
    title_en = "Receipts cannot be signed for now"
