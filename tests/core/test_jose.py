"""Tokens and keys of others: whatever comes, it is read or refused, never more."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import jose
from tests.oauth.support import b64, make_key, public

MEMBERS = ("alg", "kid", "typ")
KEY = make_key()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def verify(token: str, keys: list[dict[str, Any]] | None = None) -> jose.Jwt:
    return jose.verify(token, keys or [public(KEY)], types=["JWT"], members=MEMBERS)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_refused(token: str) -> None:
    with pytest.raises(jose.JoseInvalid):
        verify(token)


@given(JSON, JSON)
def test_any_json_is_refused_without_a_signature(header: Any, claims: Any) -> None:  # noqa: ANN401
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), b"x" * 64)
    with pytest.raises(jose.JoseInvalid):
        verify(".".join(b64(part) for part in parts))


@given(JSON)
def test_any_json_is_a_key_set_or_is_refused(value: Any) -> None:  # noqa: ANN401
    for published in (value, {"keys": value}, {"keys": [value]}):
        with pytest.raises(jose.JoseInvalid):
            jose.check_public_keys(published)


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use"]), JSON))
def test_a_bent_key_is_refused(changes: dict[str, Any]) -> None:
    bent = {**public(KEY), **changes}
    try:
        jose.check_public_key(bent)
    except jose.JoseInvalid:
        return
    assert all(isinstance(bent[name], str) for name in ("kty", "crv", "x", "y"))


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans(), max_size=8))
def test_what_is_signed_is_read_as_it_was_written(claims: dict[str, Any]) -> None:
    header = {"alg": "ES256", "kid": KEY["kid"], "typ": "JWT"}
    assert verify(jose.sign(claims, header, KEY)).claims == claims


def test_a_key_is_chosen_by_its_name_and_only_one_fits() -> None:
    other = make_key()
    token = jose.sign({}, {"alg": "ES256", "kid": other["kid"], "typ": "JWT"}, other)
    assert verify(token, [public(KEY), public(other)])
    nameless = jose.sign({}, {"alg": "ES256", "typ": "JWT"}, other)
    assert verify(nameless, [public(other)])
    with pytest.raises(jose.JoseInvalid):  # nobody tries one key after the other
        verify(nameless, [public(KEY), public(other)])
