"""The table of levels, and what is worked out from it."""

from datetime import UTC, datetime

import pytest

from app.identity.service.levels import RULES, read_rules
from app.identity.values import EvidenceKind as Kind

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
PHONE, MATCH, FACE, COUNTER, KEY = (
    Kind.PHONE_CODE,
    Kind.REGISTER_MATCH,
    Kind.FACE_LIVE,
    Kind.COUNTER,
    Kind.PASSKEY,
)


def table(linked: int = 0, first: str = "verified", second: str = "strong") -> str:
    kinds = "".join(
        f'[kinds.{kind}]\ntitle.zh = "x"\ntitle.en = "x"\n'
        f"is_linked = {str(kind.endswith('-match') and kind is not MATCH).lower()}\n"
        for kind in Kind
    )
    return (
        'as_of = 2026-11-28\nsource = "a test"\n'
        f'[[levels]]\nlevel = "{first}"\nall_of = ["phone-code"]\nany_of = ["register-match"]\n'
        f"linked = {linked}\n"
        f'[[levels]]\nlevel = "{second}"\nall_of = []\nany_of = ["face-live"]\nlinked = 0\n{kinds}'
    )


@pytest.mark.parametrize(
    ("held", "level"),
    [
        ([], "basic"),
        ([PHONE], "basic"),
        ([MATCH], "basic"),
        ([PHONE, FACE, KEY], "basic"),
        ([PHONE, MATCH], "verified"),
        ([PHONE, MATCH, Kind.BANK_CARD, Kind.HOUSING_FUND], "verified"),
        ([PHONE, COUNTER], "strong"),
        ([PHONE, MATCH, FACE], "strong"),
        ([PHONE, MATCH, KEY], "strong"),
        ([MATCH, FACE, COUNTER, KEY], "basic"),
    ],
)
def test_evidence_makes_the_level(held: list[Kind], level: str) -> None:
    assert RULES.level_of(held) == level


def test_a_city_may_ask_for_linked_proofs() -> None:
    rules = read_rules(table(linked=2))
    assert rules.level_of([PHONE, MATCH, Kind.BANK_CARD]) == "basic"
    assert rules.level_of([PHONE, MATCH, FACE, Kind.BANK_CARD]) == "basic"
    assert rules.level_of([PHONE, MATCH, Kind.BANK_CARD, Kind.PHONE_OWNER]) == "verified"


def test_a_level_drops_when_the_first_piece_that_carries_it_ends() -> None:
    soon, late = NOON.replace(hour=13), NOON.replace(hour=14)
    assert RULES.standing([(PHONE, None)], NOON) == ("basic", None)
    held = [(PHONE, None), (MATCH, late), (FACE, soon)]
    assert RULES.standing(held, NOON) == ("strong", soon)
    assert RULES.standing(held, soon) == ("verified", late)
    assert RULES.standing(held, late) == ("basic", None)
    # A second piece that carries the same level takes over.
    assert RULES.standing([*held, (KEY, None)], NOON) == ("strong", late)
    assert RULES.standing([*held, (Kind.BANK_CARD, soon)], soon) == ("verified", late)


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        (PHONE, None),
        (KEY, None),
        (MATCH, datetime(2033, 2, 28, tzinfo=UTC)),
        (COUNTER, datetime(2033, 2, 28, tzinfo=UTC)),
        (FACE, datetime(2029, 2, 28, tzinfo=UTC)),
    ],
)
def test_how_long_each_kind_counts(kind: Kind, end: datetime | None) -> None:
    assert RULES.end_of(kind, datetime(2028, 2, 29, tzinfo=UTC)) == end


def test_the_table_names_its_date_and_its_source() -> None:
    assert RULES.as_of.year >= 2026
    assert "国办函〔2016〕108号" in RULES.source


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("[kinds.counter]", "[kinds.rumour]"),
        ("", "[kinds.rumour]\ntitle = {}\n"),
        ('"phone-code"', '"rumour"'),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(right: str, wrong: str) -> None:
    text = table()
    assert read_rules(text)
    with pytest.raises(ValueError, match=r"evidence|rumour"):
        read_rules(text.replace(right, wrong) if right else text + wrong)


@pytest.mark.parametrize(
    ("first", "second"), [("strong", "verified"), ("basic", "strong"), ("verified", "verified")]
)
def test_levels_stand_in_order(first: str, second: str) -> None:
    with pytest.raises(ValueError, match="lowest first"):
        read_rules(table(first=first, second=second))
