"""What is popular: what citizens used lately, each counted once, and never fewer than ten."""

from datetime import date, timedelta

from sqlalchemy import Date, Float, cast, delete, func, insert, literal, select

from app.catalog.models import ListedService, PopularService
from app.catalog.values import FEWEST_CITIZENS, OwnList
from app.core.clock import CITY_TIME, city_date, city_day
from app.core.unit_of_work import UnitOfWork

DAYS = 30
HALVED_AFTER_DAYS = 7
LONG_SECONDS = 60


def rank_services(uow: UnitOfWork) -> None:
    """Work out anew which services are popular; idempotent.

    Each citizen counts once for a service, on the city's day on which they used it last, and for
    half as much a week later. Whoever keeps no list of what they use, or has cleared it, does not
    count.
    """
    today = date.fromisoformat(city_date())
    begins, _ = city_day(today - timedelta(days=DAYS - 1))
    used_on = cast(func.timezone(str(CITY_TIME), ListedService.at), Date)
    weight = func.power(0.5, cast(literal(today) - used_on, Float) / HALVED_AFTER_DAYS)
    citizens = func.count()
    counted = (
        select(ListedService.service, citizens, func.sum(weight))
        .where(ListedService.list == OwnList.RECENT, ListedService.at >= begins)
        .group_by(ListedService.service)
        .having(citizens >= FEWEST_CITIZENS)
    )
    # A whole city's lists are read: longer than any citizen's call may take.
    uow.take_long(LONG_SECONDS)
    uow.execute(delete(PopularService))
    uow.execute(insert(PopularService).from_select(["service", "citizens", "score"], counted))
