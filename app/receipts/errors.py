"""What the room refuses."""

from app.core.errors import NotFound


class ReceiptNotReady(NotFound):
    """There is no receipt yet."""

    code = "receipt-not-ready"
    title_zh = "收据尚未生成"
    title_en = "There is no receipt yet"
