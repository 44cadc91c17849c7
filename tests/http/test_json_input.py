"""The one JSON parser, and that every body goes through it."""

import json
import subprocess
import sys
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.errors import Malformed
from app.core.strict_json import MAX_DEPTH, MAX_DIGITS
from app.http.json_input import MAX_MEMBERS, JsonInvalid, parse_json


def nested(depth: int, value: str = "1") -> bytes:
    return (b"[" * depth) + value.encode() + (b"]" * depth)


def members(count: int) -> bytes:
    return json.dumps({f"m{i}": i for i in range(count)}).encode()


REFUSED = {
    "nothing": b"",
    "spaces": b"   ",
    "a word": b"hello",
    "two values": b"{} {}",
    "a comma too many": b'{"text": "a",}',
    "single quotes": b"{'text': 'a'}",
    "a comment": b'{"text": "a"} // b',
    "no end": b'{"text": "a"',
    "a string without end": b'{"text": "a',
    "a duplicate": b'{"text": "a", "text": "b"}',
    "an escaped duplicate": b'{"text": "a", "te\\u0078t": "b"}',
    "a duplicate below": b'{"inner": {"text": "a", "text": "a"}}',
    "NaN": b'{"number": NaN}',
    "Infinity": b'{"number": Infinity}',
    "-Infinity": b'{"number": -Infinity}',
    "a fraction beyond all": b'{"number": 1e400}',
    "19 digits": b'{"number": 1234567890123456789}',
    "19 digits below zero": b'{"number": -1234567890123456789}',
    "5000 digits": b'{"number": ' + b"9" * 5000 + b"}",
    "a leading zero": b'{"number": 01}',
    "a plus": b'{"number": +1}',
    "hexadecimal": b'{"number": 0x10}',
    "21 levels": nested(MAX_DEPTH + 1),
    "100,000 levels": nested(100_000),
    "100,000 levels without end": b"[" * 100_000,
    "40,000 objects without end": b'{"a":' * 40_000,
    "1001 members": members(MAX_MEMBERS + 1),
    "1002 elements": json.dumps([0] * (MAX_MEMBERS + 2)).encode(),
    "a byte-order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"text": "a"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"text": "a"}'.encode("utf-16-le"),
    "UTF-32": '{"text": "a"}'.encode("utf-32"),
    "GB18030": '{"text": "水费"}'.encode("gb18030"),
    "Latin-1": '{"text": "é"}'.encode("latin-1"),
    "a broken sequence": b'{"text": "\xc3\x28"}',
    "an overlong sequence": b'{"text": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"text": "\xed\xa0\x80"}',
    "a lone high surrogate": b'{"text": "\\ud800"}',
    "a lone low surrogate": b'{"text": "\\udc00"}',
    "surrogates in the wrong order": b'{"text": "\\udc00\\ud800"}',
    "a member named by a surrogate": b'{"\\ud800": 1}',
    "a line end in a string": b'{"text": "a\nb"}',
    "a NUL": b"\x00",
    "a NUL in a string": b'{"text": "\x00"}',
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_plain_json_is_refused(case: str) -> None:
    with pytest.raises(JsonInvalid):
        parse_json(REFUSED[case])


@pytest.mark.parametrize("case", REFUSED)
def test_the_door_refuses_the_same(door: FlaskClient, case: str) -> None:
    answer = door.post(
        "/v1/tiny/echoes", data=REFUSED[case], headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json["code"] == "malformed-json"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" {} ", {}),
        (b"[]", []),
        (b'"a"', "a"),
        (b"null", None),
        (b'{"a": 999999999999999999}', {"a": 10**MAX_DIGITS - 1}),
        (b'{"a": -999999999999999999}', {"a": 1 - 10**MAX_DIGITS}),
        (b'{"a": 1.5e3}', {"a": 1500.0}),
        (b'{"a": "\\ud842\\udfb7\\u00e9"}', {"a": "\U00020bb7\u00e9"}),
        ('{"a": "𬱖"}'.encode(), {"a": "𬱖"}),
        (b'{"a": "[{[{[{\\"[{"}', {"a": '[{[{[{"[{'}),
        (b'{"a": "\\\\"}', {"a": "\\"}),
        (b'{"a": "\\\\u00zz"}', {"a": "\\u00zz"}),
        (b'{"a": "\\\\ud800"}', {"a": "\\ud800"}),
    ],
)
def test_plain_json_is_read(raw: bytes, value: object) -> None:
    assert parse_json(raw) == value


def test_the_limits_themselves_are_allowed() -> None:
    assert parse_json(nested(MAX_DEPTH)) is not None
    assert len(parse_json(members(MAX_MEMBERS))) == MAX_MEMBERS
    assert len(parse_json(json.dumps([0] * MAX_MEMBERS).encode())) == MAX_MEMBERS


texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


@given(json_values, st.booleans())
def test_whatever_json_writes_is_read(value: Any, escaped: bool) -> None:  # noqa: ANN401, FBT001
    raw = json.dumps(value, ensure_ascii=escaped).encode()
    assert parse_json(raw) == value


@given(st.binary(max_size=200))
@example(b'"\\')
@example(b"\\" * 20)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        parse_json(raw)
    except Malformed as refusal:
        assert type(refusal) is JsonInvalid  # noqa: PT017 - either outcome is fine


@given(st.text(alphabet='[]{}",:\\u0dD8ea1. \n', max_size=80))
def test_any_punctuation_is_read_as_the_library_reads_it_or_refused(text: str) -> None:
    try:
        value = parse_json(text.encode())
    except JsonInvalid:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    "raw",
    [
        b'"' + b'\\"' * 130_000,
        b'"' + b'\\"' * 130_000 + b"\\",
        b'\\"' * 130_000,
        b'"' * 260_000,
        b"\\" * 260_000,
        b'"a' * 130_000,
    ],
    ids=["escaped quotes", "and a backslash", "unopened", "quotes", "backslashes", "strings"],
)
def test_no_body_takes_long(raw: bytes) -> None:
    """A quarter of a megabyte is looked at once, not once for each of its quotes.

    In a process of its own, because what goes wrong here stops every thread of one.
    """
    ask = "import sys; from app.http.json_input import *; parse_json(sys.stdin.buffer.read())"
    answer = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", ask], input=raw, capture_output=True, timeout=60, check=False
    )
    assert b"JsonInvalid" in answer.stderr
