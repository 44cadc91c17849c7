"""The templates and how they are shown."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from app.notifications.values import TEMPLATES, Kind

SAMPLE = {
    "level_zh": "实名认证",
    "level_en": "verified",
    "amount": 123456,
    "service_zh": "水费",
    "service_en": "Water bill",
    "code": "8K2M-44QX",
    "card": "visa 4242",
    "platform": "ios",
    "at": datetime(2026, 11, 22, 2, 31, tzinfo=UTC),
    "until": datetime(2026, 12, 23, 2, 31, tzinfo=UTC),
    "days": 31,
    "how_zh": "已到期",
    "how_en": "has expired",
    "what_zh": "密码",
    "what_en": "password",
    "phone": "138****0001",
    "outcome_zh": "已采纳",
    "outcome_en": "was accepted",
}


def test_every_kind_has_its_template() -> None:
    assert set(get_args(Kind)) == set(TEMPLATES)


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
def test_a_template_shows_exactly_its_parameters(kind: str) -> None:
    template = TEMPLATES[kind]
    text = template.render({name: SAMPLE[name] for name in template.params})
    shown = (text.title_zh, text.title_en, text.body_zh, text.body_en, text.sms)
    assert all(shown)
    assert not any("{" in part or "}" in part for part in shown)
    assert text.sms.startswith("【i武当】")
    if "amount" in template.params:
        assert all("¥1,234.56" in part for part in (text.body_zh, text.body_en, text.sms))
    if "at" in template.params:
        assert all("2026-11-22 10:31" in part for part in (text.body_zh, text.body_en, text.sms))
    # What opens a receipt or names a device is read in the app, not on a lock screen.
    assert "8K2M-44QX" not in text.sms


def test_other_parameters_are_a_mistake_of_the_caller() -> None:
    template = TEMPLATES["refund-succeeded"]
    with pytest.raises(ValueError, match="service_zh"):
        template.render({"amount": 1})
    with pytest.raises(ValueError, match="extra"):
        template.render({"amount": 1, "service_zh": "x", "service_en": "x", "extra": "x"})


def test_parameters_are_not_templates() -> None:
    text = TEMPLATES["refund-succeeded"].render(
        {"amount": 4250, "service_zh": "{amount.__class__}", "service_en": "{0}"}
    )
    assert text.body_zh == "{amount.__class__}的退款¥42.50已按原支付方式退回。"
