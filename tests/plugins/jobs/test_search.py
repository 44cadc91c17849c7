"""A search finds what a reader of every vacancy would find, in that order, and by an index."""

import json
import unicodedata
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from app.core.pagination import CursorInvalid
from app.factory import Rooms
from app.sdk import PageRequest, now
from plugins.jobs.service.search import search_vacancies
from plugins.jobs.values import (
    DISTRICTS,
    Advert,
    Education,
    EmploymentType,
    SearchOrder,
    VacancyFilter,
    VacancyView,
    searched_words,
    terms_for,
    terms_of,
)
from tests.conftest import World
from tests.plugins.jobs.conftest import Boss, Officer, publish
from tests.plugins.jobs.crowd import Made, crowd
from tests.plugins.jobs.test_adverts import plain

COUNT = 10_000
SCHOOLS = {str(school): place for place, school in enumerate(Education)}
VACANCIES = "/v1/jobs/vacancies"
QUERIES = [
    *("电", "工", "电工", "焊工", "月嫂", "资深会计", "夜班保安", "武当", "东风汽配", "公司"),
    *(
        "java",
        "ＪＡＶＡ",
        "c++",
        "c",
        "5g",
        "高级 java",
        "java高级",
        "excel 会计",
        "电工 plc",
        "12",
        "骑手x",
    ),
    *("没有这个词", "！", "销售 东风", "急招 护士 food", "设计师ＣＡＤ"),
]
FILTERS = st.builds(
    VacancyFilter,
    q=st.none() | st.sampled_from(QUERIES),
    district=st.none() | st.sampled_from(sorted(DISTRICTS)),
    employment_type=st.none() | st.sampled_from([str(kind) for kind in EmploymentType]),
    pay_from=st.none() | st.integers(0, 2_000_000),
    pay_to=st.none() | st.integers(100_000, 2_000_000),
    education=st.none() | st.sampled_from([str(one) for one in Education]),
    experience_months=st.none() | st.integers(0, 70),
    fresh_days=st.none() | st.integers(1, 120),
)


@cache
def runs(text: str) -> list[str]:
    """Split a text as its reader does: Han by themselves, letters and digits by themselves.

    A sign that names a trade (C++) ends its word: what follows is another one.
    """
    found: list[str] = []
    last = None
    for sign in unicodedata.normalize("NFKC", text).casefold():
        kind = "han" if "\u3400" <= sign <= "\u9fff" else "word" if sign.isalnum() else None
        if sign in "+#" and last in {"word", "end"}:
            kind = "end"
        if kind is not None and kind in {last, "end"}:
            found[-1] += sign
        elif kind is not None:
            found.append(sign)
        last = kind
    return found


def has(text: str, query: str) -> bool:
    return has_runs(runs(text), query)


def has_runs(there: list[str], query: str) -> bool:
    return all(
        any(run in one if "\u3400" <= run[0] <= "\u9fff" else one.startswith(run) for one in there)
        for run in runs(query)
    )


def hours_of(advert: Advert) -> int:
    return 174 if advert.pay_unit == "hour" else 1


def fits(advert: Advert, wanted: VacancyFilter) -> bool:
    """Say whether an advert fits in all but its words and its day."""
    hours = hours_of(advert)
    return (
        wanted.district in {None, advert.district}
        and wanted.employment_type in {None, advert.employment_type}
        and (wanted.pay_from is None or advert.pay_to * hours >= wanted.pay_from)
        and (wanted.pay_to is None or advert.pay_from * hours <= wanted.pay_to)
        and (wanted.education is None or SCHOOLS[advert.education] <= SCHOOLS[wanted.education])
        and (
            wanted.experience_months is None or advert.experience_months <= wanted.experience_months
        )
    )


