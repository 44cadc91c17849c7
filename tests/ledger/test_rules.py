"""Split rules as files: read with every fault, published version by version, never changed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.core.clock import now
from app.factory import Rooms
from app.ledger import service
from app.ledger.service import SplitRulesInvalid
from app.ledger.values import FeeBearer, Part, PartKind
from tests.factories import bearer, staff_token
from tests.ledger.support import new_payee, publish, rule, with_fee, within

GOOD = """
applies_to = "payee:park"
[[versions]]
version = 1
valid_from = 2026-01-01T00:00:00+08:00
fee_bearer = "payee"
parts = [
    {account = "platform-fee", kind = "percent", percent = 0.3825, priority = 1},
    {account = "payee:treasury", kind = "fixed", amount = 50},
    {account = "payee:park", kind = "remainder", priority = 2},
]
"""


def read(folder: Path, content: str) -> object:
    (folder / "park.toml").write_text(content, encoding="utf-8")
    return service.read_split_rules(folder)


def test_a_file_is_read_exactly(tmp_path: Path) -> None:
    (found,) = read(tmp_path, GOOD)
    assert found.applies_to == "payee:park"
    assert found.fee_bearer == FeeBearer.PAYEE
    assert found.valid_from.isoformat() == "2025-12-31T16:00:00+00:00"
    assert found.parts == (
        Part("platform-fee", PartKind.PERCENT, 3825, 1),
        Part("payee:treasury", PartKind.FIXED, 50, 0),
        Part("payee:park", PartKind.REMAINDER, 0, 2),
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("percent = 0.3825", "percent = 0.38251", "four decimals"),
        ("percent = 0.3825", "percent = 100", "one remainder with percents below 100"),
        ("percent = 0.3825", "percent = true", "Must be a number"),
        ("percent = 0.3825", "percent = nan", "Must be"),
        ("amount = 50", "percent = 50", "`amount` is for fixed parts"),
        ("amount = 50", "amount = 0", "Must be greater than or equal to 1"),
        ("payee:treasury", "payee:park", "An account stands twice"),
        ("payee:treasury", "clearing:stripe", "Must be payee:… or platform-fee"),
        ("payee:treasury", "payee:", "Must be payee:… or platform-fee"),
        ('kind = "remainder"', 'kind = "rest"', "Must be one of"),
        ("+08:00", "", "with an offset"),
        ('"payee:park"\n[', '"park"\n[', "payee:… or service:…"),
        ('fee_bearer = "payee"', 'fee_bearer = "citizen"', "Must be one of"),
        ("version = 1", "version = 1\nextra = 1", "Unknown field"),
        ("[[versions]]", "[[versions", "is not TOML"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in GOOD
    with pytest.raises(SplitRulesInvalid, match=f"park.toml.*{said}"):
        read(tmp_path, GOOD.replace(before, after, 1))


def test_versions_stand_in_order_and_each_rule_in_one_file(tmp_path: Path) -> None:
    _, again = GOOD.split("[[versions]]")
    with pytest.raises(SplitRulesInvalid, match="numbers and `valid_from` must grow"):
        read(tmp_path, f"{GOOD}\n[[versions]]{again}")
    (tmp_path / "second.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(SplitRulesInvalid, match="keep one file"):
        read(tmp_path, GOOD)


def test_the_files_of_the_house_are_published(rooms: Rooms) -> None:
    assert rooms.publish_split_rules() == 0


def test_a_published_version_is_never_changed(rooms: Rooms) -> None:
    who = new_payee()
    first = rule(who, *with_fee(who, 10))
    assert publish(rooms, first) == 1
    assert publish(rooms, first) == 0
    with pytest.raises(SplitRulesInvalid, match="another content; give it the next version"):
        publish(rooms, rule(who, *with_fee(who, 11)))
    third = rule(who, *with_fee(who, 12), version=3)
    assert publish(rooms, first, third) == 1
    with pytest.raises(SplitRulesInvalid, match="not after the published ones"):
        publish(rooms, rule(who, *with_fee(who, 13), version=2))
    with pytest.raises(SplitRulesInvalid, match="not after the published ones"):
        publish(rooms, replace(third, version=4))


def test_a_version_counts_from_its_moment_on(rooms: Rooms) -> None:
    who = new_payee()
    first = rule(who, *with_fee(who, 10))
    tomorrow = now() + timedelta(days=1)
    second = replace(rule(who, *with_fee(who, 20)), version=2, valid_from=tomorrow)
    publish(rooms, first, second)

    def version_at(moment: object) -> int | None:
        found = within(rooms, lambda uow: service.rule_for(uow, "any", who, moment))
        return found.version if found else None

    assert version_at(now()) == 1
    assert version_at(tomorrow - timedelta(microseconds=1)) == 1
    assert version_at(tomorrow) == 2
    assert version_at(first.valid_from - timedelta(seconds=1)) is None


def test_staff_read_the_rules(client: FlaskClient, rooms: Rooms) -> None:
    who = new_payee()
    publish(rooms, rule(who, *with_fee(who, 6_000)))
    path = f"/v1/ledger/split-rules?applies_to=payee:{who}"
    assert client.get(path, headers=bearer(staff_token(rooms, "system-admin"))).status_code == 403
    (found,) = client.get(path, headers=bearer(staff_token(rooms, "finance"))).json["items"]
    assert found["version"] == 1
    assert found["parts"][0] == {
        "account": "platform-fee",
        "kind": "percent",
        "size": 6_000,
        "priority": 1,
    }
