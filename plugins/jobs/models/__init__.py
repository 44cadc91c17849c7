"""Tables, one file for each thing they are about; each is in the schema of this plug-in."""

from plugins.jobs.models.applications import Application, Hire, Interview
from plugins.jobs.models.base import Base
from plugins.jobs.models.employers import Employer, EmployerInvitation, EmployerMember
from plugins.jobs.models.fairs import Fair, FairBooking, FairBooth, FairSlot, FairWait
from plugins.jobs.models.feeds import FeedClient, FeedFile, FeedRow
from plugins.jobs.models.profiles import Cv, CvShare, CvSight
from plugins.jobs.models.reports import EmployerReport
from plugins.jobs.models.saved_searches import SavedSearch
from plugins.jobs.models.vacancies import Vacancy, VacancyRevision, VacancySource

__all__ = [
    "Application",
    "Base",
    "Cv",
    "CvShare",
    "CvSight",
    "Employer",
    "EmployerInvitation",
    "EmployerMember",
    "EmployerReport",
    "Fair",
    "FairBooking",
    "FairBooth",
    "FairSlot",
    "FairWait",
    "FeedClient",
    "FeedFile",
    "FeedRow",
    "Hire",
    "Interview",
    "SavedSearch",
    "Vacancy",
    "VacancyRevision",
    "VacancySource",
]
