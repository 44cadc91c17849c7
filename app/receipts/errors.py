"""What the room refuses."""

from app.core.errors import NotFound, Unavailable


class ReceiptNotReady(NotFound):
    """There is no receipt yet."""

    code = "receipt-not-ready"
    title_zh = "收据尚未生成"
    title_en = "There is no receipt yet"


class SealUnusable(Unavailable):
    """The key that signs receipts cannot be used now, or its certificate is over."""

    code = "receipt-seal-unusable"
    title_zh = "凭证签章暂时不可用"
    title_en = "Receipts cannot be signed for now"
