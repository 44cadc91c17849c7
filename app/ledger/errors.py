"""What the books refuse."""

from app.core.errors import Conflict


class BookingDiffers(Conflict):
    """The foreign object is booked already, with other lines: somebody must look."""

    code = "booking-differs"
    title_zh = "记账内容不一致"
    title_en = "The object is booked already with other amounts"
