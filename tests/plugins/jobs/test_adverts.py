"""Adverts that are refused are refused however they are written, and others are not."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.factory import Rooms
from plugins.jobs.service.adverts import RULES, find_faults, find_in_text, lowest_wage, read_rules
from plugins.jobs.values import DISTRICTS, Advert, city_today
from tests.plugins.jobs.conftest import Boss
from tests.plugins.jobs.rows import many

BETWEEN = " 　.·-_*～~、♥\u200b\u2060|/"
WRITTEN_OTHERWISE = {
    **{chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)},
    "证": "證",
    "费": "費",
    "训": "訓",
}
DENIABLE = [rule for rule in RULES.rules if rule.deniable]

ALLOWED = [
    "不收取任何费用",
    "本公司招聘不收取任何费用，谨防诈骗",
    "招聘过程不收取押金、服装费、培训费等任何费用。",
    "免押金，免培训费，包吃住",
    "无押金，无中介费",
    "无需缴纳保证金",
    "公司承担培训费，转正后签合同",
    "培训费由公司承担",
    "服装费全免",
    "入职培训费公司报销",
    "负责投标保证金的办理与退还",
    "酒店前台，办理客人押金收退",
    "负责会员报名费、资料费的核算",
    "严禁收取押金",
    "无责底薪3000加提成",
    "底薪加提成，月入过万",
    "年满18周岁，身体健康",
    "16周岁以上，能吃苦",
    "照顾3-6岁儿童",
    "照顾60-65岁老人",
    "负责乙肝疫苗的接种与登记",
    "从事乙肝检测试剂研发",
    "男女不限，学历不限",
    "户籍不限，提供住宿",
    "欢迎残疾人应聘",
    "负责企业微信公众号运营",
    "熟悉微信小程序开发",
    "月薪5000-8000元，年底双薪",
    "工作时间8:30-17:30，月休4天",
    "工资13000-18000元/月",
    "服务电话接听与回访",
    "熟悉C++、Java，2年以上经验",
    "女装店营业员，男装搭配师",
    "妇女用品销售，母婴护理",
    "办理银行保险业务，无不良嗜好",
    "订单编号20261129000123456",
]

REFUSED = [
    ("入职需交押金500元", "deposit"),
    ("不限经验，需缴保证金", "deposit"),
    ("不交押金不能入职", "deposit"),
    ("不收中介费，但需要交押金", "deposit"),
    ("无工作经验者需押金", "deposit"),
    ("押金三个月后退还", "deposit"),
    ("负责人告知先交押金", "deposit"),
    ("先交培训费再上岗", "fee"),
    ("服装费300元自理", "fee"),
    ("报名费每人50元", "fee"),
    ("需身份证原件抵押", "papers-kept"),
    ("没有基础可办培训贷", "loan"),
    ("无底薪，高提成", "wageless"),
    ("试岗三天，试岗无薪", "wageless"),
    ("限男性，能吃苦", "sex"),
    ("女士优先考虑", "sex"),
    ("已婚已育优先", "sex"),
    ("招聘女文员两名", "sex"),
    ("性别：男", "sex"),
    ("年龄18-35岁", "age"),
    ("45周岁以下", "age"),
    ("三十五岁以下", "age"),
    ("不超过40岁", "age"),
    ("本地户籍优先", "origin"),
    ("不招河南人", "origin"),
    ("东北人勿扰", "origin"),
    ("仅限汉族", "people-and-belief"),
    ("需查乙肝两对半", "health"),
    ("残疾人勿扰", "health"),
    ("有意者加微信详谈", "contact"),
    ("VX: abc12345", "contact"),
    ("QQ 1234567", "contact"),
    ("详情见 http://jobs.example", "contact"),
    ("电话13812345678", "number"),
    ("联系 138-1234-5678", "number"),
    ("一三八 一二三四 五六七八", "number"),
    ("1 3 8 1 2 3 4 5 6 7 8", "number"),
    ("座机0719-8123456", "number"),
]


def told(text: str) -> set[str]:
    return {finding.rule for finding in find_in_text(text, "/description")}


@pytest.mark.parametrize("text", ALLOWED)
def test_what_is_allowed_passes(text: str) -> None:
    assert told(text) == set()


@pytest.mark.parametrize(("text", "rule"), REFUSED)
def test_what_is_forbidden_is_found(text: str, rule: str) -> None:
    assert rule in told(text)


@given(
    case=st.sampled_from([pair for pair in REFUSED if pair[1] != "number"]),
    between=st.sampled_from(BETWEEN),
    seed=st.integers(0, 10**6),
)
def test_however_it_is_written(case: tuple[str, str], between: str, seed: int) -> None:
    text, rule = case
    chance = random.Random(seed)  # noqa: S311 - chance, and no secret
    signs = [WRITTEN_OTHERWISE.get(sign, sign) if chance.random() < 0.5 else sign for sign in text]
    written = "".join(s + (between if chance.random() < 0.5 else "") for s in signs)
    assert rule in told(written.upper() if chance.random() < 0.3 else written)


@given(
    word=st.sampled_from(["押金", "保证金", "培训费", "服装费", "报名费"]),
    denial=st.sampled_from(["不收取", "不收", "无需缴纳", "免收", "严禁收取", "杜绝", "不需要交"]),
    demand=st.sampled_from(["需交", "须缴纳", "收取", "先付"]),
)
def test_a_denial_counts_and_a_demand_after_it_counts_more(
    word: str, denial: str, demand: str
) -> None:
    assert told(f"我们{denial}{word}") == set()
    assert told(f"我们{denial}押金等，入职{demand}{word}") != set()
    assert told(f"{demand}{word}") != set()


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    for finding in find_in_text(text, "/title"):
        assert finding.passage


def plain(**changed: object) -> Advert:
    advert = Advert(
        title="装配工",
        description="负责变速箱装配。",
        employment_type="full_time",
        district="420302",
        pay_from=500_000,
        pay_to=800_000,
        pay_unit="month",
        valid_through=city_today() + timedelta(days=9),
    )
    return replace(advert, **changed)  # type: ignore[arg-type]


def test_pay_below_the_lowest_wage_of_the_day_and_the_place() -> None:
    wage = lowest_wage("420302", city_today())
    assert wage is not None
    assert find_faults(plain(pay_from=wage.month)) == []
    (fault,) = find_faults(plain(pay_from=wage.month - 1))
    assert (fault.rule, fault.pointer, fault.source) == ("minimum-wage", "/pay_from", wage.source)
    hourly = plain(pay_unit="hour", employment_type="part_time", pay_to=wage.hour)
    assert find_faults(replace(hourly, pay_from=wage.hour)) == []
    assert len(find_faults(replace(hourly, pay_from=wage.hour - 1))) == 1
    assert find_faults(plain(employment_type="part_time", pay_from=100)) == []  # hours unknown


def test_lowest_wages_are_dated_and_every_district_has_one() -> None:
    days = [date(2024, 1, 31), date(2024, 2, 1)]
    before, since = (lowest_wage("420302", day) for day in days)
    assert before is not None
    assert since is not None
    assert (before.month, since.month) == (165_000, 195_000)
    assert lowest_wage("420302", date(2000, 1, 1)) is None
    assert all(lowest_wage(district, city_today()) for district in DISTRICTS)


def test_every_rule_names_its_reason_and_source() -> None:
    for rule in (*RULES.rules, *RULES.numbers):
        assert rule.source
        assert set(rule.reason) == {"zh", "en"}
    with pytest.raises(KeyError):
        read_rules("[reading]\nsame = {}")


def test_a_refusal_names_passage_and_rule_and_nothing_is_kept(boss: Boss, rooms: Rooms) -> None:
    answer = boss.post(title="押 金 装配工", description="包吃住，男士优先。工作轻松，月休四天。")
    assert (answer.status_code, answer.json["code"]) == (422, "advert-refused")
    named = {(e["pointer"], e["rule"], e["passage"]) for e in answer.json["findings"]}
    assert named == {
        ("/title", "deposit", "押 金 装配工"),
        ("/description", "sex", "包吃住，男士优先。工作轻松，月休"),
    }
    assert all("Law" in e["source"] for e in answer.json["findings"])
    made = many(
        rooms,
        "select id from plugin_jobs.vacancies where employer_id = :e and title = :t",
        e=boss.employer,
        t="押 金 装配工",
    )
    assert made == []
    kept = boss.post().json["id"]
    changed = boss.change(kept, description="需要先交服装费才能上岗。")
    assert changed.json["findings"][0]["rule"] == "fee"
    assert boss.see(kept)["revision"] == 1
