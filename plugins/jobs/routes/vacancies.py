"""`/v1/jobs/vacancies`: what is open to everybody, and what an employer's members do."""

from typing import Any
from uuid import UUID

from flask import Response, url_for
from flask.views import MethodView

from app.sdk import Page, request_unit
from plugins.jobs import service
from plugins.jobs.routes.common import CREATED, blueprint, house_of, me
from plugins.jobs.schemas.vacancies import (
    NewVacancySchema,
    VacancyArgs,
    VacancyRevisionSchema,
    VacancySchema,
    VacancySearchArgs,
)
from plugins.jobs.values import Advert, RevisionView, SearchOrder, VacancyFilter, VacancyView

_LD = {"application/ld+json": {"schema": {"type": "object"}}}
_OWN = "/employers/<uuid:employer_id>/vacancies/<uuid:vacancy_id>"


@blueprint.route("/vacancies")
class Vacancies(MethodView):
    """What is published."""

    @blueprint.public
    @blueprint.sheddable
    @blueprint.arguments(VacancySearchArgs, location="query")
    @blueprint.page(VacancySchema)
    def get(self, query: dict[str, Any]) -> Page[VacancyView]:
        """Search vacancies.

        Words are looked for in the title, the employer's name and the skills. By relevance, those
        with all the words in the title come first, and the newest of each.
        """
        page, order = query.pop("page"), SearchOrder(query.pop("sort"))
        return service.search_vacancies(request_unit(), VacancyFilter(**query), order, page)


@blueprint.route("/vacancies/<uuid:vacancy_id>")
class OneVacancy(MethodView):
    """One vacancy that is or was published."""

    @blueprint.public
    @blueprint.response(200, VacancySchema)
    def get(self, vacancy_id: UUID) -> VacancyView:
        """Show a vacancy."""
        return service.find_vacancy(request_unit(), vacancy_id)


@blueprint.route("/vacancies/<uuid:vacancy_id>/json-ld")
class VacancyJobPosting(MethodView):
    """One open vacancy as other systems read it."""

    @blueprint.public
    @blueprint.doc(responses={"200": {"description": "schema.org JobPosting", "content": _LD}})
    def get(self, vacancy_id: UUID) -> Response:
        """Read a vacancy as a JobPosting of schema.org."""
        content = service.find_job_posting(request_unit(), vacancy_id)
        return Response(content, content_type="application/ld+json")


@blueprint.route("/employers/<uuid:employer_id>/vacancies")
class EmployerVacancies(MethodView):
    """The vacancies of an employer that the calling citizen acts for."""

    @blueprint.arguments(VacancyArgs, location="query")
    @blueprint.page(VacancySchema)
    def get(self, query: dict[str, Any], employer_id: UUID) -> Page[VacancyView]:
        """List the vacancies of my employer."""
        return service.list_own_vacancies(request_unit(), me(), employer_id, **query)

    @blueprint.repeatable
    @blueprint.arguments(NewVacancySchema)
    @blueprint.response(201, VacancySchema)
    def post(self, advert: Advert, employer_id: UUID) -> tuple[VacancyView, int, dict[str, str]]:
        """Post a vacancy of my employer.

        It is a draft that the desk checks. The same work is advertised once.
        """
        made = service.post_vacancy(request_unit(), me(), employer_id, advert)
        place = url_for("jobs.EmployerVacancy", employer_id=employer_id, vacancy_id=made.id)
        return made, CREATED, {"Location": place}


@blueprint.route(_OWN)
class EmployerVacancy(MethodView):
    """One vacancy of an employer."""

    @blueprint.response(200, VacancySchema)
    def get(self, employer_id: UUID, vacancy_id: UUID) -> VacancyView:
        """Show a vacancy of my employer."""
        return service.find_own_vacancy(request_unit(), me(), employer_id, vacancy_id)

    @blueprint.arguments(NewVacancySchema)
    @blueprint.response(200, VacancySchema)
    def put(self, advert: Advert, employer_id: UUID, vacancy_id: UUID) -> VacancyView:
        """Change a vacancy of my employer.

        The new wording is checked before it counts; until then a published one stays as it is.
        """
        return service.revise_vacancy(request_unit(), me(), employer_id, vacancy_id, advert)


@blueprint.route(_OWN + "/revisions")
class EmployerVacancyRevisions(MethodView):
    """The wordings of a vacancy."""

    @blueprint.page(VacancyRevisionSchema)
    def get(self, employer_id: UUID, vacancy_id: UUID) -> Page[RevisionView]:
        """List the revisions of a vacancy of my employer."""
        return Page(service.list_revisions(request_unit(), me(), employer_id, vacancy_id))


@blueprint.route(_OWN + "/publication")
class EmployerVacancyPublication(MethodView):
    """The publication of a vacancy."""

    @blueprint.response(200, VacancySchema)
    def post(self, employer_id: UUID, vacancy_id: UUID) -> VacancyView:
        """Publish a verified vacancy of my employer."""
        return service.publish_vacancy(request_unit(), me(), employer_id, vacancy_id)


@blueprint.route(_OWN + "/withdrawal")
class EmployerVacancyWithdrawal(MethodView):
    """The end of a vacancy that nobody was hired for."""

    @blueprint.response(200, VacancySchema)
    def post(self, employer_id: UUID, vacancy_id: UUID) -> VacancyView:
        """Withdraw a vacancy of my employer."""
        return service.withdraw_vacancy(house_of(), request_unit(), me(), employer_id, vacancy_id)


@blueprint.route(_OWN + "/filling")
class EmployerVacancyFilling(MethodView):
    """The end of a vacancy whose positions are filled."""

    @blueprint.response(200, VacancySchema)
    def post(self, employer_id: UUID, vacancy_id: UUID) -> VacancyView:
        """Mark a vacancy of my employer as filled."""
        return service.fill_vacancy(house_of(), request_unit(), me(), employer_id, vacancy_id)
