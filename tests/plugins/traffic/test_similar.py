"""How similar objections ended: whole blocks of ten persons, or nothing, on every day."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import count
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.core.clock import CITY_TIME
from app.factory import Rooms
from plugins.traffic.service.dated import in_force
from plugins.traffic.service.rules import find_rules
from plugins.traffic.service.similar import SimilarOutcomes
from plugins.traffic.service.similar_cases import find_similar
from tests.plugins.traffic.test_models import decided, insert
from tests.plugins.utilities.conftest import statements

DAY = date(2026, 11, 27)
(RULE,) = find_rules().similar
_ORDER = count()
"""Each case is decided a second after the one before."""
ENDINGS = ("upheld", "upheld", "reduced", "cancelled")


def end(
    rooms: Rooms,
    offence: str,
    status: str,
    *,
    on: date = DAY,
    ground: str = "facts-wrong",
    person: str | None = None,
) -> None:
    """Write down that an objection was decided."""
    morning = datetime.combine(on, time(8), CITY_TIME)
    of = insert(rooms, "violations", decided(offence_code=offence))
    insert(
        rooms,
        "contests",
        {
            "id": uuid4(),
            "status": status,
            "version": 3,
            "violation_id": of["id"],
            "citizen_reference": person or f"c-{uuid4().hex}",
            "kind": "reconsideration",
            "offence_code": offence,
            "ground": ground,
            "evidence": "[]",
            "recorder": "B1",
            "reviewer": uuid4(),
            "reviewer_badge": "B2",
            "filed_at": morning,
            "decided_at": morning + timedelta(seconds=next(_ORDER)),
            "reduced_to": 10_000 if status == "reduced" else None,
            "reason": "x",
            "letterbox": "",
        },
    )


def look(rooms: Rooms, offence: str, on: date = DAY) -> dict[str, SimilarOutcomes]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        return {one.ground: one for one in find_similar(uow, offence, on, RULE)}


def made_up_offence() -> str:
    return f"T{uuid4().hex[:10]}"


@pytest.mark.promise("M15")
def test_two_days_differ_by_ten_persons_or_by_nothing(
    rooms: Rooms, shows: Callable[[str], None]
) -> None:
    offence, seen = made_up_offence(), []
    for case in range(31):
        seen.append(look(rooms, offence).get("facts-wrong"))
        end(rooms, offence, ENDINGS[case % len(ENDINGS)])
    seen.append(look(rooms, offence).get("facts-wrong"))
    assert [one.decided if one else 0 for one in seen] == [0] * 10 + [10] * 10 + [20] * 10 + [
        30
    ] * 2
    assert set(seen[10:20]) == {SimilarOutcomes("facts-wrong", 10, 6, 2, 2)}
    assert all(
        one is None or one.upheld + one.reduced + one.cancelled == one.decided for one in seen
    )
    assert RULE.least >= 10
    shows(
        f"31 objections one by one: figures changed {len(set(seen)) - 1} times, by 10 persons each"
    )


def test_somebody_who_objects_often_is_one_person(rooms: Rooms) -> None:
    offence, person = made_up_offence(), f"c-{uuid4().hex}"
    for _ in range(12):
        end(rooms, offence, "upheld", person=person)
    for _ in range(8):
        end(rooms, offence, "cancelled")
    assert look(rooms, offence) == {}
    end(rooms, offence, "cancelled")
    assert look(rooms, offence) == {"facts-wrong": SimilarOutcomes("facts-wrong", 10, 1, 0, 9)}


def test_grounds_offences_and_quarters_have_blocks_of_their_own(rooms: Rooms) -> None:
    offence = made_up_offence()
    old = RULE.since(DAY).date()
    assert old == date(2024, 10, 1)
    for _ in range(6):
        end(rooms, offence, "upheld", on=old)
        end(rooms, offence, "upheld", on=old + timedelta(days=100))
        end(rooms, offence, "upheld", ground="emergency")
    assert look(rooms, offence) == {}
    for _ in range(4):
        end(rooms, offence, "reduced", on=old)
        end(rooms, offence, "cancelled", on=old - timedelta(days=1))
    assert look(rooms, offence) == {"facts-wrong": SimilarOutcomes("facts-wrong", 10, 6, 4, 0)}
    # A quarter that is too old leaves as a whole.
    assert look(rooms, offence, date(2027, 1, 1)) == {}
    assert look(rooms, made_up_offence()) == {}


def test_it_is_one_statement_and_finds_its_rows_by_their_offence(rooms: Rooms) -> None:
    offence = made_up_offence()
    with statements(rooms.units.read) as asked:
        look(rooms, offence)
    assert len([one for one in asked if "contests" in str(one)]) == 1
    with rooms.units.open(actor="test") as uow:
        uow.execute(text("set local enable_seqscan = off"))
        plan = uow.scalars(
            text(
                "explain select id from plugin_traffic.contests where offence_code = 'x'"
                " and decided_at >= now() - interval '2 years'"
            )
        ).all()
    assert any("ix_contests_similar" in line for line in plan), plan


def test_the_rule_of_a_day_is_there() -> None:
    assert in_force(find_rules().similar, DAY).years == 2
