"""Tables, one file for each thing they are about; each is in the schema of this plug-in."""

from plugins.utilities.models.accounts import Account, LinkAllowance, LookUp
from plugins.utilities.models.base import Base
from plugins.utilities.models.bills import Bill, BillEdition
from plugins.utilities.models.complaints import Complaint
from plugins.utilities.models.desk import BillChange, DeskClient
from plugins.utilities.models.feeds import Feed
from plugins.utilities.models.files import BillFile, UploadedFile
from plugins.utilities.models.orders import Order
from plugins.utilities.models.postings import Posting
from plugins.utilities.models.reminders import Reminder
from plugins.utilities.models.reversals import MeterLoad, Reversal

__all__ = [
    "Account",
    "Base",
    "Bill",
    "BillChange",
    "BillEdition",
    "BillFile",
    "Complaint",
    "DeskClient",
    "Feed",
    "LinkAllowance",
    "LookUp",
    "MeterLoad",
    "Order",
    "Posting",
    "Reminder",
    "Reversal",
    "UploadedFile",
]
