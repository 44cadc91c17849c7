"""docs/integrators.md tells the truth about events: its lines are run against what is sent."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.clock import now
from app.core.webhook_signatures import SharedSecret, SigningKey, public_text, sign_webhook
from app.webhooks.values import RETENTION, SCHEDULE, SECRET_OVERLAP, EventType
from config.settings import ROOT

PAGE = (ROOT / "docs" / "integrators.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
BODY = BLOCKS["event"].encode()


def shown(name: str) -> Callable[[Any, dict[str, str], bytes], dict[str, Any]]:
    """Return the function that the page shows under a name."""
    space: dict[str, Any] = {}
    exec(compile(BLOCKS[name], name, "exec"), space)  # noqa: S102 - our own page
    believe: Callable[[Any, dict[str, str], bytes], dict[str, Any]] = space["believe"]
    return believe


def both() -> dict[str, tuple[SigningKey, Any]]:
    secret, private = SharedSecret.fresh(), Ed25519PrivateKey.generate()
    return {
        "shared.py": (secret, secret.text),
        "public.py": (private, [public_text(private.public_key())]),
    }


@pytest.mark.parametrize("name", ["shared.py", "public.py"])
def test_the_lines_of_the_page_believe_what_is_ours_and_nothing_else(name: str) -> None:
    believe = shown(name)
    (key, known), (_, stranger) = both()[name], both()[name]
    headers = sign_webhook([Ed25519PrivateKey.generate(), key], "evt_1", now(), BODY)
    assert believe(known, headers, BODY) == json.loads(BODY)
    old = sign_webhook([key], "evt_1", now() - timedelta(minutes=6), BODY)
    for keys, signed, body in (
        (stranger, headers, BODY),
        (known, headers, BODY + b" "),
        (known, {**headers, "webhook-id": "evt_2"}, BODY),
        (known, old, BODY),
    ):
        with pytest.raises(Exception, match=r"(?i)signature|old"):
            believe(keys, signed, body)


def test_every_kind_and_figure_of_the_page_is_the_codes() -> None:
    kinds = re.findall(
        r"^\| `([a-z.]+\.[a-z]+)` \|", PAGE.partition("## Hear what")[2], re.MULTILINE
    )
    assert kinds == [str(one) for one in EventType]
    waits = (0, 5, 300, 1_800, *(hours * 3_600 for hours in (2, 5, 10, 14, 20, 24)))
    assert waits == SCHEDULE
    assert "5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours" in PAGE
    assert f"kept for {RETENTION.days} days" in PAGE
    assert SECRET_OVERLAP.days == 7
    assert "For seven days" in PAGE
