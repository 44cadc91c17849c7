"""One written form, the pinyin and the initials of a text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.service.readings import MAX_LENGTH, normalise, read, squash


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("  Water   BILL ", "water bill"),
        ("ＥＴＣ办理", "etc办理"),
        ("shuǐ fèi", "shui fei"),
        ("xi'an", "xian"),
        ("xi’an", "xian"),
        ("PM2.5", "pm2 5"),
        ("水费（查询）", "水费 查询"),
        ("snake_case-word", "snake case word"),
        (".*[a-z]+?", "a z"),
        ("😀", ""),
        ("", ""),
    ],
)
def test_the_form_that_is_compared(typed: str, form: str) -> None:
    assert normalise(typed) == form


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=200))
def test_the_form_is_short_and_stable(typed: str) -> None:
    form = normalise(typed)
    assert len(form) <= MAX_LENGTH
    assert form == form.strip()
    assert normalise(form) == form


def test_a_sign_that_grows_stays_short() -> None:
    assert len(normalise("\ufdfa" * 64)) <= MAX_LENGTH


@pytest.mark.parametrize(
    ("text", "whole", "initials"),
    [
        ("水费", "shuifei", "sf"),
        ("重庆", "chongqing", "cq"),
        ("银行", "yinhang", "yh"),
        ("行驶证", "xingshizheng", "xsz"),
        ("长途客运", "changtukeyun", "ctky"),
        ("etc办理", "etcbanli", "etcbl"),
        ("绿色旅游", "lvselvyou", "lsly"),
    ],
)
def test_how_a_text_is_said(text: str, whole: str, initials: str) -> None:
    assert (read(text).whole, read(text).initials) == (whole, initials)


@pytest.mark.parametrize(("text", "other"), [("长护险", "changhuxian"), ("旅游", "luyou")])
def test_what_else_a_text_could_be_read_as(text: str, other: str) -> None:
    assert other in read(text).others
    assert read(text).whole not in read(text).others


def test_squashing_takes_the_spaces() -> None:
    assert squash("shui fei") == "shuifei"
