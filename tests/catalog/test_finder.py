"""Search: every service is found by every way of naming it, and nothing typed is an error."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.service import Snapshot
from app.catalog.service.index import reason_of
from app.catalog.service.readings import normalise, read, squash
from app.catalog.values import MatchedBy

WRONG = "龘"  # stands nowhere in the catalogue


@pytest.fixture(scope="session")
def services(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the full services in the order of their positions."""
    ids = [orjson.loads(summary + b"}")["id"] for summary in snapshot.summaries]
    return [orjson.loads(snapshot.services[service_id]) for service_id in ids]


def positions(snapshot: Snapshot, typed: str) -> list[int]:
    return [service for _, service in snapshot.finder.find(typed)]


def hits(snapshot: Snapshot, services: list[dict[str, Any]], typed: str) -> list[tuple[str, str]]:
    found = snapshot.finder.find(typed)
    return [(services[number]["id"], reason_of(points).value) for points, number in found]


def test_every_service_is_first_by_its_title(
    snapshot: Snapshot, services: list[dict[str, Any]]
) -> None:
    for number, service in enumerate(services):
        for title in service["title"].values():
            points, first = snapshot.finder.find(title)[0]
            assert (first, reason_of(points)) == (number, MatchedBy.EXACT), title


def test_every_service_is_found_by_pinyin_with_and_without_spaces(
    snapshot: Snapshot, services: list[dict[str, Any]]
) -> None:
    for number, service in enumerate(services):
        reading = read(squash(normalise(service["title"]["zh"])))
        assert number in positions(snapshot, reading.whole), service["title"]
        assert number in positions(snapshot, " ".join(reading.parts)), service["title"]
        for other in reading.others:
            assert number in positions(snapshot, other), other


def test_every_service_is_found_by_its_initials(
    snapshot: Snapshot, services: list[dict[str, Any]]
) -> None:
    for number, service in enumerate(services):
        letters = read(squash(normalise(service["title"]["zh"]))).initials
        assert number in positions(snapshot, letters.upper()), service["title"]


def test_every_service_is_found_by_each_of_its_keywords(
    snapshot: Snapshot, services: list[dict[str, Any]]
) -> None:
    for number, service in enumerate(services):
        for keyword in service["keywords"]:
            assert number in positions(snapshot, keyword), (service["id"], keyword)


def test_every_service_is_found_by_its_department(
    snapshot: Snapshot, services: list[dict[str, Any]]
) -> None:
    for number, service in enumerate(services):
        for name in (service["department"]["title"]["zh"], service["department"]["short"]["zh"]):
            assert number in positions(snapshot, name), (service["id"], name)


def test_one_wrong_character_in_a_title_is_forgiven(
    snapshot: Snapshot, services: list[dict[str, Any]]
) -> None:
    for number, service in enumerate(services):
        title = squash(normalise(service["title"]["zh"]))
        for place in range(len(title)) if len(title) >= 4 else ():
            typed = title[:place] + WRONG + title[place + 1 :]
            assert number in positions(snapshot, typed), typed


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_one_edit_of_a_title_or_its_pinyin_finds_it_or_something_better(
    snapshot: Snapshot, services: list[dict[str, Any]], data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, len(services) - 1))
    title = squash(normalise(services[number]["title"]["zh"]))
    text = data.draw(st.sampled_from([title, read(title).whole]))
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("aeiqz水费证"))
    head, tail = text[:place], text[place:]
    swapped = head + tail[1:2] + tail[:1] + tail[2:]
    edits = [head + tail[1:], head + letter + tail[1:], head + letter + tail, swapped]
    typed = data.draw(st.sampled_from(edits))
    if min(len(text), len(typed)) < 4:
        return
    found = snapshot.finder.find(typed)
    assert number in [n for _, n in found] or reason_of(found[0][0]) is not MatchedBy.TYPO


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("水费", "exact"),
        ("Water Bill", "exact"),
        ("shuifei", "pinyin"),
        ("SHUIFEI", "pinyin"),
        ("shui fei", "pinyin"),
        ("shui'fei", "pinyin"),
        ("shuǐfèi", "pinyin"),
        ("ｓｈｕｉｆｅｉ", "pinyin"),
        ("sf", "initials"),
        ("SF", "initials"),
        ("自来水", "keyword"),
        ("吃水钱", "keyword"),
        ("water", "prefix"),
        ("wat", "prefix"),
        ("bill water", "title"),
        ("shufei", "typo"),
        ("shuifie", "typo"),
        ("shuiifei", "typo"),
        ("shuitei", "typo"),
        ("watr bill", "typo"),
        ("shui费", "typo"),
        ("税水谁费", None),
        ("我要交水费", "within"),
    ],
)
def test_the_water_bill_is_found_first(
    snapshot: Snapshot, services: list[dict[str, Any]], typed: str, reason: str | None
) -> None:
    found = hits(snapshot, services, typed)
    assert found[:1] == ([("water-bill", reason)] if reason else [])


@pytest.mark.parametrize(
    ("typed", "service_id"),
    [
        ("煤气", "gas-bill"),
        ("meiqi", "gas-bill"),
        ("煤气开户", "gas-connection-residential"),
        ("液化气", "gas-bill"),
        ("gas", "gas-bill"),
        ("暂住证", "residence-permit"),
        ("驾照", "driving-licence-renewal"),
        ("passport", "ordinary-passport"),
    ],
)
def test_synonyms_find_what_they_stand_for(
    snapshot: Snapshot, services: list[dict[str, Any]], typed: str, service_id: str
) -> None:
    assert service_id in [found for found, _ in hits(snapshot, services, typed)]


def test_characters_that_sound_alike_are_forgiven(
    snapshot: Snapshot, services: list[dict[str, Any]]
) -> None:
    found = dict(hits(snapshot, services, "不动产灯记预约"))
    titles = {service["id"]: service["title"]["zh"] for service in services}
    assert {titles[service_id]: reason for service_id, reason in found.items()} == {
        "不动产登记预约": "typo"
    }


def test_hits_stand_by_reason_and_then_by_title(
    snapshot: Snapshot, services: list[dict[str, Any]]
) -> None:
    for typed in ("水", "登记", "shenfenzheng", "sh", "card", "预约 查询", "十堰"):
        found = snapshot.finder.find(typed)
        order = list(MatchedBy)
        ranks = [order.index(reason_of(points)) for points, _ in found]
        assert len(found) > 1
        assert ranks == sorted(ranks)
        assert list(found) == sorted(found)
        assert len({number for _, number in found}) == len(found)


def test_every_word_must_be_found(snapshot: Snapshot, services: list[dict[str, Any]]) -> None:
    both = set(positions(snapshot, "婚姻 预约"))
    assert both
    assert both <= set(positions(snapshot, "婚姻")) & set(positions(snapshot, "预约"))
    assert positions(snapshot, "婚姻 zzzzzz") == []


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=80) | st.text("水费煤气登记预约 abcshuifei", max_size=64))
def test_nothing_typed_is_an_error(snapshot: Snapshot, typed: str) -> None:
    found = snapshot.finder.find(typed)
    assert list(found) == sorted(found)
    assert all(0 <= number < len(snapshot.summaries) for _, number in found)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "?!", ".*", "(((", "[^-]", "\\", "%", "'; drop table", "😀😀", "\x00", "水" * 9999],
)
def test_hostile_input_is_harmless(snapshot: Snapshot, typed: str) -> None:
    assert positions(snapshot, typed) == []
