"""Fields: what a client may write into a text, a number, a flag, a moment."""

import re
import unicodedata
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from app.http import fields
from tests.contract import contract_of

ECHO = "/v1/tiny/echoes"


def refuse(door: FlaskClient, member: str, value: object) -> list[dict[str, Any]]:
    answer = door.post(ECHO, json={member: value})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input"), answer.text
    faults: list[dict[str, Any]] = answer.json["errors"]
    return faults


@pytest.mark.parametrize(
    "value",
    [
        "水费",
        "𬱖㛃",  # rare characters of names, beyond the basic plane
        "阿依古丽·买买提",
        "é",
        "a b",
        "‘quoted’ – “so”…",
        "👍🏽",
        " ",
        "<script>alert(1)</script>",
        "'; drop table citizens; --",
        "x" * 200,
    ],
)
def test_a_text_is_kept_as_it_is(door: FlaskClient, value: str) -> None:
    assert door.post(ECHO, json={"text": value}).json == {"text": value}


@pytest.mark.parametrize(
    "character",
    [
        "\x00",
        "\x01",
        "\t",
        "\n",
        "\r",
        "\x1b",
        "\x7f",
        "\x80",
        "\x9f",
        "\u00ad",  # soft hyphen
        "\u061c",
        "\u200b",  # zero width space
        "\u200c",
        "\u200d",
        "\u200e",
        "\u200f",
        "\u202a",
        "\u202d",
        "\u202e",  # right-to-left override
        "\u2028",
        "\u2029",
        "\u2060",
        "\u206f",
        "\u2066",
        "\u2067",
        "\u2068",
        "\u2069",
        "\ufeff",
    ],
)
def test_an_invisible_character_is_refused(door: FlaskClient, character: str) -> None:
    for text in (character, f"a{character}b", f"{character}a", f"a{character}"):
        faults = refuse(door, "text", text)
        assert faults == [
            {"pointer": "/text", "message": "Contains a character that is not allowed."}
        ]


@pytest.mark.parametrize("value", ["e\u0301", "\u212b", "\u1100\u1161", "\uf900"])
def test_a_text_must_be_in_nfc(door: FlaskClient, value: str) -> None:
    """It is refused, not rewritten: what was signed or shown stays what was sent."""
    assert not unicodedata.is_normalized("NFC", value)
    faults = refuse(door, "text", value)
    assert faults == [{"pointer": "/text", "message": "Must be in Unicode normal form C."}]


@pytest.mark.parametrize("value", ["", "x" * 201, 1, 1.5, True, None, [], {}, ["a"]])
def test_no_text_is_refused(door: FlaskClient, value: object) -> None:
    assert refuse(door, "text", value)[0]["pointer"] == "/text"


def test_lines_may_be_broken_where_the_field_allows(door: FlaskClient) -> None:
    value = "第一行\n\t第二行"
    assert door.post(ECHO, json={"lines": value}).json == {"lines": value}
    for character in ("\r", "\x00", "\u202e"):
        refuse(door, "lines", f"a{character}b")


@pytest.mark.parametrize("value", ["ABC\n", "\nABC", "ABCD", "abc", "AB", "ＡＢＣ", "A B"])
def test_a_pattern_holds_for_the_whole_text(door: FlaskClient, value: str) -> None:
    refuse(door, "code", value)


@given(st.text(max_size=30))
def test_the_documented_pattern_is_the_rule(text: str) -> None:
    """A client that checks against the document is neither misled nor held back."""
    field = fields.Text(min_length=0)
    pattern = field.metadata["pattern"]
    schema = jsonschema_rs.Draft202012Validator({"type": "string", "pattern": pattern})
    try:
        field.deserialize(text)
        is_taken = True
    except ValidationError:
        is_taken = False
    try:
        text.encode()
    except UnicodeEncodeError:
        assert not is_taken
        return
    is_allowed = schema.is_valid(text)
    assert is_allowed == (re.search(pattern, text) is not None and not text.endswith("\n"))
    # Normal form C is the one rule that a pattern cannot say.
    assert is_taken == (is_allowed and unicodedata.is_normalized("NFC", text))


