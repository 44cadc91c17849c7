"""Bundles are read strictly, and say the same to everybody."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.sdk import Invalid
from plugins.permits.errors import AnswersInvalid, BundleNotFound
from plugins.permits.service.answers import (
    conditions_hold,
    fee_for,
    materials_for,
    read_answers,
    tasks_for,
)
from plugins.permits.service.bundles import (
    Names,
    find_bundle,
    list_bundles,
    load_names,
    read_bundle,
    read_folder,
)
from plugins.permits.service.tables import BundleBroken
from plugins.permits.values.bundles import (
    Comparison,
    Condition,
    Deemed,
    IssuePolicy,
    Mode,
    Operator,
    Starts,
)
from tests.plugins.permits.answers import CONSTRUCTION, FORMS, MOVING, SMALL_FACTORY

PERMITS = Path(__file__).parents[3] / "plugins" / "permits"
CONFIG = Path(__file__).parents[3] / "config"
NAMES = Names({"water-bureau": "水利局", "fire-brigade": "消防支队"}, frozenset({"id-card"}))

SMALL = """
id = "small"
version = 1
title = { zh = "小", en = "Small" }
service = "permit-small"
lead = "water-bureau"
issue = "atomic"
intake = { working_days = 1 }
source = "法"

[[fields]]
id = "area"
title = { zh = "面积", en = "Area" }
kind = "number"
lowest = 1
highest = 9

[[fields]]
id = "use"
title = { zh = "用途", en = "Use" }
kind = "choice"
choices = [{ id = "home", title = { zh = "家", en = "Home" } }]

[[materials]]
id = "plan"
title = { zh = "图", en = "Plan" }

[[tasks]]
id = "first"
title = { zh = "一", en = "First" }
department = "water-bureau"
limit = { working_days = 2 }
fields = ["area", "use"]
materials = ["plan"]
source = "法"

