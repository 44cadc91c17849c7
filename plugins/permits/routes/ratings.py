"""Ratings: a citizen's own, what the desk does about bad ones, and what is public of all."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, citizen, request_unit
from plugins.permits import service
from plugins.permits.routes.common import CREATED, DESK, blueprint, caller, house_of, visible
from plugins.permits.schemas.ratings import (
    PermitFiguresSchema,
    PermitRatingAnswerSchema,
    PermitRatingArgs,
    PermitRatingAssignmentSchema,
    PermitRatingCaseSchema,
    PermitRatingSchema,
    PermitRatingStepSchema,
    PermitRatingWishSchema,
)
from plugins.permits.values.ratings import RatingCase, RatingFigures, RatingView, RatingWish

_CASE = "/desk/ratings/<uuid:rating_id>"


@blueprint.route("/applications/<uuid:application_id>/rating")
class PermitRating(MethodView):
    """What a citizen says of an application that is over."""

    @blueprint.acting("view")
    @blueprint.response(200, PermitRatingSchema)
    def get(self, application_id: UUID) -> RatingView:
        """Show my rating of an application for permits.

        With how far it has come and what was answered.
        """
        return service.find_rating(
            house_of(), request_unit(), citizen().reference, application_id, visible()
        )

    @blueprint.arguments(PermitRatingWishSchema)
    @blueprint.response(201, PermitRatingSchema)
    def post(self, wish: RatingWish, application_id: UUID) -> tuple[RatingView, int]:
        """Rate an application for permits that is over.

        Once, within thirty days after its end. Officers who had a hand in it do not learn who said
        it; a bad rating is looked into by somebody else.
        """
        rated = service.rate_application(
            house_of(), request_unit(), citizen().reference, application_id, visible(), wish
        )
        return rated, CREATED


@blueprint.route("/ratings")
class PermitRatings(MethodView):
    """What is public of ratings."""

    @blueprint.public
    @blueprint.page(PermitFiguresSchema)
    def get(self) -> Page[RatingFigures]:
        """List the figures of ratings of permits."""
        return service.list_figures(request_unit())


@blueprint.route("/desk/ratings")
class PermitRatingCases(MethodView):
    """Bad ratings that are not over."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitRatingArgs, location="query")
    @blueprint.page(PermitRatingCaseSchema)
    def get(self, query: dict[str, Any]) -> Page[RatingCase]:
        """List the bad ratings that I may see.

        Supervisors of the Government Services Office see all but those of cases in which they had
        a hand; superiors those that they see to.
        """
        return service.list_rating_cases(
            house_of(), request_unit(), caller(), query["page"], status=query["status"]
        )


@blueprint.route(_CASE)
class PermitRatingCase(MethodView):
    """One bad rating."""

    @blueprint.staff(DESK)
    @blueprint.response(200, PermitRatingCaseSchema)
    def get(self, rating_id: UUID) -> RatingCase:
        """Read a bad rating."""
        return service.read_rating_case(house_of(), request_unit(), caller(), rating_id)


@blueprint.route(f"{_CASE}/assignment")
class PermitRatingAssignment(MethodView):
    """Who sees to a bad rating."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitRatingAssignmentSchema)
    @blueprint.response(200, PermitRatingCaseSchema)
    def put(self, body: dict[str, Any], rating_id: UUID) -> RatingCase:
        """Give a bad rating to a superior."""
        return service.assign_rating(
            house_of(), request_unit(), caller(), rating_id, body["version"], body["staff_id"]
        )


@blueprint.route(f"{_CASE}/contact")
class PermitRatingContact(MethodView):
    """That the citizen was contacted."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitRatingStepSchema)
    @blueprint.response(200, PermitRatingCaseSchema)
    def put(self, body: dict[str, Any], rating_id: UUID) -> RatingCase:
        """Say that I have contacted the citizen of a rating."""
        return service.contact_rater(house_of(), request_unit(), caller(), rating_id, **body)


@blueprint.route(f"{_CASE}/answer")
class PermitRatingAnswer(MethodView):
    """What came of looking into it."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitRatingAnswerSchema)
    @blueprint.response(200, PermitRatingCaseSchema)
    def put(self, body: dict[str, Any], rating_id: UUID) -> RatingCase:
        """Answer a bad rating that I see to."""
        return service.answer_rating(house_of(), request_unit(), caller(), rating_id, **body)


@blueprint.route(f"{_CASE}/call-back")
class PermitRatingCallBack(MethodView):
    """That the citizen was asked once more."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitRatingStepSchema)
    @blueprint.response(200, PermitRatingCaseSchema)
    def put(self, body: dict[str, Any], rating_id: UUID) -> RatingCase:
        """Say that the citizen of a rating was called back."""
        return service.call_back(house_of(), request_unit(), caller(), rating_id, **body)


@blueprint.route(f"{_CASE}/closing")
class PermitRatingClosing(MethodView):
    """The end of a bad rating."""

    @blueprint.staff(DESK)
    @blueprint.arguments(PermitRatingStepSchema)
    @blueprint.response(200, PermitRatingCaseSchema)
    def put(self, body: dict[str, Any], rating_id: UUID) -> RatingCase:
        """Close a bad rating after the call back."""
        return service.close_rating(house_of(), request_unit(), caller(), rating_id, **body)
