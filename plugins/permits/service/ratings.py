"""Ratings: given once by a citizen, and followed to the end when they are bad.

Officers who had a hand in a case never see who rated it: its rating goes to a superior who had
none, and a supervisor of another house calls back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, true

from app.sdk import House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.permits.errors import (
    AlreadyRated,
    HandlerNotFree,
    NotRatable,
    PermitApplicationNotFound,
    PermitVersionStale,
    RatingNotFound,
)
from plugins.permits.events import PermitRatingRead
from plugins.permits.models import Application, Decision, Rating, Seat, Supplement, Task
from plugins.permits.service.bundles import find_bundle, list_bundles
from plugins.permits.service.calendar import current_calendar
from plugins.permits.service.sealing import seal, unseal
from plugins.permits.service.seats import take_place
from plugins.permits.values.ratings import (
    CONTENT,
    LEAST_RATINGS,
    LIMITS,
    OVER,
    RATABLE,
    SUPERVISION,
    Indicator,
    RatingCase,
    RatingFigures,
    RatingStatus,
    RatingView,
    RatingWish,
)
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import Caller

_TABLE = "ratings"


def rate_application(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    services: Sequence[str],
    wish: RatingWish,
) -> RatingView:
    """Rate an application that is over, once and within thirty days.

    Raise `PermitApplicationNotFound`, `NotRatable` or `AlreadyRated`.
    """
    application = own_application(uow, citizen_reference, application_id, services, lock=True)
    moment = now()
    ended = application.ended_at
    if ended is None or application.submitted_at is None or moment > ended + RATABLE:
        raise NotRatable
    if uow.scalar(select(Rating.id).where(Rating.application_id == application_id)) is not None:
        raise AlreadyRated
    is_good = wish.grade >= CONTENT
    status = RatingStatus.RECORDED if is_good else RatingStatus.RECEIVED
    rating_id = new_id()
    rating = Rating(
        id=rating_id,
        status=status,
        application_id=application_id,
        citizen_reference=citizen_reference,
        letterbox=application.letterbox,
        bundle=application.bundle,
        department=application.lead,
        ended_at=ended,
        rated=sorted({str(officer) for officer in _hands(uow, application_id)}),
        grade=wish.grade,
        indicators=dict(wish.indicators),
        words_sealed=seal(house, _TABLE, "words", rating_id, wish.words),
        rated_at=moment,
        due_at=_due(uow, status, moment),
    )
    uow.open_record(rating, cause="citizen")
    uow.flush()
    return _show(house, rating)


def find_rating(
    house: House,
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    services: Sequence[str],
) -> RatingView:
    """Return what a citizen said of an application and what followed, or that it is not rated yet.

    Raise `PermitApplicationNotFound`.
    """
    application = own_application(uow, citizen_reference, application_id, services)
    rating = uow.scalar(select(Rating).where(Rating.application_id == application.id))
    if rating is None:
        is_over = application.ended_at is not None and application.submitted_at is not None
        return RatingView(application_id, _until(application.ended_at) if is_over else None)
    return _show(house, rating)


def list_rating_cases(
    house: House, uow: UnitOfWork, caller: Caller, page: PageRequest, *, status: str | None
) -> Page[RatingCase]:
    """Return bad ratings that are not over, the most urgent first.

    A supervisor sees all of them but those of cases they had a hand in; a superior sees those that
    they have to see to. Raise `SeatNeeded`.
    """
    seat = take_place(uow, caller, SeatRole.SUPERVISOR, SeatRole.SUPERIOR)
    statement = _seen_by(caller, seat).where(Rating.due_at.is_not(None))
    if status is not None:
        statement = statement.where(Rating.status == status)
    rows = fetch_page(uow, statement, [Rating.due_at, Rating.id], page)
    return Page([_case(house, row, caller) for row in rows.items], rows.next_cursor)


def read_rating_case(house: House, uow: UnitOfWork, caller: Caller, rating_id: UUID) -> RatingCase:
    """Return a bad rating; the trail is told. Raise `SeatNeeded` or `RatingNotFound`."""
    seat = take_place(uow, caller, SeatRole.SUPERVISOR, SeatRole.SUPERIOR)
    rating = uow.scalar(_seen_by(caller, seat).where(Rating.id == rating_id))
    if rating is None:
        raise RatingNotFound
    uow.record(PermitRatingRead(rating_id=rating.id, officer=caller.staff_id))
    return _case(house, rating, caller)


def assign_rating(
    house: House, uow: UnitOfWork, caller: Caller, rating_id: UUID, version: int, handler: UUID
) -> RatingCase:
    """Give a bad rating to a superior of its department who had no hand in the case.

    Raise `HandlerNotFree` for anybody else, and as the other acts do `SeatNeeded`,
    `RatingNotFound`, `PermitVersionStale`, `IllegalMove`.
    """
    rating = _take(uow, caller, rating_id, version, SeatRole.SUPERVISOR)
    superior = select(Seat).where(
        Seat.staff_id == handler,
        Seat.role == SeatRole.SUPERIOR,
        Seat.department == rating.department,
    )
    is_free = str(handler) not in rating.rated and handler != caller.staff_id
    if not is_free or uow.scalar(superior) is None:
        raise HandlerNotFree
    rating.called_back_by = None
    rating.assigned_to = handler
    return _move(house, uow, rating, RatingStatus.ASSIGNED, caller)


def contact_rater(
    house: House, uow: UnitOfWork, caller: Caller, rating_id: UUID, version: int
) -> RatingCase:
    """Say that the citizen was contacted; they are told in their inbox that somebody sees to it."""
    rating = _take(uow, caller, rating_id, version, SeatRole.SUPERIOR)
    shown = _move(house, uow, rating, RatingStatus.CONTACTED, caller)
    _tell(house, uow, rating, "rating-contacted")
    return shown


def answer_rating(
    house: House,
    uow: UnitOfWork,
    caller: Caller,
    rating_id: UUID,
    version: int,
    *,
    is_founded: bool,
    words: str,
) -> RatingCase:
    """Say what was mended, or why there was nothing to mend; the citizen reads it."""
    rating = _take(uow, caller, rating_id, version, SeatRole.SUPERIOR)
    rating.answer_sealed = seal(house, _TABLE, "answer", rating.id, words)
    status = RatingStatus.RECTIFIED if is_founded else RatingStatus.NOT_FOUNDED
    shown = _move(house, uow, rating, status, caller)
    _tell(house, uow, rating, "rating-answered")
    return shown


def call_back(
    house: House, uow: UnitOfWork, caller: Caller, rating_id: UUID, version: int
) -> RatingCase:
    """Say that the citizen was asked whether it is well now, by somebody who did not see to it."""
    rating = _take(uow, caller, rating_id, version, SeatRole.SUPERVISOR)
    if rating.assigned_to == caller.staff_id:
        raise HandlerNotFree
    rating.called_back_by = caller.staff_id
    return _move(house, uow, rating, RatingStatus.CALLED_BACK, caller)


def close_rating(
    house: House, uow: UnitOfWork, caller: Caller, rating_id: UUID, version: int
) -> RatingCase:
    """Close a rating after the call back; one that is not well is assigned anew instead."""
    rating = _take(uow, caller, rating_id, version, SeatRole.SUPERVISOR)
    return _move(house, uow, rating, RatingStatus.CLOSED, caller)


def list_figures(uow: UnitOfWork) -> Page[RatingFigures]:
    """Return what is public: the figures of each bundle, ten ratings more at a time.

    Whoever looks before and after a rating sees nothing change, or ten ratings at once: what one
    citizen said is never the difference.
    """
    place = func.row_number().over(
        partition_by=Rating.bundle, order_by=[Rating.rated_at, Rating.id]
    )
    of_bundle = func.count().over(partition_by=Rating.bundle)
    ranked = select(
        Rating.bundle,
        Rating.grade,
        Rating.status,
        Rating.indicators,
        place.label("place"),
        of_bundle.label("total"),
    ).subquery()
    told = ranked.c
    bad = func.count().filter(told.grade < CONTENT)
    closed = func.count().filter(told.status == RatingStatus.CLOSED)
    grades = [func.count().filter(told.grade == grade) for grade in range(1, 6)]
    marks = [told.indicators[str(indicator)].as_integer() for indicator in Indicator]
    averages = [func.avg(mark) for mark in marks]
    counts = [func.count(mark) for mark in marks]
    statement = (
        select(told.bundle, func.count(), bad, closed, *grades, *averages, *counts)
        .where(told.place <= told.total - told.total % LEAST_RATINGS)
        .group_by(told.bundle)
    )
    rows = {row[0]: row[1:] for row in uow.execute(statement)}
    return Page([_figures(bundle.id, rows.get(bundle.id)) for bundle in list_bundles()])


def list_all_ratings(house: House, uow: UnitOfWork, citizen_reference: str) -> list[RatingView]:
    """Return every rating of a citizen."""
    statement = select(Rating).where(Rating.citizen_reference == citizen_reference)
    return [_show(house, row) for row in uow.scalars(statement.order_by(Rating.id))]


def forget_rater(uow: UnitOfWork, citizen_reference: str) -> None:
    """Take out of the ratings of a citizen whose they were and what was said; grades stay."""
    statement = select(Rating).where(Rating.citizen_reference == citizen_reference)
    for rating in uow.scalars(statement.with_for_update()):
        rating.citizen_reference = rating.words_sealed = rating.answer_sealed = None
        rating.letterbox = ""


def _figures(bundle: str, row: Sequence[Any] | None) -> RatingFigures:
    if row is None:
        return RatingFigures(bundle, False, None, None, None, None, None)  # noqa: FBT003 - a row
    total, bad, closed, *rest = row
    kinds = len(Indicator)
    averages, counts = rest[5 : 5 + kinds], rest[5 + kinds :]
    return RatingFigures(
        bundle=bundle,
        is_enough=True,
        ratings=total,
        content=round(100 * (total - bad) / total),
        grades=tuple(round(100 * count / total) for count in rest[:5]),
        indicators={
            str(indicator): round(float(average), 1)
            for indicator, average, count in zip(Indicator, averages, counts, strict=True)
            if count >= LEAST_RATINGS
        },
        closed=round(100 * closed / bad) if bad else None,
    )


def _hands(uow: UnitOfWork, application_id: UUID) -> set[UUID]:
    """Return the officers who had a hand in a case: who proposed, decided, asked or allowed it."""
    decided = (
        select(Decision.officer)
        .join(Task, Task.id == Decision.task_id)
        .where(Task.application_id == application_id)
    )
    asked = [
        select(column).where(Supplement.application_id == application_id)
        for column in (Supplement.wanted_by, Supplement.allowed_by)
    ]
    found = {officer for statement in (decided, *asked) for officer in uow.scalars(statement)}
    return {officer for officer in found if officer is not None}


def own_application(
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    services: Sequence[str],
    *,
    lock: bool = False,
) -> Application:
    """Return a citizen's application, or raise `PermitApplicationNotFound`."""
    statement = select(Application).where(
        Application.id == application_id, Application.citizen_reference == citizen_reference
    )
    application: Application | None = uow.scalar(statement.with_for_update() if lock else statement)
    if application is None:
        raise PermitApplicationNotFound
    if find_bundle(application.bundle, application.bundle_version).service not in services:
        raise PermitApplicationNotFound
    return application


