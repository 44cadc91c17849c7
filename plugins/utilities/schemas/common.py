"""What several forms of this plug-in share."""

from app.sdk import fields
from plugins.utilities.values import (
    BILLERS,
    BillStatus,
)

BILLER = fields.validate.OneOf(list(BILLERS))


STATUS = fields.validate.OneOf([str(status) for status in BillStatus])
