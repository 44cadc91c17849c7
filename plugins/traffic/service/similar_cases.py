"""Counting how similar objections have ended, in one statement."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Select, Text, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.sdk import CITY_TIME, UnitOfWork
from plugins.traffic.models import Contest
from plugins.traffic.service.similar import SimilarOutcomes, SimilarRule
from plugins.traffic.values import OPEN_CONTEST, ContestStatus


def find_similar(
    uow: UnitOfWork, offence_code: str, on: date, rule: SimilarRule
) -> Sequence[SimilarOutcomes]:
    """Return how objections to an offence have ended, by ground; only what fills a block.

    Of the quarter that has begun and those of the years before, in one statement. Of a person who
    objected twice in a quarter on one ground the first case counts.
    """
    rows = uow.execute(_statement(offence_code, rule.since(on), rule.least))
    return [SimilarOutcomes(*row) for row in rows]


def _statement(offence_code: str, first: datetime, least: int) -> Select[str, int, int, int, int]:
    quarter = func.date_trunc("quarter", func.timezone(CITY_TIME.key, Contest.decided_at))
    # Whoever was erased leaves cases that belong to nobody: each is one person's.
    person = func.coalesce(Contest.citizen_reference, cast(Contest.id, Text))
    firsts = (
        select(Contest.id, Contest.ground, Contest.status, Contest.decided_at)
        .add_columns(quarter.label("quarter"))
        .where(
            Contest.offence_code == offence_code,
            Contest.decided_at >= first,
            Contest.status.not_in(OPEN_CONTEST),
        )
        .ext(distinct_on(Contest.ground, quarter, person))
        .order_by(Contest.ground, quarter, person, Contest.decided_at, Contest.id)
        .subquery()
    )
    shelf = [firsts.c.ground, firsts.c.quarter]
    order = [firsts.c.decided_at, firsts.c.id]
    placed = select(
        firsts.c.ground,
        firsts.c.status,
        func.row_number().over(partition_by=shelf, order_by=order).label("place"),
        func.count().over(partition_by=shelf).label("persons"),
    ).subquery()
    ended = {
        status: func.count().filter(placed.c.status == status)
        for status in (ContestStatus.UPHELD, ContestStatus.REDUCED, ContestStatus.CANCELLED)
    }
    return (
        select(placed.c.ground, func.count(), *ended.values())
        .where(placed.c.place <= placed.c.persons - placed.c.persons % least)
        .group_by(placed.c.ground)
        .order_by(placed.c.ground)
    )
