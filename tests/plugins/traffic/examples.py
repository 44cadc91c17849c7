"""The worked examples of `examples.toml`, one parameter each, and how properties are tried."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no mistake of the rules.
STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
_ALL = tomllib.loads(Path(__file__).with_name("examples.toml").read_text(encoding="utf-8"))


def of_kind(kind: str) -> list[Any]:
    """Return the examples of a kind as parameters of a test."""
    return [
        pytest.param(example, id=example.get("why", f"{kind}-{place}"))
        for place, example in enumerate(_ALL[kind])
    ]
