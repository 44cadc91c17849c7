"""Searching what is published: what is exact is asked of columns, and an index leads there.

Words are looked for in title, employer and skills. `terms` (a GIN index) narrows down to what can
match, `words` decides, so that what is found is what a reader of every vacancy would find. Where a
term says all, as of most words, of district, type and schooling, no column is asked besides:
PostgreSQL would take what is said twice for much rarer than it is, and read and sort all of it
instead of the first page.
Nothing is counted, and a page costs the same at any depth.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, func, literal, not_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import InstrumentedAttribute

from app.sdk import Page, PageRequest, UnitOfWork, fetch_page, now
from plugins.jobs.models import Employer, Vacancy
from plugins.jobs.service.vacancies import sources_of, view_of
from plugins.jobs.values import (
    SearchOrder,
    VacancyFilter,
    VacancyStatus,
    VacancyView,
    city_today,
    is_term,
    looked_for,
    runs_of,
    terms_for,
)

_IN_TITLE, _ELSEWHERE = "t", "w"
"""What a cursor of a search by relevance begins with: the part that it goes on in."""
_KEYS = {
    SearchOrder.FRESHNESS: (Vacancy.published_at, Vacancy.id),
    SearchOrder.PAY: (Vacancy.monthly_to, Vacancy.id),
}


def search_vacancies(
    uow: UnitOfWork, wanted: VacancyFilter, order: SearchOrder, page: PageRequest
) -> Page[VacancyView]:
    """Return a page of the published vacancies that fit.

    By relevance, those whose title has all the words come first, and within each part the newest.
    Raise `CursorInvalid` for a cursor that this search has not given.
    """
    if order is SearchOrder.RELEVANCE and runs_of(wanted.q or ""):
        found = _by_relevance(uow, wanted, page)
    else:
        keys = _KEYS.get(order, _KEYS[SearchOrder.FRESHNESS])
        found = _fetch(uow, matching(wanted), page, keys)
    sources = sources_of(uow, [vacancy.id for vacancy in found.items])
    ids = {vacancy.employer_id for vacancy in found.items}
    rows = uow.execute(select(Employer.id, Employer.name).where(Employer.id.in_(ids)))
    names = {row.id: row.name for row in rows}
    shown = [view_of(row, names[row.employer_id], sources) for row in found.items]
    return Page(shown, found.next_cursor)


def matching(wanted: VacancyFilter, *, in_title: bool = False) -> list[ColumnElement[bool]]:
    """Return the conditions of what is published, not past its last day, and fits.

    What leads to an index stands in the statement itself: PostgreSQL plans for just these terms.
    """
    conditions = [
        Vacancy.status == literal(VacancyStatus.PUBLISHED, Text, literal_execute=True),
        Vacancy.valid_through >= city_today(),
    ]
    terms = terms_for(wanted, in_title=in_title)
    if terms:
        named: list[Any] = [literal(term, Text, literal_execute=True) for term in terms]
        asked: array[str] = array(named, type_=Text())
        conditions.append(Vacancy.terms.contains(asked))
    place = Vacancy.title_words if in_title else Vacancy.words
    conditions += [_has(place, run) for run in runs_of(wanted.q or "") if not is_term(run)]
    conditions += _fits(wanted)
    return conditions


def _has(place: InstrumentedAttribute[str], run: str) -> ColumnElement[bool]:
    return func.strpos(place, looked_for(run)) > 0


def _fits(wanted: VacancyFilter) -> list[ColumnElement[bool]]:
    """Return what no term says exactly, asked of columns; left out is what nobody asked for."""
    conditions = [
        wanted.pay_from is None or Vacancy.monthly_to >= wanted.pay_from,
        wanted.pay_to is None or Vacancy.monthly_from <= wanted.pay_to,
        wanted.experience_months is None or Vacancy.experience_months <= wanted.experience_months,
        wanted.fresh_days is None
        or Vacancy.published_at >= now() - timedelta(days=wanted.fresh_days),
        wanted.employer_id is None or Vacancy.employer_id == UUID(wanted.employer_id),
    ]
    return [condition for condition in conditions if not isinstance(condition, bool)]


def _by_relevance(uow: UnitOfWork, wanted: VacancyFilter, page: PageRequest) -> Page[Vacancy]:
    """Return a page of those that have the words in the title, then of the others."""
    keys = _KEYS[SearchOrder.FRESHNESS]
    part, inner = (page.cursor or _IN_TITLE)[0], (page.cursor or _IN_TITLE)[1:] or None
    if part not in {_IN_TITLE, _ELSEWHERE}:
        inner = "-"  # which is no cursor of any list
    runs = runs_of(wanted.q or "")
    titled_words = [_has(Vacancy.title_words, run) for run in runs]
    # Of a word that titles have hardly anything is left: asked of `words` besides, it counts as
    # rare, and is read by its terms instead of along all that is published.
    rare = [_has(Vacancy.words, run) for run in runs]
    elsewhere = [*matching(wanted), *rare, not_(and_(*titled_words))]
    if part != _IN_TITLE:
        rest = _fetch(uow, elsewhere, PageRequest(page.limit, inner), keys)
        return _go_on(_ELSEWHERE, rest.items, rest.next_cursor)
    titled = _fetch(uow, matching(wanted, in_title=True), PageRequest(page.limit, inner), keys)
    if titled.next_cursor is not None:
        return _go_on(_IN_TITLE, titled.items, titled.next_cursor)
    room = page.limit - len(titled.items)
    rest = _fetch(uow, elsewhere, PageRequest(max(room, 1)), keys)
    if room == 0:
        return Page(titled.items, _ELSEWHERE if rest.items else None)
    return _go_on(_ELSEWHERE, [*titled.items, *rest.items], rest.next_cursor)


def _go_on(part: str, items: Sequence[Vacancy], inner: str | None) -> Page[Vacancy]:
    return Page(items, None if inner is None else part + inner)


def _fetch(
    uow: UnitOfWork,
    conditions: Sequence[ColumnElement[bool]],
    page: PageRequest,
    keys: Sequence[InstrumentedAttribute[object]],
) -> Page[Vacancy]:
    return fetch_page(uow, select(Vacancy).where(*conditions), keys, page, descending=True)