class Reader:
    """Somebody who has read every vacancy, and remembers which have the words of a query.

    What was read is not written out where a test is told with its arguments.
    """

    def __init__(self, rooms: Rooms, made: list[Made]) -> None:
        self.rooms, self.made = rooms, made
        self.ids = {one.id for one in made}
        self._titles = [runs(one.advert.title) for one in made]
        self._texts = [
            runs(" ! ".join([one.advert.title, one.employer, one.advert.skills or ""]))
            for one in made
        ]
        self._having: dict[str, tuple[set[UUID], set[UUID]]] = {}

    def __repr__(self) -> str:
        return f"<a reader of {len(self.made)} vacancies>"

    def having(self, query: str) -> tuple[set[UUID], set[UUID]]:
        """Return what has the words of a query, and what has all of them in its title."""
        if query not in self._having:
            everywhere, in_title = (
                {
                    one.id
                    for one, there in zip(self.made, texts, strict=True)
                    if has_runs(there, query)
                }
                for texts in (self._texts, self._titles)
            )
            self._having[query] = (everywhere, in_title if runs(query) else set())
        return self._having[query]

    def expected(self, wanted: VacancyFilter, order: SearchOrder) -> list[UUID]:
        """Return what fits in the order that was asked for."""
        having, in_title = self.having(wanted.q or "")
        fresh_from = None if wanted.fresh_days is None else now() - timedelta(wanted.fresh_days)

        def key(one: Made) -> tuple[Any, ...]:
            if order is SearchOrder.PAY:
                return (one.advert.pay_to * hours_of(one.advert), one.id)
            by_title = order is SearchOrder.RELEVANCE and one.id in in_title
            return (by_title, one.published_at, one.id)

        found = (
            one
            for one in self.made
            if one.id in having
            and (fresh_from is None or one.published_at >= fresh_from)
            and fits(one.advert, wanted)
        )
        return [one.id for one in sorted(found, key=key, reverse=True)]


@pytest.fixture(scope="module")
def reader(rooms: Rooms, world: World) -> Iterator[Reader]:
    with crowd(rooms, world, COUNT) as made:
        yield Reader(rooms, made)


def read(
    rooms: Rooms, wanted: VacancyFilter, order: SearchOrder, limit: int, pages: int
) -> list[VacancyView]:
    """Return the first pages of a search."""
    found: list[VacancyView] = []
    cursor = None
    for _ in range(pages):
        with rooms.units.open(actor="test", read_only=True) as uow:
            page = search_vacancies(uow, wanted, order, PageRequest(limit, cursor))
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


@settings(max_examples=60)
@example(wanted=VacancyFilter("12"), order=SearchOrder.RELEVANCE, limit=40)  # C++1234 is two words
@given(wanted=FILTERS, order=st.sampled_from(SearchOrder), limit=st.integers(1, 40))
def test_what_is_found_is_what_a_reader_finds(
    reader: Reader, wanted: VacancyFilter, order: SearchOrder, limit: int
) -> None:
    pages = 4
    found = [view.id for view in read(reader.rooms, wanted, order, limit, pages)]
    told = reader.expected(wanted, order)
    assert len(found) == len(set(found))
    kept = [one for one in found if one in reader.ids]
    assert kept == told[: len(kept)]
    others = len(found) - len(kept)
    assert len(kept) >= min(len(told), limit * pages - others)


def test_the_search_over_http_and_its_pages(
    client: FlaskClient, rooms: Rooms, boss: Boss, officer: Officer
) -> None:
    titles = ["甲级锅炉工", "锅炉工学徒", "维修"]
    made = [publish(rooms, boss, officer, title=title)["id"] for title in titles]
    skilled = publish(rooms, boss, officer, title="水暖工", skills="锅炉工证")["id"]
    query = {"q": "锅炉工", "employer_id": boss.employer, "limit": 1}
    found, cursor = [], None
    while True:
        page = client.get(VACANCIES, query_string=query | ({"cursor": cursor} if cursor else {}))
        assert page.status_code == 200, page.text
        found += [item["id"] for item in page.json["items"]]
        cursor = page.json["next_cursor"]
        if cursor is None:
            break
    assert found == [made[1], made[0], skilled]  # in the title first, the newest first
    fresh = client.get(VACANCIES, query_string=query | {"limit": 9, "sort": "freshness"})
    assert [item["id"] for item in fresh.json["items"]] == [skilled, made[1], made[0]]
    for wrong in ("x", "t!", "wAAAA", "AAAA"):
        answer = client.get(VACANCIES, query_string=query | {"cursor": wrong})
        assert answer.status_code in {400, 422}
    for name, value in (("district", "110101"), ("experience_months", "99999999999"), ("q", "\0")):
        assert client.get(VACANCIES, query_string={name: value}).status_code == 422
    most = client.get(VACANCIES, query_string={"pay_from": "9" * 18, "pay_to": "0"})
    assert most.json["items"] == []