[[tasks]]
id = "second"
title = { zh = "二", en = "Second" }
department = "fire-brigade"
limit = { working_days = 2, starts = "at_once" }
after = ["first"]
source = "法"
"""

# What is changed in the small bundle, and what the refusal must name besides the file.
FAULTS = [
    ("version = 1\n", "version = 1\ncolour = 'red'\n", "colour: is no key", "take it away"),
    ("version = 1\n", "", "version: is missing", "write a whole number"),
    ("version = 1\n", "version = true\n", "version: must be a whole number", ""),
    ("version = 1\n", "version = 0\n", "version: must be 1 or more", ""),
    ('en = "Small" }', 'en = "Small", fr = "Petit" }', "title.fr: is no key", "take it away"),
    ('zh = "小", ', "", "title.zh: is missing", "write a text"),
    (
        'issue = "atomic"',
        'issue = "some"',
        "issue: no choice is named 'some'",
        "as_decided, atomic",
    ),
    ('lead = "water-bureau"', 'lead = "nobody"', "lead: no department is named 'nobody'", "fire"),
    ('"fire-brigade"', '"nobody"', "tasks.second.department: no department", "water-bureau"),
    ('after = ["first"]', 'after = ["third"]', "tasks.second.after: no task", "first, second"),
    ('after = ["first"]', 'after = ["second"]', "second -> second", "take one of them away"),
    (
        'materials = ["plan"]\n',
        'materials = ["plan"]\nafter_any = ["second"]\n',
        "tasks wait for each other (",
        "take one of them away",
    ),
    ('fields = ["area", "use"]', 'fields = ["area"]', "fields.use: no task needs it", "name it"),
    ('["area", "use"]', '["area", "use", "age"]', "tasks.first.fields: no field", "area, use"),
    ('["area", "use"]', '["area", "use", "use"]', "tasks.first.fields: 'use' stands", "once"),
    ('materials = ["plan"]', 'materials = ["map"]', "tasks.first.materials: no material", "plan"),
    ('materials = ["plan"]\n', "", "materials.plan: no task needs it", "name it in a task"),
    ('id = "second"', 'id = "first"', "tasks.first: stands there twice", "once"),
    ('id = "second"', 'id = "Second"', "tasks.Second.id: 'Second' is no id", "lower-case"),
    ("lowest = 1", "lowest = 10", "fields.area.lowest: is above highest", "exchange"),
    ("lowest = 1", 'lowest = "1"', "fields.area.lowest: '1' is no value", "number"),
    ("lowest = 1", "pattern = 'x'", "fields.area.pattern: belongs to", "text"),
    ('kind = "choice"', 'kind = "text"', "fields.use.choices: belong to", "choice"),
    ('kind = "choice"', 'kind = "colour"', "fields.use.kind: no choice", "boolean, choice"),
    (
        'after = ["first"]',
        'after = ["first"]\ndeemed = "approved"',
        "tasks.second.deemed_source: and deemed go together",
        "name the law",
    ),
    (
        'after = ["first"]',
        'after = ["first"]\npermit = "licence"',
        "tasks.second.permit: no certificate is named 'licence'",
        "id-card",
    ),
    (
        'after = ["first"]',
        'after = ["first"]\nprocedures = { nap = { working_days = 1 } }',
        "tasks.second.procedures.nap: no choice is named 'nap'",
        "hearing",
    ),
    (
        'after = ["first"]',
        'after = ["first"]\nwhen = { all = [{ field = "age", equals = 1 }] }',
        "tasks.second.when.all[0].field: no field",
        "area, use",
    ),
    (
        'after = ["first"]',
        'after = ["first"]\nwhen = { all = [{ field = "use", equals = "shop" }] }',
        "tasks.second.when.all[0].equals: no choice is named 'shop'",
        "home",
    ),
    (
        'after = ["first"]',
        'after = ["first"]\nwhen = { all = [{ field = "use", at_least = "home" }] }',
        "tasks.second.when.all[0].at_least: compares numbers and dates only",
        "",
    ),
    (
        'after = ["first"]',
        'after = ["first"]\nwhen = { all = [], any = [] }',
        "tasks.second.when: has either all or any",
        "write one",
    ),
    (
        'after = ["first"]',
        'after = ["first"]\nwhen = { all = [] }',
        "tasks.second.when.all: is empty",
        "leave when out",
    ),
    (
        'after = ["first"]',
        'after = ["first"]\nfee = 5\nfee_per = "use"',
        "tasks.second.fee_per: must be a number",
        "",
    ),
    ('after = ["first"]', 'invited = ["fire-brigade"]', "tasks.second.invited: and", "joint"),
    ('source = "法"\n\n[[fields]]', 'source = " "\n\n[[fields]]', "source: is blank", "write"),
    ("version = 1\n", 'version = 1\npartner = "42"\n', "partner: is no code", "six digits"),
    ("[[tasks]]", "[[tasks", "file: is not TOML", ""),
]


@pytest.mark.parametrize(("old", "new", "fault", "cure"), FAULTS)
def test_a_refusal_names_file_key_and_cure(old: str, new: str, fault: str, cure: str) -> None:
    assert read_bundle("small.toml", SMALL, NAMES).version == 1
    assert old in SMALL
    with pytest.raises(BundleBroken) as caught:
        read_bundle("small.toml", SMALL.replace(old, new, 1), NAMES)
    words = str(caught.value)
    assert words.startswith("small.toml: ")
    assert fault in words
    assert cure in words


def test_a_condition_looks_at_earlier_fields_only() -> None:
    when = 'kind = "number"\nwhen = { all = [{ field = "use", equals = "home" }] }'
    with pytest.raises(BundleBroken, match=r"fields\.area\.when\.all"):
        read_bundle("small.toml", SMALL.replace('kind = "number"', when, 1), NAMES)


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name.replace('_', '-')}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_published_version_never_changes(tmp_path: Path) -> None:
    digest = read_bundle("small.toml", SMALL, NAMES).digest
    published = {"small": {"1": digest}}
    place = folder(tmp_path, small=SMALL)
    assert read_folder(place, published, NAMES)["small"][1].digest == digest
    folder(tmp_path, small=f"# a remark changes nothing\n{SMALL}")
    assert read_folder(place, published, NAMES)["small"][1].digest == digest
    folder(tmp_path, small=SMALL.replace("working_days = 2", "working_days = 3"))
    with pytest.raises(BundleBroken, match="published with another content; give the new one"):
        read_folder(place, published, NAMES)


def test_a_new_version_stands_beside_the_old_one(tmp_path: Path) -> None:
    new = SMALL.replace("version = 1", "version = 2").replace(
        "working_days = 2", "working_days = 3"
    )
    place = folder(tmp_path, small_1=SMALL, small=new)
    first = read_bundle("small-1.toml", SMALL, NAMES).digest
    with pytest.raises(BundleBroken, match=r'write 2 = "[0-9a-f]{64}" under \[small\]'):
        read_folder(place, {"small": {"1": first}}, NAMES)
    published = {"small": {"1": first, "2": read_bundle("small.toml", new, NAMES).digest}}
    assert set(read_folder(place, published, NAMES)["small"]) == {1, 2}
    (place / "small-1.toml").unlink()
    with pytest.raises(BundleBroken, match=r"small\.1: was published, and its file is gone"):
        read_folder(place, published, NAMES)


def test_files_are_named_by_their_bundle(tmp_path: Path) -> None:
    published = {"small": {"1": read_bundle("small.toml", SMALL, NAMES).digest}}
    with pytest.raises(BundleBroken, match=r"name the file small\.toml"):
        read_folder(folder(tmp_path, big=SMALL), published, NAMES)
    (tmp_path / "big.toml").unlink()
    with pytest.raises(BundleBroken, match="another file has it"):
        read_folder(folder(tmp_path, small=SMALL, small_1=SMALL), published, NAMES)


def test_the_citys_bundles_are_what_was_published() -> None:
    assert [bundle.id for bundle in list_bundles()] == sorted(FORMS)
    published = tomllib.loads((PERMITS / "published.toml").read_text(encoding="utf-8"))
    assert {bundle.id: {"1": bundle.digest} for bundle in list_bundles()} == published
    assert find_bundle("moving-in", 1) is find_bundle("moving-in")
    for wanted in (("nothing", None), ("moving-in", 2)):
        with pytest.raises(BundleNotFound):
            find_bundle(*wanted)


def test_names_are_those_of_the_city() -> None:
    told = tomllib.loads((CONFIG / "departments.toml").read_text(encoding="utf-8"))["departments"]
    short = {department["id"]: department["short"]["zh"] for department in told}
    names = load_names()
    assert names.departments.items() <= short.items()
    tasks = [task for bundle in list_bundles() for task in bundle.tasks]
    used = {name for task in tasks for name in (task.department, *task.invited)}
    assert used <= set(names.departments)
    issued = {task.permit for task in tasks if task.permit}
    taken = {m.certificate for b in list_bundles() for m in b.materials if m.certificate}
    assert issued | taken == names.certificates


def test_construction_starts_with_eight_permits_of_six_departments_in_one_day() -> None:
    bundle = find_bundle("construction-start")
    tasks = tasks_for(bundle, read_answers(bundle, CONSTRUCTION))
    permits = [task for task in tasks if task.permit]
    assert len(permits) == 8
    assert len({task.department for task in permits}) == 6
    assert len({task.department for task in tasks}) == 7
    assert bundle.issue is IssuePolicy.ATOMIC
    assert {(task.limit.working_days, task.limit.starts) for task in tasks} == {(1, Starts.AT_ONCE)}
    assert len([task for task in tasks if not task.after]) == 6
    assert [task.id for task in tasks if task.mode is Mode.JOINT_MEETING] == ["drawing-review"]
    assert [task.id for task in tasks if task.deemed is Deemed.APPROVED] == ["traffic-opinion"]
    assert all(task.source for task in tasks)


def test_conditions_add_tasks_and_take_them_away() -> None:
    bundle = find_bundle("construction-start")

    def ids(answers: dict[str, Any]) -> set[str]:
        return {task.id for task in tasks_for(bundle, read_answers(bundle, answers))}

    small = ids(SMALL_FACTORY)
    assert small == {"works-planning", "drawing-review", "construction-permit"}
    assert ids({**SMALL_FACTORY, "earthwork": 1000}) - small == {"soil-conservation"}
    assert ids({**SMALL_FACTORY, "land-area": 5000}) - small == {"soil-conservation"}
    assert ids({**SMALL_FACTORY, "building-use": "civil"}) - small == {"civil-defence"}
    everything = ids(CONSTRUCTION)
    assert everything - ids({**CONSTRUCTION, "environment-class": "exempt"}) == {"environment"}


def test_who_waits_for_a_task_that_does_not_apply_waits_for_those_before_it() -> None:
    text = (
        SMALL
        + """
