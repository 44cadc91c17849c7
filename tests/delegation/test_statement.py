"""The text of a mandate: the same for the same mandate, another for any other."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.delegation.models import Mandate, MandateScope
from app.delegation.service.statement import attestation_of, statement_of

SERVICES = ["*", "gas-bill", "power-bill", "water-bill"]
ACTIONS = ["view", "book", "pay", "submit"]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CAPS = st.none() | st.integers(1, 10**11)
SCOPES = st.fixed_dictionaries(
    {
        "actions": st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True),
        "cap_per_day": CAPS,
        "cap_total": CAPS,
    }
)
MANDATES = st.fixed_dictionaries(
    {
        "id": st.uuids(),
        "principal_id": st.uuids(),
        "delegate_id": st.uuids(),
        "organisation_id": st.none() | st.uuids(),
        "days": st.sampled_from([1, 31, 182, 365]),
        "consent": st.sampled_from(["app", "sms", "counter"]),
        "consent_evidence": st.uuids().map(lambda own: f"session {own}"),
        "starts_at": st.integers(0, 10**14).map(lambda us: BEGIN + timedelta(microseconds=us)),
        "scopes": st.dictionaries(st.sampled_from(SERVICES), SCOPES, min_size=1),
    }
)


def made(values: dict[str, Any], *, turned: bool = False) -> str:
    own = {**values}
    scopes = [
        MandateScope(
            service=service, **{**more, "actions": sorted(more["actions"], reverse=turned)}
        )
        for service, more in own.pop("scopes").items()
    ]
    ends = own["starts_at"] + timedelta(days=own["days"])
    scopes = scopes[::-1] if turned else scopes
    for_organisation = own["organisation_id"] is not None and own["days"] == 1
    return statement_of(
        Mandate(scopes=scopes, expires_at=ends, for_organisation=for_organisation, **own)
    )


@settings(max_examples=200, deadline=None)
@given(MANDATES)
def test_the_order_of_the_rows_does_not_matter(values: dict[str, Any]) -> None:
    text = made(values)
    assert made(values, turned=True) == text
    assert text.endswith("\n")
    assert all(": " in line for line in text.splitlines())
    assert len(attestation_of(text)) == 32


@settings(max_examples=300, deadline=None)
@given(MANDATES, MANDATES)
def test_two_mandates_have_two_texts(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Also when they differ in a single place."""
    for name, value in one.items():
        bent = {**one, name: other[name]}
        same = bent[name] == value or (
            name == "scopes" and _canonical(one["scopes"]) == _canonical(other["scopes"])
        )
        assert (made(bent) == made(one)) is same


def _canonical(scopes: dict[str, Any]) -> dict[str, Any]:
    return {s: {**more, "actions": set(more["actions"])} for s, more in scopes.items()}


def test_the_text_as_it_is_documented() -> None:
    values = {
        "id": UUID(int=1),
        "principal_id": UUID(int=2),
        "delegate_id": UUID(int=3),
        "organisation_id": UUID(int=4),
        "days": 31,
        "consent": "app",
        "consent_evidence": f"session {UUID(int=5)}",
        "starts_at": datetime(2026, 11, 28, 10, 0, 0, 7, tzinfo=UTC),
        "scopes": {
            "water-bill": {"actions": ["pay", "view"], "cap_per_day": 5_000, "cap_total": None},
            "*": {"actions": ["view"], "cap_per_day": None, "cap_total": None},
        },
    }
    zeros = "00000000-0000-0000-0000-00000000000"
    assert made(values) == (
        "form: wudang-mandate-1\n"
        f"mandate: {zeros}1\n"
        f"principal: citizen {zeros}2\n"
        f"delegate: citizen {zeros}3 of organisation {zeros}4\n"
        "term: 31 days\n"
        "from: 2026-11-28T10:00:00.000007Z\n"
        "until: 2026-12-29T10:00:00.000007Z\n"
        f"consent: app, session {zeros}5\n"
        "scope: *: view; fen a day -; fen in all -\n"
        "scope: water-bill: pay view; fen a day 5000; fen in all -\n"
    )


def test_what_has_not_begun_has_no_text() -> None:
    with pytest.raises(AssertionError):
        statement_of(Mandate(scopes=[]))
