"""Tables, one file for each topic; each is in the schema of this plug-in."""

from plugins.permits.models.applications import Application, Result, Supplement
from plugins.permits.models.base import Base
from plugins.permits.models.clock import CalendarDay, Clock, ClockAlarm
from plugins.permits.models.fees import Fee
from plugins.permits.models.materials import (
    DecisionMaterial,
    MaterialCertificate,
    MaterialContent,
    MaterialFile,
    Undertaking,
)
from plugins.permits.models.ratings import Rating
from plugins.permits.models.seats import Seat
from plugins.permits.models.tasks import (
    Consultation,
    Decision,
    Meeting,
    MeetingOpinion,
    Procedure,
    Task,
)

__all__ = [
    "Application",
    "Base",
    "CalendarDay",
    "Clock",
    "ClockAlarm",
    "Consultation",
    "Decision",
    "DecisionMaterial",
    "Fee",
    "MaterialCertificate",
    "MaterialContent",
    "MaterialFile",
    "Meeting",
    "MeetingOpinion",
    "Procedure",
    "Rating",
    "Result",
    "Seat",
    "Supplement",
    "Task",
    "Undertaking",
]
