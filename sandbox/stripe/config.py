"""What a sandbox is started with."""

from dataclasses import dataclass
from pathlib import Path

API_VERSION = "2026-10-28.endive"
"""The API version whose shapes this sandbox answers with."""

RETRY_DELAYS = (1.0, 5.0, 30.0, 300.0, 3600.0, 10800.0, 21600.0)
"""Seconds before each further attempt to deliver a webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The keys, addresses and delays of one sandbox; without `data_dir` nothing is kept."""

    api_key: str
    publishable_key: str
    webhook_secret: str
    webhook_url: str | None = None
    data_dir: Path | None = None
    refund_seconds: float = 2.0
    retry_delays: tuple[float, ...] = RETRY_DELAYS
    delivery_timeout: float = 10.0