def _seen_by(caller: Caller, seat: Seat) -> Select[Rating]:
    """Return the statement of the bad ratings that somebody may see."""
    sees_all = seat.role == SeatRole.SUPERVISOR and caller.department == SUPERVISION
    return select(Rating).where(
        true() if sees_all else Rating.assigned_to == caller.staff_id,
        Rating.grade < CONTENT,
        ~Rating.rated.contains([str(caller.staff_id)]),
        Rating.citizen_reference.is_not(None),
    )


def _take(uow: UnitOfWork, caller: Caller, rating_id: UUID, version: int, role: SeatRole) -> Rating:
    seat = take_place(uow, caller, role)
    if role is SeatRole.SUPERVISOR and caller.department != SUPERVISION:
        raise RatingNotFound
    rating: Rating | None = uow.scalar(
        _seen_by(caller, seat).where(Rating.id == rating_id).with_for_update()
    )
    if rating is None:
        raise RatingNotFound
    if rating.version != version:
        raise PermitVersionStale(version=rating.version)
    return rating


def _move(
    house: House, uow: UnitOfWork, rating: Rating, status: RatingStatus, caller: Caller
) -> RatingCase:
    rating.check_move(status)
    rating.due_at = _due(uow, status, now())
    uow.move(rating, status, cause="desk")
    uow.flush()
    return _case(house, rating, caller)