def test_a_cursor_of_another_search_is_none(rooms: Rooms, reader: Reader) -> None:
    wanted = VacancyFilter()
    assert reader.made
    with rooms.units.open(actor="test", read_only=True) as uow:
        cursor = search_vacancies(uow, wanted, SearchOrder.FRESHNESS, PageRequest(1)).next_cursor
        with pytest.raises(CursorInvalid):
            search_vacancies(uow, wanted, SearchOrder.PAY, PageRequest(1, cursor))
        with pytest.raises(CursorInvalid):
            search_vacancies(uow, VacancyFilter("电工"), SearchOrder.RELEVANCE, PageRequest(1, "z"))


def plans(rooms: Rooms, wanted: VacancyFilter, order: SearchOrder) -> list[dict[str, Any]]:
    """Return the plan of every statement of a search that reads vacancies."""
    engine: Engine = rooms.units.read
    seen: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, parameters: object, *_: object) -> None:
        if "FROM plugin_jobs.vacancies" in statement:
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    read(rooms, wanted, order, 20, 2)
    event.remove(engine, "before_cursor_execute", note)
    assert seen
    found = []
    with engine.connect() as connection:
        for statement, parameters in seen:
            rows = connection.exec_driver_sql(f"explain (format json) {statement}", parameters)
            raw = rows.scalar_one()
            found.append((json.loads(raw) if isinstance(raw, str) else raw)[0]["Plan"])
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


@pytest.mark.promise("jobs")
@pytest.mark.parametrize("order", list(SearchOrder))
def test_no_search_reads_everything(
    rooms: Rooms, reader: Reader, order: SearchOrder, shows: Callable[[str], None]
) -> None:
    assert len(reader.made) == COUNT
    somebody = str(reader.made[0].employer_id)
    asked = [
        VacancyFilter(),
        *(VacancyFilter(q) for q in QUERIES),
        *(VacancyFilter(q, district="420381", pay_from=900_000) for q in QUERIES),
        VacancyFilter(district="420325", employment_type="intern", education="none"),
        VacancyFilter(pay_from=1_700_000),
        VacancyFilter(pay_from=300_000, pay_to=400_000),
        VacancyFilter(experience_months=0, fresh_days=3),
        VacancyFilter(employer_id=somebody),
        VacancyFilter("会计", employer_id=somebody),
    ]
    read_plans = 0
    for wanted in asked:
        for plan in plans(rooms, wanted, order):
            read_plans += 1
            scans = [node["Node Type"] for node in nodes(plan)]
            assert "Seq Scan" not in scans, (wanted, plan)
            assert any("Index" in scan for scan in scans)
    shows(f"{read_plans} plans by {order} at {COUNT:,} vacancies: 0 sequential scans")


@given(st.text(max_size=40), st.sampled_from(["装配电工 Java", "Ｃ++ 工程师", "5G基站"]))
def test_what_matches_has_every_term_that_is_asked_of_the_index(query: str, title: str) -> None:
    advert = plain(title=title)
    wanted = VacancyFilter(q=query)
    if has(f"{title} ! 甲公司", query):
        assert set(terms_for(wanted)) <= set(terms_of(advert, "甲公司"))
    if has(title, query):
        assert set(terms_for(wanted, in_title=True)) <= set(terms_of(advert, "甲公司"))


def test_words_are_read_alike_however_wide_and_large() -> None:
    assert searched_words("Ｊａｖａ 开发") == searched_words("java开发") == " java 开发 "
    assert searched_words("C++/C#，5G") == " c++ c# 5g "
    assert searched_words("C++17 C#工程师") == " c++ 17 c# 工程师 "
    assert runs("C++17 C#工程师") == ["c++", "17", "c#", "工程师"]
    assert searched_words("！？", None, "") == " "


def test_a_filter_is_kept_as_json_and_read_again() -> None:
    wanted = VacancyFilter("电工", district="420302", pay_from=1)
    assert wanted.to_json() == {"q": "电工", "district": "420302", "pay_from": 1}
    assert VacancyFilter.from_json({**wanted.to_json(), "gone": 1}) == wanted