when = { all = [{ field = "area", at_least = 5 }] }

[[tasks]]
id = "third"
title = { zh = "三", en = "Third" }
department = "water-bureau"
limit = { working_days = 1 }
after = ["second"]
source = "法"
"""
    )
    bundle = read_bundle("small.toml", text, NAMES)
    large = tasks_for(bundle, {"area": 5, "use": "home"})
    assert [(task.id, task.after) for task in large][1:] == [
        ("second", ("first",)),
        ("third", ("second",)),
    ]
    little = tasks_for(bundle, {"area": 4, "use": "home"})
    assert [(task.id, task.after) for task in little] == [("first", ()), ("third", ("first",))]


def test_materials_follow_from_the_tasks() -> None:
    bundle = find_bundle("construction-start")
    everything = materials_for(bundle, read_answers(bundle, CONSTRUCTION))
    assert {m.id for m in everything} == {m.id for m in bundle.materials}
    small = {m.id for m in materials_for(bundle, read_answers(bundle, SMALL_FACTORY))}
    gone = {"fire-design", "shelter-design", "soil-plan", "road-plan"}
    assert {m.id for m in bundle.materials} - small == gone
    later = {m.id: m.deferrable_days for m in everything if m.deferrable_days}
    assert later == {"survey-report": 5, "soil-plan": 3, "safety-measures": 5}


def test_a_fee_is_fixed_or_grows_with_a_number() -> None:
    soil = find_bundle("construction-start").task("soil-conservation")
    assert fee_for(soil, CONSTRUCTION) == 8000 * 150
    assert fee_for(soil, {**CONSTRUCTION, "land-area": 10.33}) == 1549
    assert fee_for(soil, {}) is None
    moving = find_bundle("moving-in")
    assert fee_for(moving.task("id-card"), MOVING) == 2000
    assert fee_for(moving.task("move-permission"), MOVING) is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("project-code", "2411-420300-04-01-12345", "form"),
        ("project-code", "２４１１-420300-04-01-123456", "form"),
        ("project-code", 5, "form"),
        ("project-name", "两行\n的名称", "form"),
        ("floor-area", True, "a number, at least 1, at most 2000000"),
        ("floor-area", "12000", "a number"),
        ("floor-area", 0.5, "a number"),
        ("floor-area", float("nan"), "a number"),
        ("floor-area", float("inf"), "a number"),
        ("building-use", "castle", "one of: civil, industrial"),
        ("building-use", ["civil"], "one of"),
        ("special-project", "yes", "true or false"),
        ("special-project", 1, "true or false"),
        ("start-date", "2026-02-30", "a date"),
        ("start-date", "2026-2-3", "a date"),
        ("start-date", "20260203", "a date"),
        ("start-date", "1999-01-01", "at least 2024-01-01"),
        ("colour", "red", "no such field"),
        ("a/b~c", 1, "no such field"),
        ("earthwork", None, "a number"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_by_name(
    name: str, value: object, words: str
) -> None:
    with pytest.raises(AnswersInvalid) as caught:
        read_answers(find_bundle("construction-start"), {**CONSTRUCTION, name: value})
    (fault,) = caught.value.errors or ()
    assert fault["pointer"] == "/answers/" + name.replace("~", "~0").replace("/", "~1")
    assert words in str(fault["message"])


def test_a_form_is_whole_and_a_draft_need_not_be() -> None:
    bundle = find_bundle("construction-start")
    part = {"occupies-road": True, "project-name": "武当新城"}
    assert list(read_answers(bundle, part, partial=True)) == ["project-name", "occupies-road"]
    with pytest.raises(AnswersInvalid) as caught:
        read_answers(bundle, part)
    missing = {fault["pointer"] for fault in caught.value.errors or ()}
    asked = {f.id for f in bundle.fields} - {"occupies-road", "project-name"}
    assert missing == {f"/answers/{name}" for name in asked}


def test_what_the_other_answers_do_not_lead_to_is_refused() -> None:
    answers = {**CONSTRUCTION, "occupies-road": False}
    with pytest.raises(Invalid) as caught:
        read_answers(find_bundle("construction-start"), answers)
    pointers = [fault["pointer"] for fault in caught.value.errors or ()]
    assert pointers == ["/answers/road-area", "/answers/road-until"]


@pytest.mark.parametrize("form", [(n, i) for n, forms in FORMS.items() for i in range(len(forms))])
def test_answers_come_back_as_they_were_and_can_be_kept_as_json(form: tuple[str, int]) -> None:
    name, number = form
    answers = read_answers(find_bundle(name), FORMS[name][number])
    assert answers == FORMS[name][number]
    assert json.loads(json.dumps(answers)) == answers


@given(
    operator=st.sampled_from(Operator),
    value=st.integers(-3, 3),
    answer=st.none() | st.integers(-3, 3),
    every=st.booleans(),
)
def test_a_comparison_means_what_it_says(
    *, operator: Operator, value: int, answer: int | None, every: bool
) -> None:
    answers = {} if answer is None else {"x": answer}
    told: Any = {Operator.ONE_OF: (value,), Operator.PRESENT: value > 0}.get(operator, value)
    known = answer is not None
    expected = {
        Operator.EQUALS: known and answer == value,
        Operator.ONE_OF: known and answer == value,
        Operator.AT_LEAST: answer is not None and answer >= value,
        Operator.AT_MOST: answer is not None and answer <= value,
        Operator.PRESENT: known == (value > 0),
    }[operator]
    one = Comparison("x", operator, told)
    never = Comparison("y", Operator.EQUALS, 1)
    assert conditions_hold(Condition(every, (one,)), answers) == expected
    assert conditions_hold(Condition(every, (one, never)), answers) == (expected and not every)


@given(
    st.dictionaries(
        st.sampled_from([f.id for f in find_bundle("moving-in").fields]) | st.text(max_size=5),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()),
    )
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_sent_is_read_or_refused(raw: dict[str, object]) -> None:
    bundle = find_bundle("moving-in")
    try:
        answers = read_answers(bundle, raw, partial=True)
    except AnswersInvalid:
        return
    assert answers == raw
    assert {task.id for task in tasks_for(bundle, answers)} >= {"move-permission"}
