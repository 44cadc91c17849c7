"""Searches that are kept: once a day their citizen is told how much is new, and the newest of it.

One statement finds what is new for all the searches of a citizen; what fits two of them is counted
once. A vacancy is told of at most once, and one that is published meanwhile comes the next day.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select
from sqlalchemy.exc import IntegrityError

from app.sdk import CITY_TIME, Citizen, House, Page, UnitOfWork, city_date, new_id, now
from plugins.jobs.errors import SavedSearchNotFound, TooManySavedSearches
from plugins.jobs.models import SavedSearch, Vacancy
from plugins.jobs.service.json_values import plain_values
from plugins.jobs.service.search import matching
from plugins.jobs.values import VacancyFilter
from plugins.jobs.values.saved_searches import (
    LAST_HOUR,
    MOST_SAVED,
    SETTLED,
    TOLD_HOUR,
    SavedSearchView,
)

_CITIZENS = 50
_TITLES = 3


def save_search(uow: UnitOfWork, citizen: Citizen, wanted: VacancyFilter) -> SavedSearchView:
    """Keep a search, of which its citizen is told from tomorrow on; the same again is the same one.

    Raise `TooManySavedSearches` for an eleventh.
    """
    kept = uow.scalars(_of(citizen.reference)).all()
    same = next((one for one in kept if one.wanted == wanted.to_json()), None)
    if same is not None:
        return _show(same)
    places = {one.place for one in kept}
    free = [place for place in range(1, MOST_SAVED + 1) if place not in places]
    if not free:
        raise TooManySavedSearches
    moment = now()
    search = SavedSearch(
        id=new_id(),
        citizen_reference=citizen.reference,
        letterbox=citizen.letterbox,
        place=free[0],
        wanted=wanted.to_json(),
        saved_at=moment,
        seen_until=moment - SETTLED,
        next_at=_next_morning(moment),
    )
    uow.add(search)
    try:
        uow.flush()
    except IntegrityError as error:  # two at once, and the other was faster by a moment
        raise TooManySavedSearches from error
    return _show(search)


def list_searches(uow: UnitOfWork, citizen_reference: str) -> Page[SavedSearchView]:
    """Return the searches that a citizen keeps, the first saved first."""
    return Page([_show(one) for one in uow.scalars(_of(citizen_reference))])


def find_search(uow: UnitOfWork, citizen_reference: str, search_id: UUID) -> SavedSearchView:
    """Return one of a citizen's searches, or raise `SavedSearchNotFound`."""
    found = uow.scalar(_of(citizen_reference).where(SavedSearch.id == search_id))
    if found is None:
        raise SavedSearchNotFound
    return _show(found)


def forget_search(uow: UnitOfWork, citizen_reference: str, search_id: UUID) -> None:
    """Keep a search no longer: nobody is told of it any more. Raise `SavedSearchNotFound`."""
    mine = delete(SavedSearch).where(
        SavedSearch.id == search_id, SavedSearch.citizen_reference == citizen_reference
    )
    if uow.scalar(mine.returning(SavedSearch.id)) is None:
        raise SavedSearchNotFound


def tell_what_is_new(house: House) -> None:
    """Tell citizens of new vacancies, one message a day each, a bounded number of them."""
    moment = now()
    if not TOLD_HOUR <= moment.astimezone(CITY_TIME).hour < LAST_HOUR:
        return
    with house.unit_of_work() as uow:
        due = (
            select(SavedSearch.citizen_reference)
            .where(SavedSearch.next_at <= moment)
            .distinct()
            .limit(_CITIZENS)
        )
        citizens = uow.scalars(due).all()
    for citizen_reference in citizens:
        with house.unit_of_work() as uow:
            _tell(house, uow, citizen_reference, moment)


def export_searches(_: House, uow: UnitOfWork, citizen_reference: str) -> Mapping[str, object]:
    """Return the searches that a citizen keeps, as JSON values."""
    rows = uow.scalars(_of(citizen_reference)).all()
    return {
        "saved_searches": [
            plain_values({"wanted": one.wanted, "saved_at": one.saved_at, "told_at": one.told_at})
            for one in rows
        ]
    }


def erase_searches(_: House, uow: UnitOfWork, citizen_reference: str) -> None:
    """Forget what a citizen looks for."""
    uow.execute(delete(SavedSearch).where(SavedSearch.citizen_reference == citizen_reference))


def _tell(house: House, uow: UnitOfWork, citizen_reference: str, moment: datetime) -> None:
    """Tell one citizen of what is new for all the searches that are due, under their locks."""
    due = _of(citizen_reference).where(SavedSearch.next_at <= moment)
    searches = uow.scalars(due.with_for_update(skip_locked=True)).all()
    if not searches:
        return
    until = moment - SETTLED
    count, titles = _news(uow, searches, until)
    for search in searches:
        search.seen_until = max(search.seen_until, until)
        search.next_at = _next_morning(moment)
        if count:
            search.told_at = moment
    if count:
        house.tell(
            uow,
            searches[0].letterbox,
            "new-vacancies",
            city_date(moment),
            count=count,
            titles="、".join(titles),
        )


def _news(
    uow: UnitOfWork, searches: Sequence[SavedSearch], until: datetime
) -> tuple[int, list[str]]:
    """Return how many vacancies are new for any of the searches, and the newest titles."""
    fits = or_(*(_is_news(one, until) for one in searches))
    rows = uow.execute(
        select(Vacancy.title, func.count().over())
        .where(fits)
        .order_by(Vacancy.published_at.desc(), Vacancy.id.desc())
        .limit(_TITLES)
    ).all()
    return (rows[0][1] if rows else 0), [title for title, _ in rows]


def _is_news(search: SavedSearch, until: datetime) -> ColumnElement[bool]:
    wanted = VacancyFilter.from_json(search.wanted)
    return and_(
        *matching(wanted),
        Vacancy.published_at > search.seen_until,
        Vacancy.published_at <= until,
    )


def _next_morning(moment: datetime) -> datetime:
    day = moment.astimezone(CITY_TIME).date() + timedelta(days=1)
    return datetime.combine(day, time(TOLD_HOUR), CITY_TIME)


def _of(citizen_reference: str) -> Select[SavedSearch]:
    return (
        select(SavedSearch)
        .where(SavedSearch.citizen_reference == citizen_reference)
        .order_by(SavedSearch.saved_at, SavedSearch.id)
    )


def _show(search: SavedSearch) -> SavedSearchView:
    return SavedSearchView(
        id=search.id,
        wanted=VacancyFilter.from_json(search.wanted),
        saved_at=search.saved_at,
        seen_until=search.seen_until,
        told_at=search.told_at,
    )