@pytest.mark.parametrize("value", [0, 1, -1, 10**17])
def test_an_integer_is_an_integer(door: FlaskClient, value: int) -> None:
    assert door.post(ECHO, json={"number": value}).json == {"number": value}


@pytest.mark.parametrize("value", ["1", 1.0, 1.5, True, False, None, [], [1], {}, "", 1e3])
def test_nothing_else_is_an_integer(door: FlaskClient, value: object) -> None:
    assert refuse(door, "number", value)[0]["pointer"] == "/number"


@pytest.mark.parametrize("value", [-1, 2 * 10**11 + 1, 42.5, "4250"])
def test_an_amount_is_whole_fen_within_bounds(door: FlaskClient, value: object) -> None:
    assert refuse(door, "amount", value)[0]["pointer"] == "/amount"


@pytest.mark.parametrize("value", [0, 1, "true", "false", "yes", None, [], {}])
def test_a_flag_is_true_or_false(door: FlaskClient, value: object) -> None:
    assert refuse(door, "flag", value)[0]["pointer"] == "/flag"


def test_both_flags_are_taken(door: FlaskClient) -> None:
    assert door.post(ECHO, json={"flag": True}).json == {"flag": True}
    assert door.post(ECHO, json={"flag": False}).json == {"flag": False}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22T10:00:00+08:00", "2026-11-22T02:00:00.000Z"),
        ("2026-11-22T10:00:00.123456-03:30", "2026-11-22T13:30:00.123Z"),
        ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59.000Z"),
    ],
)
def test_a_moment_carries_an_offset_and_is_shown_in_utc(
    door: FlaskClient, value: str, shown: str
) -> None:
    assert door.post(ECHO, json={"moment": value}).json == {"moment": shown}


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22T10:00:00",
        "2026-11-22",
        "2026-11-22 10:00",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-22T24:00:01Z",
        "2026-11-22T10:00:00+25:00",
        "9999-12-31T23:59:59-14:00",  # in UTC a year that does not exist
        "0001-01-01T00:00:00+14:00",
        "yesterday",
        "",
        1795000000,
        None,
    ],
)
def test_anything_else_is_no_moment(door: FlaskClient, value: object) -> None:
    assert refuse(door, "moment", value)[0]["pointer"] == "/moment"


@pytest.mark.parametrize(
    "value", ["1", "", "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz", 1, None, "{}", "0" * 31]
)
def test_anything_else_is_no_id(door: FlaskClient, value: object) -> None:
    assert refuse(door, "id", value)[0]["pointer"] == "/id"


def test_every_fault_is_told_with_its_place(door: FlaskClient) -> None:
    answer = door.post(
        ECHO,
        json={
            "number": "1",
            "texts": ["a", "\x00", 3],
            "inner": {"text": "", "flag": True},
            "surplus": 1,
        },
    )
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json["errors"]} == {
        "/number",
        "/texts/1",
        "/texts/2",
        "/inner/text",
        "/inner/flag",
        "/surplus",
    }


@pytest.mark.parametrize("body", [[], [{}], "text", 1, True])
def test_a_body_that_is_no_object_is_refused(door: FlaskClient, body: object) -> None:
    answer = door.post(ECHO, json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
    assert answer.json["errors"][0]["pointer"] == ""


def test_the_document_shows_the_rules(door: FlaskClient) -> None:
    schema = contract_of(door.application).spec["components"]["schemas"]["Echo"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["text"]["maxLength"] == 200
    assert schema["properties"]["code"]["pattern"] == "^(?:[A-Z]{3})$"
    assert schema["properties"]["amount"]["maximum"] == 2 * 10**11
    assert schema["properties"]["moment"] == {"type": "string", "format": "date-time"}
