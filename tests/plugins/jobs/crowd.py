"""Thousands of vacancies, written as fast as PostgreSQL takes them."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import create_engine, text

from app.factory import Rooms
from app.sdk import new_id, now
from plugins.jobs.models import Employer, Vacancy
from plugins.jobs.service.vacancies import lay
from plugins.jobs.values import (
    DISTRICTS,
    Advert,
    Education,
    EmployerStatus,
    EmploymentType,
    city_today,
)
from tests.conftest import World
from tests.plugins.jobs.conftest import make_code


def _words(*lines: str) -> list[str]:
    return [word for line in lines for word in line.split()]


_TRADES = _words(
    "电工 焊工 钳工 车工 厨师 服务员 收银员 保洁员 保安 司机 会计 出纳 文员 销售 客服",
    "护士 护工 月嫂 教师 设计师 仓管员 叉车工 质检员 装配工 喷漆工 快递员 骑手 导购 店长 人事专员",
)
_BEFORE = _words("高级 初级 资深 夜班 白班 长期 短期 急招 诚聘 专业")
_LATIN = _words("Java Python C++ CAD ERP Excel PLC SolidWorks Go 5G FANUC")
_PLACES = _words("茅箭 张湾 武当 丹江 车城 汉江 东风 郧阳")
_LINES = _words("汽配 食品 物流 医药 建筑 餐饮 科技 商贸")


@dataclass(frozen=True)
class Made:
    """A vacancy of the crowd, as a reader of all of them knows it."""

    id: UUID
    employer: str
    employer_id: UUID
    advert: Advert
    published_at: datetime


def make_advert(chance: random.Random, serial: int) -> Advert:
    """Return some advert; trades and places are not equally frequent."""
    trade = _TRADES[min(int(chance.expovariate(0.15)), len(_TRADES) - 1)]
    latin = chance.choice(_LATIN) if chance.random() < 0.3 else ""
    title = f"{chance.choice(_BEFORE)}{trade}{latin}{serial}"
    unit = "hour" if chance.random() < 0.2 else "month"
    low = (
        chance.randrange(1_900, 4_000) if unit == "hour" else chance.randrange(2_000, 12_000) * 100
    )
    return Advert(
        title=title,
        description="负责本岗位的日常工作，按时完成任务，遵守各项制度。" * chance.randrange(1, 8),
        employment_type=chance.choice(list(EmploymentType)),
        district=list(DISTRICTS)[min(int(chance.expovariate(0.5)), 7)],
        pay_from=low,
        pay_to=low + chance.randrange(0, low // 2),
        pay_unit=unit,
        valid_through=city_today() + timedelta(days=chance.randrange(1, 90)),
        education=chance.choice(list(Education)),
        experience_months=chance.choice([0, 0, 0, 6, 12, 24, 36, 60]),
        skills=" ".join(chance.sample(_LATIN, 2)) + "，" + chance.choice(_TRADES),
        open_positions=chance.randrange(1, 9),
    )


def add(rooms: Rooms, count: int, seed: int, since: timedelta = timedelta(days=100)) -> list[Made]:
    """Write so many published vacancies of fifty employers, the oldest first."""
    chance = random.Random(seed)  # noqa: S311 - chance, and no secret
    begin = now() - since
    employers = [
        Employer(
            id=uuid4(),
            status=EmployerStatus.VERIFIED,
            version=2,
            credit_code=make_code(),
            name=f"{chance.choice(_PLACES)}{chance.choice(_LINES)}{place}公司",
            district="420302",
            registered_at=begin,
            verified_at=begin,
        )
        for place in range(50)
    ]
    names = {employer.id: employer.name for employer in employers}
    made, rows = [], []
    for serial in range(count):
        employer = chance.choice(employers)
        advert = make_advert(chance, serial)
        at = begin + since * (serial / count)
        vacancy = Vacancy(
            id=new_id(),
            status="published",
            version=3,
            employer_id=employer.id,
            revision=1,
            posted_at=at,
            published_at=at,
        )
        lay(vacancy, employer, advert)
        rows.append(vacancy)
        made.append(Made(vacancy.id, names[employer.id], employer.id, advert, at))
    columns = [column.name for column in Vacancy.__table__.columns]
    with rooms.units.open(actor="test") as uow:
        uow.take_long(300)
        uow.add_all(employers)
        uow.flush()
        raw: Any = uow.connection().connection.driver_connection
        statement = f"copy plugin_jobs.vacancies ({', '.join(columns)}) from stdin"
        with raw.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row([getattr(row, name) for name in columns])
    return made


@contextmanager
def crowd(rooms: Rooms, world: World, count: int, seed: int = 20261129) -> Iterator[list[Made]]:
    """Lay a crowd of vacancies that nobody else's are among, and take it away again."""
    made = add(rooms, count, seed)
    analyse(world)
    yield made
    ids = sorted({one.employer_id for one in made})
    with rooms.units.open(actor="test") as uow:
        uow.take_long(300)
        for table, column in (("vacancies", "employer_id"), ("employers", "id")):
            uow.execute(
                text(f"delete from plugin_jobs.{table} where {column} = any(:ids)"),  # noqa: S608
                {"ids": ids},
            )


def analyse(world: World) -> None:
    """Let PostgreSQL know what there is, as it does by itself after a while."""
    engine = create_engine(world.env["DATABASE_OWNER_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("vacuum analyze plugin_jobs.vacancies"))
    engine.dispose()
