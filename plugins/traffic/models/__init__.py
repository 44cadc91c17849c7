"""Tables, one file for each thing they are about; each is in the schema of this plug-in."""

from plugins.traffic.models.base import Base
from plugins.traffic.models.contests import Contest
from plugins.traffic.models.dues import Due, Pause, Return
from plugins.traffic.models.linking import Allowance, Licence, Vehicle
from plugins.traffic.models.lookups import Lookup
from plugins.traffic.models.officers import Officer
from plugins.traffic.models.orders import Order
from plugins.traffic.models.petitions import Petition
from plugins.traffic.models.postings import Posting
from plugins.traffic.models.reliefs import Relief
from plugins.traffic.models.reminders import Reminder
from plugins.traffic.models.studies import Study
from plugins.traffic.models.violations import OWING, Violation

__all__ = [
    "OWING",
    "Allowance",
    "Base",
    "Contest",
    "Due",
    "Licence",
    "Lookup",
    "Officer",
    "Order",
    "Pause",
    "Petition",
    "Posting",
    "Relief",
    "Reminder",
    "Return",
    "Study",
    "Vehicle",
    "Violation",
]