def _due(uow: UnitOfWork, status: RatingStatus, moment: datetime) -> datetime | None:
    return None if status in OVER else current_calendar(uow).due(LIMITS[status], moment)


def _tell(house: House, uow: UnitOfWork, rating: Rating, kind: str) -> None:
    title = find_bundle(rating.bundle).title
    subject = f"{rating.id}-{rating.version}"
    house.tell(uow, rating.letterbox, kind, subject, bundle_zh=title["zh"], bundle_en=title["en"])


def _until(ended: datetime | None) -> datetime | None:
    return None if ended is None else ended + RATABLE


def _show(house: House, rating: Rating) -> RatingView:
    return RatingView(
        application_id=rating.application_id,
        until=_until(rating.ended_at),
        grade=rating.grade,
        indicators=rating.indicators,
        words=unseal(house, _TABLE, "words", rating.id, rating.words_sealed),
        status=rating.status,
        answer=unseal(house, _TABLE, "answer", rating.id, rating.answer_sealed),
        rated_at=rating.rated_at,
    )


def _case(house: House, rating: Rating, caller: Caller) -> RatingCase:
    is_mine = rating.assigned_to == caller.staff_id
    return RatingCase(
        id=rating.id,
        version=rating.version,
        bundle=rating.bundle,
        department=rating.department,
        grade=rating.grade,
        indicators=rating.indicators,
        words=unseal(house, _TABLE, "words", rating.id, rating.words_sealed),
        status=rating.status,
        is_mine=is_mine,
        is_late=rating.due_at is not None and rating.due_at < now(),
        application_id=rating.application_id if is_mine else None,
        answer=unseal(house, _TABLE, "answer", rating.id, rating.answer_sealed),
        rated_at=rating.rated_at,
        due_at=rating.due_at,
    )
