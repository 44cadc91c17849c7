"""Tables, one file for each thing they are about; each is in the schema of this plug-in."""

from plugins.jobs.models.applications import Application, Hire, Interview
from plugins.jobs.models.base import Base
from plugins.jobs.models.employers import Employer, EmployerInvitation, EmployerMember
from plugins.jobs.models.feeds import FeedClient, FeedFile, FeedRow
from plugins.jobs.models.profiles import Cv, CvShare, CvSight
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
    "FeedClient",
    "FeedFile",
    "FeedRow",
    "Hire",
    "Interview",
    "Vacancy",
    "VacancyRevision",
    "VacancySource",
]
