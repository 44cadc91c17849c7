"""`/v1/jobs/cv`: one's curriculum, to whom it is shown, and who has seen it."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.sdk import Page, PageArgs, citizen, request_unit
from plugins.jobs import service
from plugins.jobs.routes.common import blueprint, house_of
from plugins.jobs.schemas.profiles import (
    CvCandidateSchema,
    CvContentSchema,
    CvReadingSchema,
    CvSchema,
    CvShareSchema,
    NewCvShareSchema,
    SharedCvSchema,
)
from plugins.jobs.values.profiles import (
    CandidateView,
    Curriculum,
    CvReading,
    CvView,
    NewShare,
    SharedCv,
    ShareView,
)

_CREATED = 201
_READ_RATE = "120/minute"
"""A member who reads more is a machine that collects."""


@blueprint.route("/cv")
class Cv(MethodView):
    """The curriculum of the calling citizen."""

    @blueprint.response(200, CvSchema)
    def get(self) -> CvView:
        """Show my curriculum."""
        return service.find_cv(house_of(), request_unit(), citizen().reference)

    @blueprint.arguments(CvContentSchema)
    @blueprint.response(200, CvSchema)
    def put(self, cv: Curriculum) -> CvView:
        """Keep my curriculum in the place of what it was.

        What was sent with applications stays as it was sent.
        """
        return service.keep_cv(house_of(), request_unit(), citizen(), cv)

    @blueprint.response(204)
    def delete(self) -> None:
        """Remove my curriculum and show it to nobody."""
        service.remove_cv(request_unit(), citizen().reference)


@blueprint.route("/cv/shares")
class CvShares(MethodView):
    """To whom the calling citizen shows their curriculum."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(CvShareSchema)
    def get(self, query: dict[str, Any]) -> Page[ShareView]:
        """List whom I show my curriculum, the newest first."""
        return service.list_shares(request_unit(), citizen().reference, query["page"])

    @blueprint.repeatable
    @blueprint.arguments(NewCvShareSchema)
    @blueprint.response(201, CvShareSchema)
    def post(self, wanted: NewShare) -> tuple[ShareView, int, dict[str, str]]:
        """Show my curriculum to one employer or to all.

        Only verified employers see it, until the day that is named, or until it is withdrawn.
        """
        given = service.give_share(request_unit(), citizen(), wanted)
        place = url_for("jobs.CvShare", share_id=given.id)
        return given, _CREATED, {"Location": place}

    @blueprint.response(204)
    def delete(self) -> None:
        """Show my curriculum to nobody any more."""
        service.withdraw_all_shares(request_unit(), citizen().reference)


@blueprint.route("/cv/shares/<uuid:share_id>")
class CvShare(MethodView):
    """One consent to show a curriculum."""

    @blueprint.response(200, CvShareSchema)
    def get(self, share_id: UUID) -> ShareView:
        """Show my consent to show my curriculum."""
        return service.find_share(request_unit(), citizen().reference, share_id)

    @blueprint.response(204)
    def delete(self, share_id: UUID) -> None:
        """Withdraw my consent to show my curriculum."""
        service.withdraw_share(request_unit(), citizen().reference, share_id)


@blueprint.route("/cv/readings")
class CvReadings(MethodView):
    """Who has seen the curriculum of the calling citizen."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(CvReadingSchema)
    def get(self, query: dict[str, Any]) -> Page[CvReading]:
        """List who has seen my curriculum, the newest first."""
        return service.list_readings(request_unit(), citizen().reference, query["page"])


@blueprint.route("/employers/<uuid:employer_id>/candidates")
class CvCandidates(MethodView):
    """Who shows their curriculum to an employer without having applied."""

    @blueprint.arguments(PageArgs, location="query")
    @blueprint.page(CvCandidateSchema)
    def get(self, query: dict[str, Any], employer_id: UUID) -> Page[CandidateView]:
        """List who shows my firm their curriculum unasked."""
        return service.list_candidates(
            request_unit(), citizen().reference, employer_id, query["page"]
        )


@blueprint.route("/employers/<uuid:employer_id>/shares/<uuid:share_id>")
class SharedCvOfCitizen(MethodView):
    """A curriculum that is shown to an employer."""

    @blueprint.rate(_READ_RATE)
    @blueprint.response(200, SharedCvSchema)
    def get(self, employer_id: UUID, share_id: UUID) -> SharedCv:
        """Read a curriculum that is shown to my firm.

        Whose it is reads that it was seen, when and by which employer.
        """
        return service.read_shared_cv(house_of(), citizen().reference, employer_id, share_id)
