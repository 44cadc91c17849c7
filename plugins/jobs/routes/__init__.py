"""`/v1/jobs`: one file for each thing that operations are about."""

from plugins.jobs.routes import desk, employers, feeds, vacancies
from plugins.jobs.routes.common import blueprint

__all__ = ["blueprint", "desk", "employers", "feeds", "vacancies"]
